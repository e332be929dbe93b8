using System.CommandLine;
using System.Globalization;
using System.Text;
using MlffAd.Files;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Cli;

/// <summary><c>mlffad bench gemm</c>: how near the host's matrix product comes to what the processor can do.</summary>
internal static class BenchCommand
{
    private const string Begin = "<!-- bench gemm -->", End = "<!-- /bench gemm -->";
    private static readonly (int M, int N, int K) LadderShape = (256, 256, 576);

    public static Command Create()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds") { Description = "How often each product is timed; medians are shown.", HelpName = "N", DefaultValueFactory = _ => 9 });
        var update = new Option<string?>("--update") { Description = $"Also write the figures into this Markdown file, between the lines {Begin} and {End}.", HelpName = "FILE" };
        var gemm = new Verb("gemm", "Times the processor's matrix product, which is under every convolution, against the processor's multiply-add peak, in turns.",
            "mlffad bench gemm", "mlffad bench gemm --threads 1 --rounds 21", "mlffad bench gemm --update kernels/MatMul/README.md") { rounds, update, CommonOptions.Threads };
        gemm.SetAction(parse =>
        {
            string? page = parse.GetValue(update);
            string text = page is null ? "" : Page(page);
            using var device = Device.Open("cpu", parse.GetValue(CommonOptions.Threads));
            int times = parse.GetValue(rounds);
            var product = GemmBench.Run(device, times, out double peak, GemmBench.Shapes);
            // The lower rungs have one thread; so has the peak beside them.
            using var single = Device.Open("cpu", 1);
            var ladder = GemmBench.Ladder(single, times, LadderShape, out double singlePeak);

            var output = parse.InvocationConfiguration.Output;
            string title = Title(device, peak), ladderTitle = string.Create(CultureInfo.InvariantCulture, $"The ladder on M{LadderShape.M} N{LadderShape.N} K{LadderShape.K}, 1 thread: peak {singlePeak:0.0} GFLOP/s.");
            output.WriteLine(title);
            foreach (var row in product) output.WriteLine(Line(row, Shape(row)));
            output.WriteLine(ladderTitle);
            foreach (var row in ladder) output.WriteLine(Line(row, row.Name));
            if (page is null) return;
            string figures = $"{title}\n\n{Table("product", product, Shape)}\n{ladderTitle}\n\n{Table("rung", ladder, row => row.Name)}";
            AtomicFile.WriteText(page, $"{text[..(text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length)]}\n{figures}{text[text.IndexOf(End, StringComparison.Ordinal)..]}");
        });
        return new Command("bench", "Measures speed.") { gemm };
    }

    /// <summary>The text of a file with both marks.</summary>
    private static string Page(string path)
    {
        try
        {
            string text = File.ReadAllText(path);
            int begin = text.IndexOf(Begin, StringComparison.Ordinal), end = text.IndexOf(End, StringComparison.Ordinal);
            return begin >= 0 && begin < end ? text : throw new MlffAdException(ExitCode.BadData, $"'{path}' has no lines {Begin} and {End} to write between; add them.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.BadData, $"'{path}' could not be read ({e.Message.TrimEnd('.')}).", e);
        }
    }

    private static string Title(Device device, double peak) => string.Create(CultureInfo.InvariantCulture,
        $"{device.Name}, {device.Team.Count} thread{(device.Team.Count == 1 ? "" : "s")}: peak {peak:0.0} GFLOP/s (float32 multiply-adds in registers, measured between the products).");

    private static string Shape(GemmBench.Row row) => $"M{row.M} N{row.N} K{row.K}";

    private static string Line(GemmBench.Row row, string name) => string.Create(CultureInfo.InvariantCulture, $"  {name,-32} {row.GigaFlops,7:0.0} GFLOP/s  {row.Share,6:0.0%} of peak");

    private static string Table(string head, IReadOnlyList<GemmBench.Row> rows, Func<GemmBench.Row, string> name)
    {
        var table = new StringBuilder($"| {head} | GFLOP/s | of peak |\n|---|---:|---:|\n");
        foreach (var row in rows) table.Append(CultureInfo.InvariantCulture, $"| {name(row)} | {row.GigaFlops:0.0} | {row.Share:0%} |\n");
        return table.ToString();
    }
}
