using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad weights import</c> and <c>mlffad weights show</c>: the backbone's weights, from other
/// people's files.</summary>
internal static class WeightsCommand
{
    private const int LineWidth = 100;

    /// <summary>Letters of what a file says under one key: room for a model's whole configuration.</summary>
    private const int LongestValue = 4000;

    public static Command Create() => new("weights",
        "Imports a ResNet's weights for the backbone, or shows what a file of weights holds.")
    { Import(), Show() };

    private static Verb Import()
    {
        var source = new Argument<string>("SOURCE")
        {
            Description =
                "A .safetensors file, a PyTorch .pth file, or a TensorFlow.js model.json with its shards beside it.",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "The weights file to write.",
            HelpName = "FILE",
            Required = true,
        };
        var half = new Option<bool>("--half") { Description = "Write convolutions as float16, which halves the file." };
        var metadata = new Option<string[]>("--metadata")
        {
            Description = "Say what the source does not, or says wrongly: stride (3x3 or 1x1), bn_eps, channel_order, "
                + "value_scale, mean, std, source, licence. May be repeated.",
            HelpName = "KEY=VALUE",
            Arity = ArgumentArity.OneOrMore,
        };
        metadata.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => token.Value.IndexOf('=',
                StringComparison.Ordinal) < 1) is { } wrong)
                result.AddError($"--metadata takes KEY=VALUE, not '{wrong.Value}'.");
        });
        var prefix = new Option<string?>("--prefix")
        {
            Description = "Where the source holds several networks: what the names of the wanted one begin with, such "
                + "as encoder.",
            HelpName = "NAME",
        };
        var verb = new Verb("import",
            "Writes the backbone's tensors of a ResNet into a weights file that 'train --weights' takes.",
            "mlffad weights import resnet50.pth -o resnet50.safetensors",
            "mlffad weights import model.json --half -o weights.safetensors --metadata licence=MIT")
        { source, output, half, metadata, prefix };
        verb.SetAction(parse =>
        {
            var said = (parse.GetValue(metadata) ?? []).Select(item => item.Split('=', 2)).GroupBy(item => item[0])
                .ToDictionary(group => group.Key, group => group.Last()[1]);
            new OutputFiles().Add(parse.GetRequiredValue(output)).RequireApartFrom([parse.GetRequiredValue(source)]);
            using var import = WeightsImport.Open(parse.GetRequiredValue(source), said, parse.GetValue(prefix));
            var console = parse.InvocationConfiguration.Output;
            string path = parse.GetRequiredValue(output);
            if (!parse.GetValue(CommonOptions.Quiet))
            {
                WriteNames(console, "Used", import.Used);
                WriteNames(console, "Not used", import.Unused);
                WriteNames(console, "Missing", import.Missing);
                foreach (string note in import.Notes) Tables.WriteLine(console, note);
            }
            import.Write(path, parse.GetValue(half));
            using var written = SafetensorsFile.Open(path);
            Tables.WriteLine(console, $"Wrote '{path}': {written.Tensors.Count} tensors, "
                + $"{new FileInfo(path).Length} bytes, SHA-256 {written.Hash()}.");
        });
        return verb;
    }

    private static Verb Show()
    {
        var source = new Argument<string>("FILE")
        {
            Description = "A weights file, a model, or anything that 'weights import' reads.",
        };
        var verb = new Verb("show", "Shows what a file of weights says of itself, and its tensors.",
            "mlffad weights show resnet50.safetensors")
        { source };
        verb.SetAction(parse =>
        {
            using var file = WeightsImport.OpenSource(parse.GetRequiredValue(source));
            var console = parse.InvocationConfiguration.Output;
            foreach (var (key, value) in file.Metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                console.WriteLine($"{Shown.Text(key)}: {Shown.Text(value, LongestValue)}");
            console.WriteLine($"sha256: {file.Hash()}");
            var rows = file.Tensors.Values.Select(tensor => (Name: Shown.Text(tensor.Name), Tensor: tensor)).ToList();
            int width = rows.Select(row => row.Name.Length).DefaultIfEmpty(0).Max();
            foreach (var (name, tensor) in rows)
                Tables.WriteBeside(console, name, width + 2, $"{tensor.DType,-4}  {tensor.ShapeText}");
            console.WriteLine(
                $"{file.Tensors.Count} tensors, {file.Tensors.Values.Sum(tensor => tensor.Count)} numbers.");
        });
        return verb;
    }

    /// <summary>A count and the names, wrapped.</summary>
    private static void WriteNames(TextWriter console, string what, IReadOnlyList<string> names)
    {
        console.WriteLine($"{what}: {names.Count} tensors{(names.Count > 0 ? ":" : ".")}");
        int width = Math.Min(StandardWriter.Of(console).Width ?? LineWidth, LineWidth);
        string line = "";
        foreach (string name in names.Select(name => Shown.Text(name)))
        {
            if (line.Length + 2 + name.Length > width)
            {
                console.WriteLine(line);
                line = "";
            }
            line += $"  {name}";
        }
        if (line.Length > 0) console.WriteLine(line);
    }
}
