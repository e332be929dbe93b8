using System.CommandLine;
using MlffAd.CommandLine;
using MlffAd.Verification;

namespace MlffAd.Cli;

/// <summary><c>mlffad verify FILE…</c>: recomputes reference files and compares.</summary>
internal static class VerifyCommand
{
    private const int Shown = 5;

    internal static Command Create()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description =
                "Reference files: *.safetensors (operators, networks, backbone features), or reference_cases.json.",
            Arity = ArgumentArity.OneOrMore,
        };
        var all = new Option<bool>("--all")
        {
            Description = $"Show every tensor, not only the {Shown} worst of a file and those over their tolerance.",
        };
        var weights = new Option<string?>("--weights")
        {
            Description = "The weights that a file of backbone features is compared with; else the shipped ones.",
            HelpName = "FILE",
        };
        var verb = new Verb("verify",
            "Recomputes reference files on a device and compares every tensor with its tolerance.",
            "mlffad verify tests/reference/conv.safetensors",
            "mlffad verify --device debug --all tests/reference/net_mini.safetensors",
            "mlffad verify --device cuda:0 --precision tf32 tests/reference/*.safetensors")
        {
            files, all, weights, CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads,
        };
        verb.SetAction(parse =>
        {
            using var device = parse.OpenDevice();
            var (output, error) = (parse.InvocationConfiguration.Output, parse.InvocationConfiguration.Error);
            var code = ExitCode.Success;
            foreach (string file in parse.GetRequiredValue(files))
            {
                try
                {
                    var errors = Verifier.Verify(file, device, parse.GetValue(weights));
                    Print(output, file, device, errors, parse.GetValue(all) ? errors.Count : Shown);
                    if (code == ExitCode.Success && errors.Any(e => !e.IsWithin)) code = ExitCode.Defect;
                }
                catch (MlffAdException e)
                {
                    // The other files are still of interest.
                    error.WriteLine($"mlffad: {e.Message}");
                    code = e.Code;
                }
            }
            return (int)code;
        });
        return verb;
    }

    private static void Print(TextWriter output, string file, Device device, IReadOnlyList<TensorError> errors,
        int shown)
    {
        var worst = errors.OrderByDescending(e => e.Share).ThenByDescending(e => e.Error).ToList();
        int over = worst.Count(e => !e.IsWithin);
        string threads = device.IsHost ? $", {device.Team.Count} thread{(device.Team.Count == 1 ? "" : "s")}" : "";
        string verdict = over > 0 ? $"{over} OVER TOLERANCE" : errors.Any(e => e.IsJudged)
            ? "all within tolerance"
            : "not judged";
        var largest = worst.FirstOrDefault(new TensorError("", 0, 1));
        string share = largest.IsJudged
            ? $"/tolerance {largest.Share.ToString("0.000", CultureInfo.InvariantCulture)}"
            : $" {largest.Error.ToString("0.00e+00", CultureInfo.InvariantCulture)}";
        output.WriteLine($"{file} on {device.Id}{threads}: {errors.Count} compared, {verdict}, largest error{share}");
        foreach (var e in worst.Take(Math.Max(shown, over))) output.WriteLine(Line(e));
    }

    private static string Line(TensorError e) => e.IsJudged
        ? string.Create(CultureInfo.InvariantCulture,
            $"  {(e.IsWithin ? "ok  " : "OVER")}  error {e.Error:0.00e+00}  tolerance {e.Tolerance:0e+00}  share "
                + $"{e.Share:0.000}  {e.Name}")
        : string.Create(CultureInfo.InvariantCulture, $"        error {e.Error:0.00e+00}  {e.Name}");
}
