namespace MlffAd.Tests.Kernels;

public sealed class ResizeTests
{
    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void BilinearAndItsGradientEqualTheLoopsInSlicesToo(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (bool corners in new[] { false, true })
            foreach (var (xs, ys) in new[] { (new Shape(1, 1, 1, 1), new Shape(1, 1, 1, 1)),
                (new Shape(2, 3, 5, 9), new Shape(2, 7, 8, 9)), (new Shape(1, 7, 9, 11), new Shape(1, 3, 2, 11)),
                (new Shape(1, 4, 1, 3), new Shape(1, 1, 6, 3)), (new Shape(1, 2, 2, 300), new Shape(1, 3, 3, 300)) })
            {
                float[] values = Gradients.Random((int)xs.Count, seed: 1);
                float[] upstream = Gradients.Random((int)ys.Count, seed: 2);
                float[] old = Gradients.Random(values.Length, seed: 3);
                using var wideX = Tensor.Rent(lease.Device, xs.WithC(2 * xs.C + 1), "x");
                using var wideY = Tensor.Rent(lease.Device, ys.WithC(2 * ys.C + 3), "y");
                Tensor x = wideX.Slice(0, xs.C), dx = wideX.Slice(xs.C + 1, xs.C);
                Tensor y = wideY.Slice(1, ys.C), dy = wideY.Slice(ys.C + 2, ys.C);
                x.Write(values);
                dy.Write(upstream);
                dx.Write(old);
                Resize.Bilinear(x, y, corners);
                Resize.BilinearGradient(dy, dx, corners, add: true);

                double[] expected = new double[ys.Count], gradient = [.. old.Select(v => (double)v)];
                for (int o = 0; o < expected.Length; o++)
                {
                    int c = o % ys.C, r = o / ys.C, n = r / ys.Area;
                    foreach (var (h, a) in Samples(r / ys.W % ys.H, xs.H, ys.H, corners))
                        foreach (var (w, b) in Samples(r % ys.W, xs.W, ys.W, corners))
                        {
                            int at = ((n * xs.H + h) * xs.W + w) * xs.C + c;
                            expected[o] += a * b * values[at];
                            gradient[at] += a * b * upstream[o];
                        }
                }
                Assert.All(expected.Zip(y.ToArray()), p => Assert.Equal(p.First, p.Second, 2e-6));
                Assert.All(gradient.Zip(dx.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-5));
                Resize.BilinearGradient(dy, dx, corners);
                Assert.All(gradient.Zip(old, (g, v) => g - v).Zip(dx.ToArray()),
                    p => Assert.Equal(p.First, p.Second, 1e-5));
            }
    }

    [Fact]
    public void GatherRangesHoldExactlyTheOutputsThatUseASource()
    {
        for (int source = 1; source <= 9; source++)
            for (int target = 1; target <= 20; target++)
                foreach (bool corners in new[] { false, true })
                {
                    var axis = new ResizeAxis(source, target, corners);
                    for (int h = 0; h < source; h++)
                        for (int i = 0; i < target; i++)
                            if (axis.Weight(i, h) != 0) Assert.InRange(i, axis.First(h - 1), axis.First(h + 1) - 1);
                }
    }

    [Fact]
    public void OneAndTwoThreadsGiveTheSameBytes()
    {
        static float[][] One(int threads)
        {
            using var device = Device.Open("cpu", threads);
            using var x = Tensor.From(device, new Shape(2, 8, 8, 40), Gradients.Random(2 * 64 * 40, seed: 1), "x");
            using var y = Tensor.Rent(device, new Shape(2, 32, 32, 40), "y");
            Resize.Bilinear(x, y, alignCorners: false);
            Resize.BilinearGradient(y, x, alignCorners: false, add: true);
            return [x.ToArray(), y.ToArray()];
        }
        Assert.Equal(One(1), One(2));
    }

    // PyTorch's rule, in float64.
    private static (int, double)[] Samples(int i, int source, int target, bool corners)
    {
        double s = corners
            ? (target > 1 ? i * (source - 1.0) / (target - 1) : 0)
            : Math.Max(0, (i + 0.5) * source / target - 0.5);
        int below = Math.Min((int)s, source - 1);
        return [(below, 1 - (s - below)), (Math.Min(below + 1, source - 1), s - below)];
    }
}
