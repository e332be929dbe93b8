namespace MlffAd.Tests.Kernels;

public sealed class CosineToMeanTests
{
    /// <summary>The simulator has its case of each operator in <see cref="TextureReferenceTests"/>.</summary>
    public static TheoryData<string> Devices => TestDevices.Fast;

    /// <summary>(N, M, C, s): whole maps, regions, regions of one cell, channels beside and beyond the vector's and the
    /// group's width.</summary>
    private static readonly (int N, int M, int C, int S)[] Cases =
        [(1, 1, 1, 1), (2, 6, 13, 1), (2, 6, 40, 3), (1, 8, 9, 8), (1, 8, 70, 2), (1, 20, 33, 1)];

    /// <summary>g and m by the definition, in float64.</summary>
    private static (double[] G, double[] M) Reference(ReadOnlySpan<float> x, int images, int side, int channels, int s)
    {
        int h = side / s;
        var g = new double[images * s * s * channels];
        var m = new double[images * side * side];
        for (int region = 0, cell = 0; region < images * s * s; region++)
        {
            int top = region / (s * s) * side + region / s % s * h, left = region % s * h;
            var mean = g.AsSpan(region * channels, channels);
            for (int c = 0; c < channels; c++)
                for (int i = 0; i < h * h; i++)
                    mean[c] += (double)x[((top + i / h) * side + left + i % h) * channels + c] / (h * h);
            for (int i = 0; i < h * h; i++, cell++)
            {
                double gx = 0, gg = 0, xx = 0;
                for (int c = 0; c < channels; c++)
                {
                    double v = x[((top + i / h) * side + left + i % h) * channels + c];
                    (gx, gg, xx) = (gx + mean[c] * v, gg + mean[c] * mean[c], xx + v * v);
                }
                m[cell] = gx / (Math.Max(Math.Sqrt(gg), 1e-12) * Math.Max(Math.Sqrt(xx), 1e-12));
            }
        }
        return (g, m);
    }

    private static (float[] G, float[] M, float[] Dx) Run(Device device, float[] x, int images, int side, int channels,
        int s, float[]? dg, float[] dm, float[]? old = null)
    {
        using var wideX = Tensor.Rent(device, new Shape(images, side, side, channels + 3), "x");
        using var wideDx = Tensor.Rent(device, new Shape(images, side, side, channels + 4), "dx");
        using var g = Tensor.Rent(device, Shape.Of(images, s * s, channels), "g");
        using var m = Tensor.Rent(device, Shape.Of(images, side * side, 1), "m");
        using var upG = Tensor.From(device, g.Shape, dg ?? new float[g.Count], "dg");
        using var upM = Tensor.From(device, m.Shape, dm, "dm");
        Tensor features = wideX.Slice(1, channels), dx = wideDx.Slice(2, channels);
        features.Write(x);
        dx.Write(old ?? x);
        CosineToMean.Forward(features, g, m, s);
        CosineToMean.Gradient(
            new(features, g, m, upM, dx) { Dg = dg is null ? null : upG, Add = old is not null }, s);
        return (g.ToArray(), m.ToArray(), dx.ToArray());
    }

    [Theory, MemberData(nameof(Devices))]
    public void MeansSimilaritiesAndGradientsEqualTheDefinition(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var (images, side, channels, s) in Cases)
        {
            // A common part, so that means are well away from 0.
            float[] x = [.. Gradients.Random(images * side * side * channels, seed: 1).Select(v => v + 0.5f)];
            float[] dg = Gradients.Random(images * s * s * channels, seed: 2);
            float[] dm = Gradients.Random(images * side * side, seed: 3);
            float[] old = Gradients.Random(x.Length, seed: 4);
            var (g, m) = Reference(x, images, side, channels, s);
            var got = Run(lease.Device, x, images, side, channels, s, dg, dm);
            Assert.Equal(g, got.G.Select(v => (double)v), (a, b) => Math.Abs(a - b) < 2e-6);
            Assert.Equal(m, got.M.Select(v => (double)v), (a, b) => Math.Abs(a - b) < 2e-6);
            double Loss(float[] v, double share)
            {
                var (means, similarities) = Reference(v, images, side, channels, s);
                return share * means.Zip(dg, (a, b) => a * b).Sum() + similarities.Zip(dm, (a, b) => a * b).Sum();
            }
            Gradients.Check(v => Loss(v[0], 1), [x], [got.Dx], h: 1e-3);
            float[] added = Run(lease.Device, x, images, side, channels, s, null, dm, old).Dx;
            float[] gradient = [.. added.Zip(old, (sum, o) => sum - o)];
            // A cell that is its own mean has the similarity 1 whatever it holds.
            if (s == side) Assert.All(gradient, v => Assert.Equal(0, v, 2e-6f));
            else Gradients.Check(v => Loss(v[0], 0), [x], [gradient], h: 1e-3);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void WhereTheNormIsClippedItHasNoGradient(string id)
    {
        using var lease = TestDevices.Borrow(id);
        // One cell of four is 0: its similarity is 0 and moves by g/(‖g‖·1e-12) alone.
        float[] x = [3, 4, 3, 4, 0, 0, 3, 4];
        var (g, m, dx) = Run(lease.Device, x, 1, 2, 2, 1, null, [0, 0, 1e-12f, 0]);
        Assert.Equal([2.25f, 3], g);
        Assert.Equal([1, 1, 0, 1], m, (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal([0, 0, 0, 0, 0.6f, 0.8f, 0, 0], dx, (a, b) => Math.Abs(a - b) < 1e-6);

        // Opposite cells: the mean is 0, the similarities too; only x_i/(‖x_i‖·1e-12) passes, through the
        // mean, to all cells alike.
        (g, m, dx) = Run(lease.Device, [3, 4, -3, -4, 3, 4, -3, -4], 1, 2, 2, 1, null, [1e-12f, 0, 0, 0]);
        Assert.Equal([0, 0], g);
        Assert.Equal([0, 0, 0, 0], m);
        Assert.Equal([0.15f, 0.2f, 0.15f, 0.2f, 0.15f, 0.2f, 0.15f, 0.2f], dx, (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void OneThreadAndTwoGiveTheSameBytes()
    {
        using Device one = Device.Open("cpu", threads: 1), two = Device.Open("cpu", threads: 2);
        foreach (int s in new[] { 1, 4 })
        {
            float[] x = Gradients.Random(2 * 32 * 32 * 100, seed: 5);
            float[] dg = Gradients.Random(2 * s * s * 100, seed: 6);
            float[] dm = Gradients.Random(2 * 32 * 32, seed: 7);
            var (g1, m1, dx1) = Run(one, x, 2, 32, 100, s, dg, dm);
            var (g2, m2, dx2) = Run(two, x, 2, 32, 100, s, dg, dm);
            Assert.Equal(g1, g2);
            Assert.Equal(m1, m2);
            Assert.Equal(dx1, dx2);
        }
    }

    [Fact]
    public void AScaleThatDoesNotDivideTheMapIsRefused()
    {
        using var lease = TestDevices.Borrow("cpu");
        using var x = Tensor.Rent(lease.Device, new Shape(1, 6, 6, 4), "features");
        using var g = Tensor.Rent(lease.Device, Shape.Of(1, 16, 4), "g");
        using var m = Tensor.Rent(lease.Device, Shape.Of(1, 36, 1), "m");
        Assert.Contains("'features' [1,6,6,4]",
            Assert.Throws<ArgumentException>(() => CosineToMean.Forward(x, g, m, 4)).Message, StringComparison.Ordinal);
    }
}
