namespace MlffAd.Tests.Kernels;

public sealed class AttentionTests
{
    /// <summary>Levels, channels of k and q, channels of v: one of each; parts of a group's eight levels, 128 columns
    /// and 32 channels; more than one of each.</summary>
    private static readonly (int Levels, int C, int W)[] Cases = [(1, 1, 1), (5, 3, 2), (17, 33, 130), (130, 31, 9),
        (128, 64, 128)];

    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void ResultAndGradientsEqualFloat64InSlicesToo(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int n = 2;
        foreach (var (levels, c, w) in Cases)
        {
            Slice New(int channels, int seed) => new(lease.Device, Shape.Of(n, levels, channels), seed);
            using Slice k = New(c, 1), q = New(c, 2), v = New(w, 3), dy = New(w, 4);
            using Slice weights = New(levels, 5), y = New(w, 6), dk = New(c, 7), dq = New(c, 8);
            using Slice dv = New(w, 9);
            Attention.Forward(k.Tensor, q.Tensor, v.Tensor, weights.Tensor, y.Tensor);
            var expected = Expected(n, levels, c, w, k.Values, q.Values, v.Values, dy.Values);
            AssertClose(expected.A, weights.Tensor, null);
            AssertClose(expected.Y, y.Tensor, null);
            foreach (bool add in new[] { true, false })
            {
                Attention.Gradient(k.Tensor, q.Tensor, v.Tensor, weights.Tensor, dy.Tensor,
                    new(dk.Tensor, add), new(dq.Tensor, add), new(dv.Tensor, add));
                AssertClose(expected.Dk, dk.Tensor, add ? dk.Values : null);
                AssertClose(expected.Dq, dq.Tensor, add ? dq.Values : null);
                AssertClose(expected.Dv, dv.Tensor, add ? dv.Values : null);
            }
            foreach (var written in new[] { weights, y, dk, dq, dv }) written.AssertGapsUntouched();
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void HugeScoresGiveFiniteResults(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var k = Tensor.From(lease.Device, Shape.Of(1, 2, 1), [1e18f, -1e18f], "k");
        using var v = Tensor.From(lease.Device, Shape.Of(1, 2, 1), [3, 5], "v");
        using var weights = Tensor.Rent(lease.Device, Shape.Of(1, 2, 2), "weights");
        using var y = Tensor.Rent(lease.Device, v.Shape, "y");
        Attention.Forward(k, k, v, weights, y);
        Assert.Equal([1, 0, 0, 1], weights.ToArray());
        Assert.Equal([3, 5], y.ToArray());
    }

    [Fact]
    public void ShapesThatDoNotFitAreRefused()
    {
        using var device = Device.Open("cpu", threads: 1);
        using var k = Tensor.Rent(device, Shape.Of(1, 4, 3), "k");
        using var v = Tensor.Rent(device, Shape.Of(1, 5, 3), "v");
        using var weights = Tensor.Rent(device, Shape.Of(1, 4, 4), "weights");
        using var fewer = Tensor.Rent(device, Shape.Of(1, 4, 3), "fewer");
        Assert.Throws<ArgumentException>(() => Attention.Forward(k, k, v, weights, v));
        Assert.Throws<ArgumentException>(() => Attention.Forward(k, k, k, fewer, fewer));
    }

    /// <summary>To 10⁻⁵ of its size: a weight's relative error is its score's absolute one, 64 products of size 1
    /// rounded by up to 6·10⁻⁸ each.</summary>
    internal static void AssertClose(double[] expected, Tensor actual, float[]? old)
    {
        float[] got = actual.ToArray();
        double scale = Math.Sqrt(expected.Average(v => v * v));
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i] + (old?[i] ?? 0), got[i], 1e-5 * scale + 1e-6);
    }

    internal sealed record Results(double[] A, double[] Y, double[] Dk, double[] Dq, double[] Dv);

    /// <summary>The definition, in float64.</summary>
    internal static Results Expected(int n, int levels, int c, int w, float[] k, float[] q, float[] v, float[] dy)
    {
        Results r = new(new double[n * levels * levels], new double[v.Length], new double[k.Length],
            new double[k.Length], new double[v.Length]);
        for (int i = 0; i < n * levels; i++)
        {
            int item = i / levels * levels;
            double[] s = [.. Enumerable.Range(item, levels)
                .Select(j => Enumerable.Range(0, c).Sum(x => (double)k[i * c + x] * q[j * c + x]))];
            double[] e = [.. s.Select(x => Math.Exp(x - s.Max()))];
            double[] a = [.. e.Select(x => x / e.Sum())];
            double[] da = [.. Enumerable.Range(item, levels)
                .Select(j => Enumerable.Range(0, w).Sum(x => (double)dy[i * w + x] * v[j * w + x]))];
            double dot = a.Zip(da, (x, y) => x * y).Sum();
            for (int b = 0; b < levels; b++)
            {
                int j = item + b;
                double ds = a[b] * (da[b] - dot);
                r.A[i * levels + b] = a[b];
                for (int x = 0; x < w; x++)
                {
                    r.Y[i * w + x] += a[b] * v[j * w + x];
                    r.Dv[j * w + x] += a[b] * dy[i * w + x];
                }
                for (int x = 0; x < c; x++)
                {
                    r.Dk[i * c + x] += ds * q[j * c + x];
                    r.Dq[j * c + x] += ds * k[i * c + x];
                }
            }
        }
        return r;
    }
}
