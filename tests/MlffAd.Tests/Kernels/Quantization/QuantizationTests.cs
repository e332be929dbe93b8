namespace MlffAd.Tests.Kernels;

public sealed partial class QuantizationTests
{
    /// <summary>The simulator has its case of each operator in <see cref="TextureReferenceTests"/>.</summary>
    public static TheoryData<string> Devices => TestDevices.Fast;

    private static double[] Doubles(float[] values) => [.. values.Select(v => (double)v)];

    private static double Dot(IEnumerable<double> a, IEnumerable<float> b) => a.Zip(b, (x, y) => x * y).Sum();

    private static void Near(IEnumerable<double> expected, float[] actual, double tolerance) =>
        Assert.Equal(expected, actual.Select(v => (double)v), (a, b) => Math.Abs(a - b) <= tolerance);

    /// <summary>Range and rows of QCO-1D for one image a row of <paramref name="m"/>.</summary>
    private static (float[] Range, float[] Rows) Count1D(Device device, float[] m, Quantization q, int images = 1)
    {
        using var similarities = Tensor.From(device, Shape.Of(images, m.Length / images, 1), m, "m");
        using var range = Tensor.Rent(device, Shape.Of(images, 1, 4), "range");
        using var rows = Tensor.Rent(device, Shape.Of(images, q.Levels, 2), "rows");
        QuantizeCount1D.Forward(similarities, q, range, rows);
        return (range.ToArray(), rows.ToArray());
    }

    private static float[] Gradient1D(Device device, float[] m, Quantization q, float[] dRows, float[]? old = null)
    {
        using var similarities = Tensor.From(device, Shape.Of(1, m.Length, 1), m, "m");
        using var range = Tensor.Rent(device, Shape.Of(1, 1, 4), "range");
        using var rows = Tensor.Rent(device, Shape.Of(1, q.Levels, 2), "rows");
        using var upstream = Tensor.From(device, rows.Shape, dRows, "dRows");
        using var dm = Tensor.From(device, similarities.Shape, old ?? new float[m.Length], "dm");
        QuantizeCount1D.Forward(similarities, q, range, rows);
        QuantizeCount1D.Gradient(similarities, q, range, rows, upstream, dm, add: old is not null);
        return dm.ToArray();
    }

    private static float[] Rows2D(Device device, float[] m, int regions, Quantization q)
    {
        using var similarities = Tensor.From(device, Shape.Of(1, m.Length, 1), m, "m");
        using var range = Tensor.Rent(device, Shape.Of(1, regions, 4), "range");
        using var rows = Tensor.Rent(device, Shape.Of(1, regions * q.Levels * q.Levels, 3), "rows");
        QuantizeCount2D.Forward(similarities, regions, q, range, rows);
        return rows.ToArray();
    }

    private static float[] Gradient2D(Device device, float[] m, int regions, Quantization q, float[] dRows,
        float[]? old = null)
    {
        using var similarities = Tensor.From(device, Shape.Of(1, m.Length, 1), m, "m");
        using var range = Tensor.Rent(device, Shape.Of(1, regions, 4), "range");
        using var rows = Tensor.Rent(device, Shape.Of(1, regions * q.Levels * q.Levels, 3), "rows");
        using var upstream = Tensor.From(device, rows.Shape, dRows, "dRows");
        using var dm = Tensor.From(device, similarities.Shape, old ?? new float[m.Length], "dm");
        QuantizeCount2D.Forward(similarities, regions, q, range, rows);
        QuantizeCount2D.Gradient(similarities, regions, q, range, rows, upstream, dm, add: old is not null);
        return dm.ToArray();
    }

