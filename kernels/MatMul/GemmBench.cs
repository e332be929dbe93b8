using System.Diagnostics;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>Times the host's product against the processor's multiply-add peak, in turns, so that other programs slow both alike.</summary>
public static class GemmBench
{
    /// <summary>A product's speed.</summary>
    /// <param name="Name">What ran.</param>
    /// <param name="M">Rows of the result.</param>
    /// <param name="N">Columns.</param>
    /// <param name="K">Terms of each sum.</param>
    /// <param name="GigaFlops">Median GFLOP/s.</param>
    /// <param name="Share">Median of the ratio to the peak measured just before.</param>
    public sealed record Row(string Name, int M, int N, int K, double GigaFlops, double Share);

    /// <summary>The shapes of a 3×3 convolution of 1024 channels on 32×32 cells, and of one of 256 channels on 64×64.</summary>
    public static readonly (int M, int N, int K)[] Shapes = [(1024, 1024, 9216), (4096, 256, 2304)];

    /// <summary>Times <c>y = a·bᵀ</c>, the packing of b included.</summary>
    /// <param name="device">The host; its threads count.</param>
    /// <param name="rounds">How often each is timed.</param>
    /// <param name="peak">Median of the peak, GFLOP/s.</param>
    /// <param name="shapes">M, N, K.</param>
    public static IReadOnlyList<Row> Run(Device device, int rounds, out double peak, params ReadOnlySpan<(int M, int N, int K)> shapes)
    {
        var work = new List<(string, int, int, int, MatMul.Rung)>();
        foreach (var (m, n, k) in shapes) work.Add(("packed panels, tiles, threads", m, n, k, (a, b, y) => MatMul.Forward(a, b, y, transposeA: false, transposeB: true)));
        return Time(device, rounds, work, out peak);
    }

    /// <summary>Times every rung of the ladder on one shape.</summary>
    public static IReadOnlyList<Row> Ladder(Device device, int rounds, (int M, int N, int K) shape, out double peak) =>
        Time(device, rounds, [.. MatMul.Ladder.Select(rung => (rung.Name, shape.M, shape.N, shape.K, rung.Forward))], out peak);

    private static Row[] Time(Device device, int rounds, List<(string Name, int M, int N, int K, MatMul.Rung Forward)> work, out double peak)
    {
        if (!device.IsHost) throw new ArgumentException($"The product's peak is measured on the host, not on {device.Id}.");
        var (speeds, shares, peaks) = (work.ConvertAll(_ => new List<double>()), work.ConvertAll(_ => new List<double>()), new List<double>());
        for (int round = -1; round < rounds; round++)   // the first warms up
            for (int i = 0; i < work.Count; i++)
            {
                var (_, m, n, k, forward) = work[i];
                using Tensor a = Random(device, m, k), b = Random(device, n, k), y = Tensor.Rent(device, Shape.Of(1, m, n), "y");
                double ceiling = FmaPeak.Measure(device.Team);
                long start = Stopwatch.GetTimestamp();
                forward(a, b, y);
                double speed = 2.0 * m * n * k / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
                if (round < 0) continue;
                peaks.Add(ceiling);
                speeds[i].Add(speed);
                shares[i].Add(speed / ceiling);
            }
        peak = Median(peaks);
        return [.. work.Select((w, i) => new Row(w.Name, w.M, w.N, w.K, Median(speeds[i]), Median(shares[i])))];
    }

    private static Tensor Random(Device device, int rows, int columns)
    {
        var random = new Random(rows);
        var values = new float[rows * columns];
        foreach (ref float value in values.AsSpan()) value = random.NextSingle() - 0.5f;
        return Tensor.From(device, Shape.Of(1, rows, columns), values, "factor");
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[values.Count / 2 - 1] + values[values.Count / 2]) / 2;
    }
}
