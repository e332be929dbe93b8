using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad bench ladders</c>: what each version of a GPU's batch normalisation, co-occurrence, attention and
/// search for the nearest vector gained over the one before.</summary>
internal static class BenchLadders
{
    private const string Section = "ladders gpu";

    public static Verb Create()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds")
        {
            Description = "How often each rung is timed; medians are shown.",
            HelpName = "N",
            DefaultValueFactory = _ => 9,
        });
        var device = new Option<string>("--device")
        {
            Description = "Which GPU: cuda:N or opencl:N.",
            HelpName = "DEVICE",
            DefaultValueFactory = _ => "cuda:0",
        };
        var update = new Option<string[]>("--update")
        {
            Description = $"Also write the figures into these Markdown files, between {MarkedPages.Lines(Section)}.",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var verb = new Verb("ladders",
            "Times every version of a GPU's batch normalisation (its gradient), co-occurrence, "
                + "attention (with its gradients) and search for the nearest vector, interleaved, beside what the "
                + "device copies. The product's versions are in 'mlffad bench gemm'.",
                "mlffad bench ladders --device cuda:0 --batch 32",
                "mlffad bench ladders --device opencl:0 --update docs/gpu.md")
        { rounds, device, CommonOptions.Precision, BenchProjects.Batch, update };
        verb.SetAction(parse =>
        {
            string id = parse.GetRequiredValue(device);
            if (id is "cpu" or "debug")
                throw new MlffAdException(ExitCode.Usage,
                    $"'{id}' has no such ladders; --device takes cuda:N or opencl:N.");
            string[] pages = parse.GetValue(update)!;
            using var gpu = Device.Open(id, precision: parse.GetValue(CommonOptions.Precision));
            MarkedPages.Require(pages, Section);
            var rows =
                LadderBench.Run(gpu, parse.GetValue(rounds), parse.GetValue(BenchProjects.Batch), out double copy);
            string text = Text(gpu, rows, copy);
            parse.InvocationConfiguration.Output.Write(text);
            MarkedPages.Write(pages, [(Section, text)]);
        });
        return verb;
    }

    private static string Text(Device device, IReadOnlyList<LadderBench.RungResult> rows,
        double copy) => string.Join('\n',
    [
        string.Create(CultureInfo.InvariantCulture,
            $"{device.Name}, {device.Precision.Name()}, copies {copy:0.0} GB/s (measured between the rungs)."), "",
            "| operator | rung | ms | of copying |", "|---|---|---:|---:|",
        .. rows.Select(r => string.Create(CultureInfo.InvariantCulture,
            $"| {r.Ladder} | {r.Rung} | {1e3 * r.Seconds:0.000} | {r.Share:0.0%} |")), "",
    ]);
}
