namespace MlffAd.Tests.Kernels;

public sealed class BatchNormTests
{
    private const float Eps = 1e-5f;

    private static readonly Shape[] Shapes = [new(1, 1, 1, 1), new(2, 5, 7, 1), new(1, 3, 5, 9), new(2, 16, 16, 24),
        new(3, 40, 11, 5)];

    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void StatisticsOfSlicesEqualFloat64WhereverTheMeanLies(string id)
    {
        using var lease = TestDevices.Borrow(id);
        // The border: eight rows unlike the others.
        foreach (var shape in Shapes.Append(new(1, 1, 1, 6)).Append(new(1, 1, 5, 12)))
            foreach (var (offset, border) in new[] { (0, 0), (1e4f, 0), (0, 30) })
            {
                float[] values = [.. Gradients.Random((int)shape.Count, seed: 11)
                    .Select((v, i) => v + offset + (i < 8 * shape.C ? border : 0))];
                using var wide = Tensor.Rent(lease.Device, shape.WithC(shape.C + 3), "x");
                using var mean = Tensor.Rent(lease.Device, Shape.Of(shape.C), "mean");
                using var variance = Tensor.Rent(lease.Device, Shape.Of(shape.C), "variance");
                var x = wide.Slice(2, shape.C);
                x.Write(values);
                BatchNorm.Statistics(x, mean, variance);
                float[] gotMean = mean.ToArray(), gotVariance = variance.ToArray();
                for (int c = 0; c < shape.C; c++)
                {
                    var (m, v) = Moments(values, c, shape.C);
                    Assert.Equal(m, gotMean[c], 1e-6 + 1e-7 * Math.Max(Math.Abs(m), border));
                    Assert.Equal(v, gotVariance[c], 1e-6 + 2e-6 * v);
                }
            }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void GradientsEqualFiniteDifferencesInSlicesToo(string id)
    {
        using var lease = TestDevices.Borrow(id);
        Shape shape = new(2, 5, 7, 9);
        int count = (int)shape.Count;
        float[] values = [.. Gradients.Random(count, seed: 1).Select(v => 3 * v + 1)];
        float[] gamma = Gradients.Random(shape.C, seed: 2, awayFromZero: 0.2f);
        float[] beta = Gradients.Random(shape.C, seed: 3);
        float[] residual = Gradients.Random(count, seed: 4);
        float[] upstream = Gradients.Random(count, seed: 5);
        float[] old = Gradients.Random(count, seed: 6);
        foreach (bool frozen in new[] { false, true })
            foreach (var f in new[] { Activation.None, Activation.LeakyReLU, Activation.ReLU })
            {
                using var x = Tensor.From(lease.Device, shape, values, "x");
                using var mean = Tensor.From(lease.Device, Shape.Of(shape.C), [.. gamma.Select(v => v * 0.5f)], "mean");
                using var variance =
                    Tensor.From(lease.Device, Shape.Of(shape.C), [.. beta.Select(v => v * v + 0.3f)], "variance");
                using var g = Tensor.From(lease.Device, Shape.Of(shape.C), gamma, "gamma");
                using var b = Tensor.From(lease.Device, Shape.Of(shape.C), beta, "beta");
                using var res = Tensor.From(lease.Device, shape, residual, "residual");
                using var dy = Tensor.From(lease.Device, shape, upstream, "dy");
                using var wide = Tensor.Rent(lease.Device, shape.WithC(3 * shape.C + 4), "maps");
                using var dgamma = Tensor.Rent(lease.Device, Shape.Of(shape.C), "dgamma");
                using var dbeta = Tensor.Rent(lease.Device, Shape.Of(shape.C), "dbeta");
                Tensor y = wide.Slice(1, shape.C), dx = wide.Slice(11, shape.C), dresidual = wide.Slice(21, shape.C);
                if (!frozen) BatchNorm.Statistics(x, mean, variance);
                (double[], double[])? statistics = frozen
                    ? ([.. mean.ToArray().Select(t => (double)t)], [.. variance.ToArray().Select(t => (double)t)])
                    : null;
                // Where z would come near f's kink the residual moves it away.
                double[] z = Forward(values, gamma, beta, residual, shape.C, Activation.None, statistics);
                float[] clear = [.. residual.Select((r, i) => Math.Abs(z[i]) < 0.1 ? r + 0.2f * Math.Sign(z[i]) : r)];
                res.Write(clear);
                var vectors = new BatchNorm.Vectors(mean, variance, g, b) { Eps = Eps };
                BatchNorm.Apply(x, vectors, y, res, f);
                Assert.All(Forward(values, gamma, beta, clear, shape.C, f, statistics).Zip(y.ToArray()),
                    pair => Assert.Equal(pair.First, pair.Second, 1e-5));
                double Loss(float[][] p) =>
                    Forward(p[0], p[1], p[2], p[3], shape.C, f, statistics).Zip(upstream, (yi, u) => yi * u).Sum();

                dx.Write(old);
                dresidual.Write(old);
                var maps = new BatchNorm.Maps(x, y, dy) { Dx = dx, Dresidual = dresidual };
                BatchNorm.Gradient(maps with { AddX = true, AddResidual = true }, vectors, dgamma, dbeta, f, frozen);
                float[] added = [.. dx.ToArray().Zip(old, (a, o) => a - o)];
                float[] addedResidual = [.. dresidual.ToArray().Zip(old, (a, o) => a - o)];
                Gradients.Check(Loss, [values, gamma, beta, clear],
                    [added, dgamma.ToArray(), dbeta.ToArray(), addedResidual], h: 5e-3);

                BatchNorm.Gradient(maps, vectors, dgamma, dbeta, f, frozen);
                Assert.All(dx.ToArray().Zip(added), p => Assert.Equal(p.First, p.Second, 1e-5));
                Assert.All(dresidual.ToArray().Zip(addedResidual), p => Assert.Equal(p.First, p.Second, 1e-6));
                BatchNorm.Gradient(maps with { Dx = dy }, vectors, dgamma, dbeta, f, frozen);
                Assert.Equal(dx.ToArray(), dy.ToArray());
                dy.Write(upstream);
                BatchNorm.Gradient(maps with { Dresidual = dy }, vectors, dgamma, dbeta, f, frozen);
                Assert.Equal(dresidual.ToArray(), dy.ToArray());
                Assert.All(dx.ToArray().Zip(added), p => Assert.Equal(p.First, p.Second, 1e-5));
            }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void ConstantInputGivesBetaAndNoNaN(string id)
    {
        using var lease = TestDevices.Borrow(id);
        Shape shape = new(2, 3, 4, 10);
        using var x = Tensor.Rent(lease.Device, shape, "x");
        using var mean = Tensor.Rent(lease.Device, Shape.Of(10), "mean");
        using var variance = Tensor.Rent(lease.Device, Shape.Of(10), "variance");
        using var gamma = Tensor.From(lease.Device, Shape.Of(10), Gradients.Random(10, seed: 1), "gamma");
        using var beta = Tensor.From(lease.Device, Shape.Of(10), Gradients.Random(10, seed: 2), "beta");
        Pointwise.Fill(x, 1234.5678f);
        BatchNorm.Statistics(x, mean, variance);
        Assert.All(variance.ToArray(), v => Assert.Equal(0, v));
        BatchNorm.Apply(x, new(mean, variance, gamma, beta) { Eps = Eps }, x);
        for (int r = 0; r < shape.Rows; r++) Assert.Equal(beta.ToArray(), x.ToArray()[(10 * r)..(10 * r + 10)]);
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void RunningStatisticsTakeInATenthOfTheBatch(string id)
    {
        using var lease = TestDevices.Borrow(id);
        // A mean, variances of one row and of five, and an element that is nobody's.
        using var batch = Tensor.From(lease.Device, Shape.Of(4), [2, 0.5f, 0.5f, 7], "batch");
        using var rows = Tensor.From(lease.Device, Shape.Of(4), [BatchNorm.Mean, 1, 5, 0], "rows");
        using var running = Tensor.From(lease.Device, Shape.Of(4), [1, 1, 0.95f, 3], "running");
        BatchNorm.UpdateRunning(batch, rows, 1, running);
        foreach (var (expected, got) in new[] { 1.1f, 0.95f, 0.9175f,
            3 }.Zip(running.ToArray())) Assert.Equal(expected, got, 1e-6);
        // Two items: of two rows and of ten.
        BatchNorm.UpdateRunning(batch, rows, 2, running);
        foreach (var (expected, got) in new[] { 1.19f, 0.955f, 0.88130556f,
            3 }.Zip(running.ToArray())) Assert.Equal(expected, got, 1e-6);
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void GradientWithBetaInPlaceOfTheOutputIsTheSameToTheBit(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var shape in Shapes)
            foreach (var f in new[] { Activation.None, Activation.ReLU, Activation.LeakyReLU })
            {
                int count = (int)shape.Count;
                using var x = Tensor.From(lease.Device, shape, Gradients.Random(count, seed: 1), "x");
                using var dy = Tensor.From(lease.Device, shape, Gradients.Random(count, seed: 2), "dy");
                Tensor[] tensors = [.. Enumerable.Range(0, 6)
                    .Select(i => Tensor.From(lease.Device, Shape.Of(shape.C), Gradients.Random(shape.C, seed: i),
                        "vector"))];
                var (mean, variance, gamma, beta, dgamma, dbeta) =
                    (tensors[0], tensors[1], tensors[2], tensors[3], tensors[4], tensors[5]);
                using var y = Tensor.Rent(lease.Device, shape, "y");
                using var dx = Tensor.Rent(lease.Device, shape, "dx");
                BatchNorm.Statistics(x, mean, variance);
                var vectors = new BatchNorm.Vectors(mean, variance, gamma, beta) { Eps = Eps };
                BatchNorm.Apply(x, vectors, y, f: f);
                float[][] Run(bool recomputes)
                {
                    BatchNorm.Gradient(new(x, y, dy) { Dx = dx, FollowsFromX = recomputes }, vectors, dgamma, dbeta, f);
                    return [dx.ToArray(), dgamma.ToArray(), dbeta.ToArray()];
                }
                float[][] read = Run(recomputes: false);
                // The host does without y.
                if (lease.Device.IsHost) Pointwise.Fill(y, 1);
                Assert.Equal(read, Run(recomputes: true));
                foreach (var v in tensors) v.Dispose();
            }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void MomentsMadeInPassingAreTheSameToTheBit(string id)
    {
        using var lease = TestDevices.Borrow(id);
        var moments = new Moments();
        // A product, of more rows than a block of moments; with segments; strided; of few channels; minimal filtering,
        // which makes none; rows that end within a block.
        foreach (var (h, inputs, outputs, g) in new (int, int, int, ConvGeometry)[]
            { (23, 40, 70, new(1)), (16, 24, 16, new(3, 1, 1)), (31, 16, 33, new(3, 2, 1)), (30, 3, 20, new(7, 2, 3)),
                (32, 128, 128, new(3, 1, 1)), (3, 8, 5, new(1)), (24, 600, 40, new(1)) })
        {
            using var x = Tensor.From(lease.Device, new Shape(2, h, h, inputs),
                Gradients.Random(2 * h * h * inputs, seed: 3), "x");
            using var w = Tensor.From(lease.Device, new Shape(outputs, g.Kernel, g.Kernel, inputs),
                Gradients.Random(outputs * g.Kernel * g.Kernel * inputs, seed: 4), "w");
            using var y = Tensor.Rent(lease.Device, new Shape(2, g.OutputSize(h), g.OutputSize(h), outputs), "y");
            using var mean = Tensor.Rent(lease.Device, Shape.Of(outputs), "mean");
            using var variance = Tensor.Rent(lease.Device, Shape.Of(outputs), "variance");
            float[][] Run(Moments? from, bool clobber = false)
            {
                Convolution.Forward(x, w, null, y, g, moments: from);
                if (clobber) Pointwise.Fill(y, 7);
                BatchNorm.Statistics(y, mean, variance, from);
                return [mean.ToArray(), variance.ToArray()];
            }
            float[][] looked = Run(null);
            Assert.Equal(looked, Run(moments));
            // What was made is not looked for again; 3×3 layers may run by minimal filtering.
            if (lease.Device.IsHost && g is not { Kernel: 3, Stride: 1 })
                Assert.Equal(looked, Run(moments, clobber: true));
            // Another map's are not taken.
            Convolution.Forward(x, w, null, y, g, moments: moments);
            using var other = Tensor.Rent(lease.Device, y.Shape, "other");
            Pointwise.Fill(other, 2);
            BatchNorm.Statistics(other, mean, variance, moments);
            Assert.All(mean.ToArray(), m => Assert.Equal(2, m));
        }
    }

    [Fact]
    public void OneAndTwoThreadsGiveTheSameBytes()
    {
        Shape shape = new(3, 61, 37, 40);
        float[][] One(int threads)
        {
            using var device = Device.Open("cpu", threads);
            using var x = Tensor.From(device, shape, Gradients.Random((int)shape.Count, seed: 8), "x");
            using var dy = Tensor.From(device, shape, Gradients.Random((int)shape.Count, seed: 9), "dy");
            Tensor[] tensors = [.. Enumerable.Range(0, 6)
                .Select(i => Tensor.From(device, Shape.Of(40), Gradients.Random(40, seed: i), "vector"))];
            var (mean, variance, gamma, beta, dgamma, dbeta) =
                (tensors[0], tensors[1], tensors[2], tensors[3], tensors[4], tensors[5]);
            using var y = Tensor.Rent(device, shape, "y");
            using var dx = Tensor.Rent(device, shape, "dx");
            using var dresidual = Tensor.Rent(device, shape, "dresidual");
            BatchNorm.Statistics(x, mean, variance);
            var vectors = new BatchNorm.Vectors(mean, variance, gamma, beta) { Eps = Eps };
            BatchNorm.Apply(x, vectors, y, f: Activation.ReLU);
            var maps = new BatchNorm.Maps(x, y, dy) { Dx = dx, Dresidual = dresidual };
            BatchNorm.Gradient(maps, vectors, dgamma, dbeta, Activation.ReLU);
            var moments = new Moments();
            using var w = Tensor.From(device, new Shape(40, 1, 1, 40), Gradients.Random(1600, seed: 10), "w");
            using var madeMean = Tensor.Rent(device, Shape.Of(40), "mean made in passing");
            using var madeVariance = Tensor.Rent(device, Shape.Of(40), "variance made in passing");
            using var product = Tensor.Rent(device, shape, "product");
            Convolution.Forward(x, w, null, product, new(1), moments: moments);
            BatchNorm.Statistics(product, madeMean, madeVariance, moments);
            float[][] results =
            [
                mean.ToArray(), variance.ToArray(), madeMean.ToArray(), madeVariance.ToArray(), y.ToArray(),
                dx.ToArray(), dresidual.ToArray(), dgamma.ToArray(), dbeta.ToArray(),
            ];
            foreach (var v in tensors) v.Dispose();
            return results;
        }
        Assert.Equal(One(1), One(2));
    }

    private static (double Mean, double Variance) Moments(IEnumerable<float> values, int c, int channels)
    {
        double[] column = [.. values.Where((_, i) => i % channels == c).Select(v => (double)v)];
        double mean = column.Average();
        return (mean, column.Average(v => (v - mean) * (v - mean)));
    }

    private static double[] Forward(float[] x, float[] gamma, float[] beta, float[] residual, int channels,
        Activation f, (double[] Mean, double[] Variance)? statistics)
    {
        var moments = Enumerable.Range(0, channels).Select(c => statistics is { } s
            ? (Mean: s.Mean[c], Variance: s.Variance[c])
            : Moments(x, c, channels)).ToArray();
        return [.. x.Select((v, i) =>
        {
            var (mean, variance) = moments[i % channels];
            double z = gamma[i % channels] * (v - mean) / Math.Sqrt(variance + Eps) + beta[i % channels] + residual[i];
            return z > 0 || f == Activation.None ? z : f == Activation.ReLU ? 0 : 0.01 * z;
        })];
    }
}
