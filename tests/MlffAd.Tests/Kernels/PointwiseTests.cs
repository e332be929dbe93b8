namespace MlffAd.Tests.Kernels;

public sealed class PointwiseTests
{
    private static readonly Shape[] Shapes = [new(1, 1, 1, 1), new(2, 5, 7, 9), new(1, 3, 1, 64), new(2, 16, 16, 24)];

    public static TheoryData<string> Devices => TestDevices.All;

    private static double Reference(Activation f, double x) => f switch
    {
        Activation.ReLU => Math.Max(0, x),
        Activation.LeakyReLU => x > 0 ? x : 0.01f * x,
        Activation.Sigmoid => 1 / (1 + Math.Exp(-x)),
        _ => x,
    };

    [Theory, MemberData(nameof(Devices))]
    public void ActivationsEqualTheirFormulaInSlicesToo(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var f in Enum.GetValues<Activation>())
            foreach (var shape in Shapes)
            {
                float[] values = Gradients.Random((int)shape.Count, seed: 3, scale: 8);
                using var wideX = Tensor.Rent(lease.Device, shape.WithC(shape.C + 3), "x");
                using var wideY = Tensor.Rent(lease.Device, shape.WithC(shape.C + 2), "y");
                Tensor x = wideX.Slice(1, shape.C), y = wideY.Slice(2, shape.C);
                x.Write(values);
                Pointwise.Apply(f, x, y);
                float[] got = y.ToArray();
                for (int i = 0; i < got.Length; i++)
                    Assert.Equal(Reference(f, values[i]), got[i], 2e-6 * Math.Max(1, Math.Abs(values[i])));
            }
    }

    [Theory, MemberData(nameof(Devices))]
    public void ActivationGradientsEqualFiniteDifferences(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var f in Enum.GetValues<Activation>())
        {
            Shape shape = new(2, 3, 5, 9);
            float[] values = Gradients.Random((int)shape.Count, seed: 4, scale: 2, awayFromZero: 0.1f);
            float[] upstream = Gradients.Random(values.Length, seed: 5);
            using var y = Tensor.From(lease.Device, shape, values, "y");
            using var dy = Tensor.From(lease.Device, shape, upstream, "dy");
            using var dx = Tensor.From(lease.Device, shape, upstream, "dx");
            Pointwise.Apply(f, y, y);
            Pointwise.Gradient(f, y, dy, dx, add: true);
            float[] gradient = [.. dx.ToArray().Zip(upstream, (sum, old) => sum - old)];
            Gradients.Check(x => x[0].Zip(upstream, (v, u) => Reference(f, v) * u).Sum(), [values], [gradient]);
            Pointwise.Gradient(f, y, dy, dx);
            Gradients.Check(x => x[0].Zip(upstream, (v, u) => Reference(f, v) * u).Sum(), [values], [dx.ToArray()]);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void AddMultiplyCopyAndFillAreExact(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var shape in Shapes)
        {
            float[] p = Gradients.Random((int)shape.Count, seed: 6), q = Gradients.Random((int)shape.Count, seed: 7);
            using var a = Tensor.From(lease.Device, shape, p, "a");
            using var b = Tensor.From(lease.Device, shape, q, "b");
            using var wide = Tensor.Rent(lease.Device, shape.WithC(shape.C + 5), "y");
            var y = wide.Slice(3, shape.C);
            Pointwise.Add(a, b, y);
            Assert.Equal(p.Zip(q, (u, v) => u + v), y.ToArray());
            Pointwise.Multiply(a, b, y);
            Assert.Equal(p.Zip(q, (u, v) => u * v), y.ToArray());
            Pointwise.Copy(a, y);
            Assert.Equal(p, y.ToArray());
            Pointwise.Copy(b, y, add: true);
            Assert.Equal(p.Zip(q, (u, v) => u + v), y.ToArray());
            Pointwise.Fill(y, 1);
            Pointwise.Multiply(a, b, y, add: true);
            Assert.Equal(p.Zip(q, (u, v) => 1.0 + u * v), y.ToArray().Select(v => (double)v),
                (u, v) => Math.Abs(u - v) < 1e-6);
        }
    }

    /// <summary>Without gaps a tensor is cut anywhere between threads: where one thread's part ends in single elements,
    /// another count of threads has whole vectors.</summary>
    [Fact]
    public void OneAndSeveralThreadsGiveTheSameBytes()
    {
        static float[][] One(int threads)
        {
            using var device = Device.Open("cpu", threads);
            Shape shape = Shape.Of(1, 1999, 37);
            using var x = Tensor.From(device, shape, Gradients.Random((int)shape.Count, seed: 8, scale: 9), "x");
            using var dy = Tensor.From(device, shape, Gradients.Random((int)shape.Count, seed: 9), "dy");
            List<float[]> results = [];
            foreach (var f in Enum.GetValues<Activation>())
            {
                using var y = Tensor.Rent(device, shape, "y");
                Pointwise.Apply(f, x, y);
                results.Add(y.ToArray());
                Pointwise.Gradient(f, y, dy, y, add: true);
                results.Add(y.ToArray());
            }
            return [.. results];
        }
        foreach (int threads in new[] { 2, 3, 5 }) Assert.Equal(One(1), One(threads));
    }

    [Fact]
    public void OperandsOfDifferentShapesAreRefusedByName()
    {
        using var lease = TestDevices.Borrow("cpu");
        using var a = Tensor.Rent(lease.Device, new Shape(1, 2, 3, 4), "left");
        using var b = Tensor.Rent(lease.Device, new Shape(1, 2, 3, 5), "right");
        var e = Assert.Throws<ArgumentException>(() => Pointwise.Add(a, b, a));
        Assert.Contains("'right' [1,2,3,5]", e.Message, StringComparison.Ordinal);
    }
}
