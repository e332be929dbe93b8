namespace MlffAd.Cli;

/// <summary>Times a device's product and ladders against the device's multiply-add peak, interleaved, so that other
/// programs slow both alike.</summary>
internal static class GemmBench
{
    /// <summary>A product's speed.</summary>
    /// <param name="Name">What ran.</param>
    /// <param name="GigaFlops">Median GFLOP/s.</param>
    /// <param name="Share">Median of the ratio to the peak measured just before.</param>
    public sealed record GemmResult(string Name, double GigaFlops, double Share);

    /// <summary>Products of the network's size, of at least 256 terms: two of whole 3×3 filters, of 1024 channels and
    /// of 256, one of minimal filtering's, for eight images the 1×1 convolutions of the three stages, and one image's
    /// cells by a memory.</summary>
    public static readonly (int M, int N, int K)[] Shapes =
    [
        (1024, 1024, 9216), (4096, 256, 2304), (128, 1024, 1024), (32768, 64, 256), (32768, 128, 256), (8192, 512, 256),
        (8192, 128, 512), (8192, 256, 512), (2048, 1024, 512), (2048, 1024, 256), (2048, 256, 1024), (1024, 10000, 512),
    ];

    /// <summary>A product is repeated until it has taken this long: as long as the peak's loop, and longer than the
    /// slices that programs share a processor in.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(20);

    /// <summary>Times <c>y = a·bᵀ</c>; on the host with b packed before, as a plan keeps its weights; where maps are
    /// BF16, of factors in BF16.</summary>
    /// <param name="device">The device; a host's threads count.</param>
    /// <param name="rounds">How often each is timed.</param>
    /// <param name="peak">Median of the peak, GFLOP/s.</param>
    /// <param name="shapes">M, N, K.</param>
    public static IReadOnlyList<GemmResult> Products(Device device, int rounds, out double peak,
        params ReadOnlySpan<(int M, int N, int K)> shapes)
    {
        var work = new List<Work>();
        foreach (var (m, n, k) in shapes) work.Add(Work.Product($"M{m} N{n} K{k}", m, n, k, null));
        return Time(device, rounds, work, out peak);
    }

    /// <summary>Times every rung of the product's ladder on one shape.</summary>
    public static IReadOnlyList<GemmResult> ProductLadder(Device device, int rounds, (int M, int N, int K) shape,
        out double peak) =>
        Time(device, rounds,
            [.. MatMul.LadderOf(device)
                .Select(rung => Work.Product(rung.Name, shape.M, shape.N, shape.K, rung.Forward))], out peak);

    /// <summary>Times every rung of the convolution's three ladders: 3×3 taps on a map, as many
    /// channels out as in.</summary>
    public static IReadOnlyList<GemmResult> ConvolutionLadder(Device device, int rounds, Shape map, out double peak)
    {
        Shape filter = new(map.C, 3, 3, map.C);
        IEnumerable<Work> Rungs(string name, (string Name, Convolution.Rung Run)[] ladder, Shape a, Shape b,
            Shape result) =>
            ladder.Select(rung => new Work(name + rung.Name, a, b, result,
                (x, y, to) => rung.Run(x, y, to, new(3, 1, 1))));
        return Time(device, rounds, [.. Rungs("y, ", Convolution.Ladder, map, filter, map),
            .. Rungs("dx, ", Convolution.InputGradientLadder, map, filter, map),
                .. Rungs("dw, ", Convolution.WeightGradientLadder, map, map, filter)], out peak);
    }

    private static GemmResult[] Time(Device device, int rounds, List<Work> work, out double peak)
    {
        using var meter = device.IsHost ? null : new PeakMeter(device);
        var (speeds, shares, peaks) =
            (work.ConvertAll(_ => new List<double>()), work.ConvertAll(_ => new List<double>()), new List<double>());
        for (int round = -1; round < rounds; round++)   // the first warms up
            for (int i = 0; i < work.Count; i++)
            {
                // rungs take float32
                var format = work[i].Forward is null && work[i].B.C % 8 == 0 ? device.MapFormat : Format.Float32;
                using Tensor a = Random(device, work[i].A, format);
                using Tensor b = Random(device, work[i].B, format);
                using Tensor y = Tensor.Rent(device, work[i].Y, "y");
                bool packs = device.IsHost && work[i].Forward is null;
                var panels = packs ? Panels.OfColumns(device, b.Host, 1, b.C, b.Shape.Area) : default;
                var forward = work[i].Forward
                    ?? ((a, b, y) => MatMul.Forward(a, b, y, transposeA: false, transposeB: true));
                Action run = packs ? () => MatMul.ForwardPacked(a, panels, y) : () => forward(a, b, y);
                double ceiling = meter is null ? FmaPeak.Measure(device.Team) : meter.Measure().Product;
                double speed = work[i].Flop / Seconds(device, run) / 1e9;
                if (packs) panels.Dispose();
                if (round < 0) continue;
                peaks.Add(ceiling);
                speeds[i].Add(speed);
                shares[i].Add(speed / ceiling);
            }
        peak = Timing.Median(peaks);
        return [.. work.Select((w, i) => new GemmResult(w.Name, Timing.Median(speeds[i]), Timing.Median(shares[i])))];
    }

    /// <summary>On a GPU several calls are waited for together.</summary>
    internal static double Seconds(Device device, Action run)
    {
        const int together = 8;
        if (device.IsHost) return Timing.SecondsPerCall(run, Least);
        run();
        device.Synchronize();
        return Timing.SecondsPerCall(() =>
        {
            for (int i = 0; i < together; i++) run();
            device.Synchronize();
        }, Least) / together;
    }

    internal static Tensor Random(Device device, Shape shape, Format format = Format.Float32)
    {
        var random = new Random(shape.C);
        var values = new float[shape.Count];
        foreach (ref float value in values.AsSpan()) value = random.NextSingle() - 0.5f;
        return Tensor.From(device, shape, values, "factor", format);
    }

    /// <summary>A product, by whatever name: each of y's elements sums as many terms as a row of b has. Without a
    /// function it is the product of a and of b as packed.</summary>
    private sealed record Work(string Name, Shape A, Shape B, Shape Y, MatMul.Rung? Forward)
    {
        public double Flop => 2.0 * Y.Rows * B.Count;

        public static Work Product(string name, int m, int n, int k, MatMul.Rung? forward) =>
            new(name, Shape.Of(1, m, k), Shape.Of(1, n, k), Shape.Of(1, m, n), forward);
    }
}