    [Theory, MemberData(nameof(Devices))]
    public void CountsAndPairsEqualTheDenseEquations(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var (levels, cells) in new[] { (1, 9), (3, 16), (16, 49), (8, 400), (130, 289) })
            foreach (var q in DenseQuantization.All(levels))
            {
                float[] m = DenseQuantization.Smooth(q, cells, seed: 1, margin: 1e-5);
                float[] mirrored = [.. m.Select(v => -0.5f * v).Reverse()];
                double[][] dense = [Doubles(m), Doubles(mirrored)];
                var (range, rows) = Count1D(lease.Device, [.. m, .. mirrored], q, images: 2);
                Near(dense.SelectMany(image => new DenseQuantization(q, image).Rows1D()), rows, 2e-6);
                Assert.Equal([-0.35f, 0.85f, cells - 1, cells / 3], range[..4]);
                Assert.Equal([-0.425f, 0.175f, cells - 1 - cells / 3, 0], range[4..]);
                if (levels <= 16)
                    Near(dense.SelectMany(region => new DenseQuantization(q, region).Rows2D()),
                        Rows2D(lease.Device, [.. m, .. mirrored], 2, q), 2e-6);
            }
    }

    [Theory, MemberData(nameof(Devices))]
    public void GradientsOfCountsAndPairsEqualFiniteDifferences(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int levels = 6, regions = 2, cells = 36;
        foreach (var q in DenseQuantization.All(levels))
        {
            float[] m = DenseQuantization.Smooth(q, cells, seed: 2, margin: 5e-3);
            float[] old = Gradients.Random(regions * cells, seed: 3);
            float[] up1 = Gradients.Random(2 * levels, seed: 4);
            float[] up2 = Gradients.Random(3 * regions * levels * levels, seed: 5);
            double Loss1(float[][] x) => Dot(new DenseQuantization(q, Doubles(x[0])).Rows1D(), up1);
            Gradients.Check(Loss1, [m], [Gradient1D(lease.Device, m, q, up1)], h: 1e-3);
            Gradients.Check(Loss1, [m],
                [[.. Gradient1D(lease.Device, m, q, up1, old[..cells]).Zip(old, (sum, o) => sum - o)]], h: 1e-3);

            float[] both = [.. m, .. DenseQuantization.Smooth(q, cells, seed: 6, margin: 5e-3)];
            double Loss2(float[][] x) =>
                Dot(x[0].Chunk(cells).SelectMany(region => new DenseQuantization(q, Doubles(region)).Rows2D()), up2);
            Gradients.Check(Loss2, [both], [Gradient2D(lease.Device, both, regions, q, up2)], h: 1e-3);
            Gradients.Check(Loss2, [both],
                [[.. Gradient2D(lease.Device, both, regions, q, up2, old).Zip(old, (sum, o) => sum - o)]], h: 1e-3);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void PixelsAndTheirGradientsEqualTheDenseProduct(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var (levels, h, w, channels) in new[] { (6, 5, 6, 9), (4, 17, 20, 40), (16, 4, 5, 300) })
            foreach (var q in DenseQuantization.All(levels))
            {
                float[] m = DenseQuantization.Smooth(q, h * w, seed: 7, margin: 2e-3);
                float[] d = Gradients.Random(levels * channels, seed: 8);
                float[] up = Gradients.Random(h * w * channels, seed: 9);
                using var similarities = Tensor.From(lease.Device, Shape.Of(1, m.Length, 1), m, "m");
                using var range = Tensor.Rent(lease.Device, Shape.Of(1, 1, 4), "range");
                using var rows = Tensor.Rent(lease.Device, Shape.Of(1, levels, 2), "rows");
                using var features = Tensor.From(lease.Device, Shape.Of(1, levels, channels), d, "d");
                using var wide = Tensor.Rent(lease.Device, new Shape(1, h, w, channels + 5), "t");
                var t = wide.Slice(2, channels);
                QuantizeCount1D.Forward(similarities, q, range, rows);
                LevelsToPixels.Forward(similarities, q, range, features, t);
                Near(new DenseQuantization(q, Doubles(m)).Pixels(d, channels), t.ToArray(), 1e-5);

                t.Write(up);
                using var dd = Tensor.Rent(lease.Device, features.Shape, "dd");
                using var dm = Tensor.Rent(lease.Device, similarities.Shape, "dm");
                LevelsToPixels.Gradient(similarities, q, range, features, t, dd, dm);
                float[] onceD = dd.ToArray(), onceM = dm.ToArray();
                Gradients.Check(x => Dot(new DenseQuantization(q, Doubles(x[0])).Pixels(x[1], channels), up), [m, d],
                    [onceM, onceD], h: 5e-4);
                LevelsToPixels.Gradient(similarities, q, range, features, t, new(dd, true), new(dm, true));
                double scale = onceM.Max(Math.Abs);
                Near(onceD.Select(v => 2.0 * v), dd.ToArray(), 1e-5 * onceD.Max(Math.Abs));
                Near(onceM.Select(v => 2.0 * v), dm.ToArray(), 1e-5 * scale);
            }
    }

    [Theory, MemberData(nameof(Devices))]
    public void EveryDeviceFindsThePositionsAtTheEdgesInTheSameLevels(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (int levels in new[] { 7, 16 })
            foreach (var q in DenseQuantization.All(levels))
            {
                // Every edge of every band, and its neighbours in float32.
                float lo = 0.1f, hi = 0.83f;
                var dense = new DenseQuantization(q, [lo, hi]);
                float[] m = [lo, hi, .. dense.L.SelectMany(l => new[] { l - dense.Reach, l, l + dense.Reach })
                    .Select(v => Math.Clamp((float)v, lo, hi))
                    .SelectMany(v => new[] { MathF.BitDecrement(v), v, MathF.BitIncrement(v) }).Where(v => v >= lo
                        && v <= hi)];
                var (range, _) = Count1D(lease.Device, m, q);
                using var similarities = Tensor.From(lease.Device, Shape.Of(1, m.Length, 1), m, "m");
                using var bounds = Tensor.From(lease.Device, Shape.Of(1, 1, 4), range, "range");
                // A unit matrix for d makes t the codes themselves.
                using var unit = Tensor.From(lease.Device, Shape.Of(1, levels, levels),
                    [.. Enumerable.Range(0, levels * levels).Select(i => i % (levels + 1) == 0 ? 1f : 0)], "d");
                using var codes = Tensor.Rent(lease.Device, Shape.Of(1, m.Length, levels), "t");
                LevelsToPixels.Forward(similarities, q, bounds, unit, codes);
                var set = new Levels(q, lo, hi);
                var expected = new float[m.Length * levels];
                for (int i = 0; i < m.Length; i++)
                    for (int n = set.First(m[i]); n <= set.Last(m[i]); n++)
                        if (set.Sees(set.Level(n) - m[i])) expected[i * levels + n] = Levels.Code(set.Level(n) - m[i]);
                Assert.Equal(expected, codes.ToArray());
            }
    }

    [Theory, MemberData(nameof(Devices))]
    public void WithTheDefaultEveryPositionHasOneLevelAndTiesGoUp(string id)
    {
        using var lease = TestDevices.Borrow(id);
        // Eight levels on [0, 2]: bins of a quarter, exact in float32; each edge belongs to the bin above
        // it, the last to the last.
        float[] m = [.. Enumerable.Range(0, 9).Select(k => k / 4f)];
        var (_, rows) = Count1D(lease.Device, m, new(8, LevelPlacement.Centre, LevelBand.Half));
        double total = 9 * 0.875;
        Near(Enumerable.Range(0, 8)
            .SelectMany(n => new[] { (n + 0.5) / 4, (n == 7 ? 2 : 1) * 0.875 / (total + 1e-6) }), rows, 1e-6);
    }

    [Theory, MemberData(nameof(Devices))]
    public void TheExampleOfTheFamilyPageHolds(string id)
    {
        using var lease = TestDevices.Borrow(id);
        var (_, rows) =
            Count1D(lease.Device, [0, 0.1f, 0.3f, 0.55f, 0.6f, 1], new(4, LevelPlacement.Centre, LevelBand.Half));
        Near([0.125, 1.85 / 5.55, 0.375, 0.925 / 5.55, 0.625, 1.9 / 5.55, 0.875, 0.875 / 5.55], rows, 1e-6);
    }

    private static float[] Pixels(Device device, float[] m, Quantization q)
    {
        const int channels = 150, images = 2;
        using var similarities = Tensor.From(device, Shape.Of(images, m.Length / images, 1), m, "m");
        using var range = Tensor.Rent(device, Shape.Of(images, 1, 4), "range");
        using var rows = Tensor.Rent(device, Shape.Of(images, q.Levels, 2), "rows");
        using var d = Tensor.From(device, Shape.Of(images, q.Levels, channels),
            Gradients.Random(images * q.Levels * channels, seed: 15), "d");
        using var t = Tensor.From(device, Shape.Of(images, m.Length / images, channels),
            Gradients.Random(m.Length * channels, seed: 16), "t");
        using var dd = Tensor.Rent(device, d.Shape, "dd");
        using var dm = Tensor.Rent(device, similarities.Shape, "dm");
        QuantizeCount1D.Forward(similarities, q, range, rows);
        LevelsToPixels.Gradient(similarities, q, range, d, t, dd, dm);
        LevelsToPixels.Forward(similarities, q, range, d, t);
        return [.. t.ToArray(), .. dd.ToArray(), .. dm.ToArray()];
    }

    [Fact]
    public void WhatHasNoMeaningIsRefused()
    {
        Assert.Throws<ArgumentException>(() => new Quantization(8, LevelPlacement.Paper, LevelBand.Spacing));
        Assert.Throws<ArgumentException>(() => new Quantization(0, LevelPlacement.Centre, LevelBand.Half));
        using var lease = TestDevices.Borrow("cpu");
        using var m = Tensor.Rent(lease.Device, Shape.Of(1, 12, 1), "similarities");
        using var range = Tensor.Rent(lease.Device, Shape.Of(1, 2, 4), "range");
        using var rows = Tensor.Rent(lease.Device, Shape.Of(1, 8, 3), "rows");
        var q = new Quantization(2, LevelPlacement.Centre, LevelBand.Half);
        Assert.Contains("'similarities' [1,1,12,1]",
            Assert.Throws<ArgumentException>(() => QuantizeCount2D.Forward(m, 2, q, range, rows)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => QuantizeCount1D.Forward(m, q, range, rows));
    }
}
