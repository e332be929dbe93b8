namespace MlffAd.Tests.Kernels;

public sealed class SoftmaxTests
{
    private static readonly Shape[] Shapes = [new(1, 1, 1, 1), Shape.Of(2, 3, 7), Shape.Of(2, 5, 130),
        Shape.Of(1, 2, 64)];

    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void RowsAndGradientsEqualFloat64InSlicesToo(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var shape in Shapes)
        {
            int C = shape.C;
            float[] values = Gradients.Random((int)shape.Count, seed: 1, scale: 9);
            float[] upstream = Gradients.Random(values.Length, seed: 2);
            float[] old = Gradients.Random(values.Length, seed: 3);
            using var wide = Tensor.Rent(lease.Device, shape.WithC(4 * C + 3), "x");
            Tensor x = wide.Slice(0, C), y = wide.Slice(C + 1, C), dy = wide.Slice(2 * C + 2, C);
            Tensor dx = wide.Slice(3 * C + 3, C);
            x.Write(values);
            dy.Write(upstream);
            dx.Write(old);
            Softmax.Rows(x, y);
            Softmax.Gradient(y, dy, dx, add: true);
            float[] gotY = y.ToArray(), gotDx = dx.ToArray();
            Softmax.Gradient(y, dy, dx);
            float[] alone = dx.ToArray();
            for (int r = 0; r < shape.Rows; r++)
            {
                double[] row = [.. values[(r * C)..(r * C + C)].Select(v => (double)v)];
                double max = row.Max(), sum = row.Sum(v => Math.Exp(v - max));
                double[] e = [.. row.Select(v => Math.Exp(v - max) / sum)];
                double dot = e.Select((v, c) => v * upstream[r * C + c]).Sum();
                for (int c = 0; c < C; c++)
                {
                    double dxRef = e[c] * (upstream[r * C + c] - dot);
                    Assert.Equal(e[c], gotY[r * C + c], 1e-6);
                    Assert.Equal(dxRef, alone[r * C + c], 1e-6);
                    Assert.Equal(old[r * C + c] + dxRef, gotDx[r * C + c], 1e-6);
                }
            }
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void HugeAndEqualLogitsGiveFiniteRows(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var x =
            Tensor.From(lease.Device, Shape.Of(1, 2, 4), [3e38f, -3e38f, 0, 3e38f, -1e4f, -1e4f, -1e4f, -1e4f], "x");
        Softmax.Rows(x, x);
        Assert.Equal([0.5f, 0, 0, 0.5f, 0.25f, 0.25f, 0.25f, 0.25f], x.ToArray());
    }

    [Fact]
    public void OneAndTwoThreadsGiveTheSameBytes()
    {
        static float[] One(int threads)
        {
            using var device = Device.Open("cpu", threads);
            using var x = Tensor.From(device, Shape.Of(3, 71, 129), Gradients.Random(3 * 71 * 129, seed: 1), "x");
            using var y = Tensor.Rent(device, x.Shape, "y");
            Softmax.Rows(x, y);
            Softmax.Gradient(y, x, x, add: true);
            return x.ToArray();
        }
        Assert.Equal(One(1), One(2));
    }
}
