namespace MlffAd.Cli;

/// <summary>Times the algorithms of 3×3 layers, interleaved, for <c>AlgorithmTable.cs</c>.</summary>
internal static class AlgorithmBench
{
    /// <summary>Layers that take longer are not timed: what is best one column before is best there.</summary>
    private const double MostFlop = 5e10;

    /// <summary>What minimal filtering must gain: it loses a digit.</summary>
    private const double LeastGain = 1.03;

    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(3), WarmUp = TimeSpan.FromSeconds(1);

    /// <summary>Bits of this processor's vectors, the table's name.</summary>
    public static int Bits => AlgorithmTable.Bits;

    /// <summary>A layer's fastest algorithm.</summary>
    /// <param name="Pass">y, dx or dw.</param>
    /// <param name="Channels">In and out.</param>
    /// <param name="Side">Cells along the map's side.</param>
    /// <param name="Letter">As in the table.</param>
    /// <param name="Gain">The implicit product's least time over its.</param>
    public sealed record AlgorithmResult(string Pass, int Channels, int Side, char Letter, double Gain);

    /// <summary>Times every layer of the table: forward with one image and weights that are ready, gradients with eight
    /// images and weights that are not, as they are used.</summary>
    public static IEnumerable<AlgorithmResult> Run(Device device, int rounds)
    {
        foreach (var pass in Enum.GetValues<Pass>())
            foreach (int channels in AlgorithmTable.Channels)
            {
                AlgorithmResult? last = null;
                foreach (int side in AlgorithmTable.Sides)
                {
                    Shape map = new(pass == Pass.Forward ? 1 : 8, side, side, channels);
                    last = last is not null && 18.0 * map.Count * channels > MostFlop
                        ? last with { Side = side }
                        : Fastest(device, pass, map, rounds);
                    yield return last;
                }
            }
    }

    /// <summary>The table's lines, as they stand in its source.</summary>
    public static string Source(IEnumerable<AlgorithmResult> rows) =>
        string.Concat(rows.GroupBy(r => r.Pass)
            .Select(pass =>
            {
                var lines =
                    pass.GroupBy(r => r.Channels).Select(line => $"\"{string.Concat(line.Select(r => r.Letter))}\"");
                return $"        [Pass.{pass.Key}] = [{string.Join(", ", lines)}],\n";
            })) + "        // ";

    private static AlgorithmResult Fastest(Device device, Pass pass, Shape map, int rounds)
    {
        var g = new ConvGeometry(3, 1, 1);
        Shape filter = new(map.C, 3, 3, map.C);
        using Tensor x = GemmBench.Random(device, map), y = GemmBench.Random(device, map);
        using Tensor w = GemmBench.Random(device, filter);
        HostAlgorithm[] algorithms = [HostAlgorithm.Implicit, HostAlgorithm.Winograd2, HostAlgorithm.Winograd4];
        var filters = pass == Pass.Forward
            ? Array.ConvertAll(algorithms, algorithm => Convolution.PackHost(device, w.HostSpan, filter, algorithm))
            : [];
        Action[] runs = pass switch
        {
            Pass.Forward => [.. algorithms.Zip(filters,
                (algorithm, packed) =>
                (Action)(() => Convolution.ForwardHost(x, packed, algorithm, g, null, y, null, Activation.None)))],
            Pass.InputGradient => Array.ConvertAll(algorithms,
                algorithm => (Action)(() => Convolution.InputGradientBy(algorithm, y, w, x, g, add: false))),
            _ => Array.ConvertAll(algorithms,
                algorithm => (Action)(() => Convolution.WeightGradientBy(algorithm, x, y, w, g, add: false))),
        };
        double[] best = Array.ConvertAll(runs,
            run => Timing.SecondsPerCall(run, rounds > 1 && map.C == AlgorithmTable.Channels[0] ? WarmUp : Least));
        for (int round = 1; round < rounds; round++)
            for (int i = 0; i < runs.Length; i++) best[i] = Math.Min(best[i], Timing.SecondsPerCall(runs[i], Least));
        foreach (var packed in filters) packed.Dispose();
        int fastest = Array.IndexOf(best, best.Min());
        if (best[0] < LeastGain * best[fastest]) fastest = 0;
        return new AlgorithmResult($"{pass}", map.C, map.W, "i24"[fastest], best[0] / best[fastest]);
    }
}
