using System.CommandLine;
using System.Globalization;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Cli;

/// <summary><c>mlffad bench gemm</c>: how near the host's matrix product comes to what the processor can do.</summary>
internal static class BenchCommand
{
    private static readonly (int M, int N, int K) LadderShape = (256, 256, 576);

    public static Command Create()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds") { Description = "How often each product is timed; medians are shown.", HelpName = "N", DefaultValueFactory = _ => 9 });
        var gemm = new Verb("gemm", "Times the processor's matrix product, which is under every convolution, against the processor's multiply-add peak, in turns.",
            "mlffad bench gemm", "mlffad bench gemm --threads 1 --rounds 21") { rounds, CommonOptions.Threads };
        gemm.SetAction(parse =>
        {
            using var device = Device.Open("cpu", parse.GetValue(CommonOptions.Threads));
            var output = parse.InvocationConfiguration.Output;
            var rows = GemmBench.Run(device, parse.GetValue(rounds), out double peak, GemmBench.Shapes);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"cpu, {device.Team.Count} thread{(device.Team.Count == 1 ? "" : "s")}: peak {peak:0.0} GFLOP/s (float32 multiply-adds in registers, measured between the products)"));
            foreach (var row in rows) output.WriteLine(Line(row, $"M{row.M} N{row.N} K{row.K}"));

            // The lower rungs have one thread; so has the peak beside them.
            using var single = Device.Open("cpu", 1);
            var ladder = GemmBench.Ladder(single, parse.GetValue(rounds), LadderShape, out peak);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The ladder on M{LadderShape.M} N{LadderShape.N} K{LadderShape.K}, 1 thread: peak {peak:0.0} GFLOP/s"));
            foreach (var row in ladder) output.WriteLine(Line(row, row.Name));
        });
        return new Command("bench", "Measures speed.") { gemm };
    }

    private static string Line(GemmBench.Row row, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"  {name,-32} {row.GigaFlops,7:0.0} GFLOP/s  {row.Share,6:0.0%} of peak");
}
