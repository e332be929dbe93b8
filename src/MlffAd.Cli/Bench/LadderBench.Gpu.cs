namespace MlffAd.Cli;

internal static partial class LadderBench
{
    /// <summary>The backbone's largest map with a residual behind it; the pyramid's second scale: 2 × 2 regions of 16 ×
    /// 16 cells; 128 levels of 128 channels.</summary>
    private const int Side = 64, Channels = 256, Regions = 4, Cells = 16 * 16, Levels = 8, Asking = 128;

    /// <summary>Vectors among which as many cells as a region's seek their nearest.</summary>
    private const int Stored = 1024;

    /// <param name="Ladder">The operator and its extents.</param>
    /// <param name="Rung">The rung.</param>
    /// <param name="Bytes">What it must read and write by the definition.</param>
    /// <param name="Run">A call.</param>
    private sealed record Work(string Ladder, string Rung, double Bytes, Action Run);

    static partial void RunGpu(Device device, int rounds, int images, List<RungResult> rows, ref double copy)
    {
        var tensors = new List<Tensor>();
        Tensor New(Shape shape)
        {
            var t = GemmBench.Random(device, shape);
            tensors.Add(t);
            return t;
        }
        try
        {
            Shape map = new(images, Side, Side, Channels), vector = Shape.Of(Channels);
            var norm = new BatchNorm.LadderOperands(
                new(New(map), New(map), New(map)) { Dx = New(map) },
                new(New(vector), New(vector), New(vector), New(vector)), New(vector), New(vector));
            Pointwise.Fill(norm.Vectors.Variance, 1);
            var count = new QuantizeCount2D.LadderOperands(M: New(Shape.Of(images, Regions * Cells, 1)),
                Regions: Regions, Q: new Quantization(Levels, LevelPlacement.Centre, LevelBand.Half),
                Codes: New(Shape.Of(images, Regions * Cells, Levels)), Range: New(Shape.Of(images, Regions, 4)),
                Rows: New(Shape.Of(images, Regions * Levels * Levels, 3)));
            Shape levels = Shape.Of(images, Asking, Asking);
            var attention = new Attention.LadderOperands(K: New(levels), Q: New(levels), V: New(levels),
                Weights: New(levels), Y: New(levels), Dy: New(levels), Slopes: New(levels), Dk: New(levels),
                Dq: New(levels), Dv: New(levels));
            var stored = New(Shape.Of(1, Stored, Asking));
            using var packed = PackedVectors.Pack(stored);
            Shape seeking = Shape.Of(images, Cells, Asking);
            Shape found = seeking.WithC(1);
            var nearest = new NearestVector.LadderOperands(New(seeking), packed, New(found), New(found));
            double seen = sizeof(float) * (seeking.Count + stored.Count + 2.0 * found.Count);
            Work[] work =
            [
                .. BatchNorm.GradientLadder.Select(rung => new Work($"batchnorm.gradient, {map}", rung.Name,
                    7.0 * sizeof(float) * map.Count, () => rung.Run(norm))),
                .. QuantizeCount2D.ForwardLadder.Select(rung =>
                    new Work($"quantization.count2d, {images * Regions} regions of {Cells} cells", rung.Name,
                        sizeof(float) * (count.M.Count + count.Rows.Count), () => rung.Run(count))),
                .. Attention.Ladder.Select(rung => new Work($"attention and its gradients, {levels}", rung.Name,
                    13.0 * sizeof(float) * levels.Count, () => rung.Run(attention))),
                .. NearestVector.ForwardLadder.Select(rung =>
                    new Work($"memory.nearest, {seeking} among {Stored}", rung.Name, seen, () => rung.Run(nearest))),
            ];
            copy = Time(device, rounds, work, rows);
        }
        finally { tensors.ForEach(t => t.Dispose()); }
    }

    private static double Time(Device device, int rounds, Work[] work, List<RungResult> rows)
    {
        using var meter = new PeakMeter(device);
        var (seconds, shares, copies) =
            (new List<double>[work.Length], new List<double>[work.Length], new List<double>());
        for (int round = -1; round < rounds; round++)   // the first warms up
            for (int i = 0; i < work.Length; i++)
            {
                double ceiling = meter.Measure().Stream.Ceiling, time = GemmBench.Seconds(device, work[i].Run);
                if (round < 0) continue;
                copies.Add(ceiling);
                (seconds[i] ??= []).Add(time);
                (shares[i] ??= []).Add(work[i].Bytes / 1e9 / ceiling / time);
            }
        rows.AddRange(
            work.Select((w, i) => new RungResult(w.Ladder, w.Rung, Timing.Median(seconds[i]),
                Timing.Median(shares[i]))));
        return Timing.Median(copies);
    }
}
