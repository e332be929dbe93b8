using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using MlffAd.Files;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Cli;

/// <summary><c>mlffad bench gemm</c>: how near the host's matrix product comes to what the processor can do; <c>bench peers</c>: how it fares beside ONNX Runtime.</summary>
internal static class BenchCommand
{
    /// <summary>The ladders' problems: small, as the definition is slow.</summary>
    private static readonly (int M, int N, int K) LadderProduct = (256, 256, 576);
    private static readonly Shape LadderMap = new(1, 32, 32, 64);

    /// <summary>What one page shows; its marks bear the same name.</summary>
    private const string Gemm = "gemm", Convolution = "convolution";

    public static Command Create()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds") { Description = "How often each product is timed; medians are shown.", HelpName = "N", DefaultValueFactory = _ => 9 });
        var update = new Option<string[]>("--update")
        {
            Description = $"Also write the figures into these Markdown files, between the lines {Begin(Gemm)} and {End(Gemm)}, or {Begin(Convolution)} and {End(Convolution)}.",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var gemm = new Verb("gemm", "Times the processor's matrix product, which is under every convolution, against the processor's multiply-add peak, in turns: with one thread and with all.",
            "mlffad bench gemm", "mlffad bench gemm --rounds 21", "mlffad bench gemm --update kernels/MatMul/README.md kernels/Convolution/README.md") { rounds, update, CommonOptions.Threads };
        gemm.SetAction(parse =>
        {
            string[] pages = parse.GetValue(update)!;
            foreach (string page in pages) Marked(Read(page), page);
            var sections = Measure(parse.GetValue(CommonOptions.Threads), parse.GetValue(rounds), parse.InvocationConfiguration.Output);
            foreach (string page in pages) AtomicFile.WriteText(page, Marked(Read(page), page, sections));
        });
        return new Command("bench", "Measures speed.") { gemm, Peers() };
    }

    /// <summary>The race is a project of its own, so that nobody who only uses mlffad has to fetch the peers.</summary>
    private static Verb Peers()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds") { Description = "Rounds that count; medians are shown.", HelpName = "N", DefaultValueFactory = _ => 7 });
        var only = new Option<string?>("--only") { Description = "Run the races whose name contains this: paper, fast, backbone, batch1, batch8.", HelpName = "TEXT" };
        var verb = new Verb("peers", "Races the processor's engine against ONNX Runtime on exported models, in turns. Needs the repository; builds bench/peers first.",
            "mlffad bench peers", "mlffad bench peers --only backbone --json peers.json") { rounds, only, CommonOptions.Threads, CommonOptions.Json };
        verb.SetAction(parse =>
        {
            const string project = "bench/peers/MlffAd.Peers.csproj";
            var root = new DirectoryInfo(AppContext.BaseDirectory);
            while (root is not null && !File.Exists(Path.Combine(root.FullName, project))) root = root.Parent;
            if (root is null) throw new MlffAdException(ExitCode.Usage, $"The peers are raced from the repository ('{project}'), and this program does not lie in it: run './mlffad bench peers' there.");
            var start = new ProcessStartInfo("dotnet", ["run", "--project", Path.Combine(root.FullName, project), "-c", "Release", "--", "--rounds", Text(parse.GetValue(rounds)), "--threads", Text(parse.GetValue(CommonOptions.Threads))]);
            foreach (var (name, value) in new[] { ("--only", parse.GetValue(only)), ("--json", parse.GetValue(CommonOptions.Json)) })
                if (value is not null) foreach (string part in (string[])[name, value]) start.ArgumentList.Add(part);
            using var process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode;
        });
        return verb;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A table of one page.</summary>
    private sealed record Section(string Page, string Title, string Head, IReadOnlyList<GemmBench.Row> Rows);

    /// <summary>Measures and prints one table after the other.</summary>
    private static List<Section> Measure(int threads, int rounds, TextWriter output)
    {
        var sections = new List<Section>();
        void Show(Section section)
        {
            sections.Add(section);
            output.WriteLine(section.Title);
            foreach (var row in section.Rows) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {row.Name,-32} {row.GigaFlops,7:0.0} GFLOP/s  {row.Share,6:0.0%} of peak"));
        }

        // The lower rungs have one thread; so has the peak beside them.
        using Device single = Device.Open("cpu", 1), all = Device.Open("cpu", threads);
        foreach (var device in all.Team.Count == 1 ? [single] : new[] { single, all })
        {
            var rows = GemmBench.Products(device, rounds, out double peak, GemmBench.Shapes);
            Show(new(Gemm, $"{device.Name}, {Threads(device)}: peak {Speed(peak)} (float32 multiply-adds in registers, measured between the products).", "product", rows));
        }
        var product = GemmBench.ProductLadder(single, rounds, LadderProduct, out double productPeak);
        Show(new(Gemm, $"The product's ladder on M{LadderProduct.M} N{LadderProduct.N} K{LadderProduct.K}, {Threads(single)}: peak {Speed(productPeak)}.", "rung", product));
        var convolution = GemmBench.ConvolutionLadder(single, rounds, LadderMap, out double convolutionPeak);
        Show(new(Convolution, $"The convolution's ladder, 3×3 taps on {LadderMap.H}×{LadderMap.W} cells of {LadderMap.C} channels, {Threads(single)} ({single.Name}): peak {Speed(convolutionPeak)}.", "rung", convolution));
        return sections;
    }

    private static string Threads(Device device) => $"{device.Team.Count} thread{(device.Team.Count == 1 ? "" : "s")}";

    private static string Speed(double gigaFlops) => string.Create(CultureInfo.InvariantCulture, $"{gigaFlops:0.0} GFLOP/s");

    private static string Begin(string page) => $"<!-- bench {page} -->";

    private static string End(string page) => $"<!-- /bench {page} -->";

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.BadData, $"'{path}' could not be read ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>The text with the sections, if there are any, between their marks. A text without marks is refused.</summary>
    private static string Marked(string text, string path, List<Section>? sections = null)
    {
        bool marked = false;
        foreach (string page in new[] { Gemm, Convolution })
        {
            int begin = text.IndexOf(Begin(page), StringComparison.Ordinal), end = text.IndexOf(End(page), StringComparison.Ordinal);
            if (begin < 0 || end < begin) continue;
            marked = true;
            if (sections is not null) text = $"{text[..(begin + Begin(page).Length)]}\n{string.Join('\n', sections.Where(s => s.Page == page).Select(Table))}{text[end..]}";
        }
        return marked ? text : throw new MlffAdException(ExitCode.BadData, $"'{path}' has no lines {Begin(Gemm)} and {End(Gemm)}, nor {Begin(Convolution)} and {End(Convolution)}, to write between; add them.");
    }

    private static string Table(Section section)
    {
        var table = new StringBuilder($"{section.Title}\n\n| {section.Head} | GFLOP/s | of peak |\n|---|---:|---:|\n");
        foreach (var row in section.Rows) table.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {row.GigaFlops:0.0} | {row.Share:0%} |\n");
        return table.ToString();
    }
}
