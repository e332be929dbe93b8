namespace MlffAd.Tests.Kernels;

/// <summary>Maps in BF16: an operator reads the numbers that a float32 map of the same numbers holds, computes the
/// same, and rounds once, where it stores.</summary>
public sealed class Bf16MapTests
{
    public static TheoryData<string> Gpus =>
        [.. TestDevices.Fast.Where(row => row.Data != "cpu").Select(row => row.Data)];

    private static float Round(float v) =>
        BitConverter.UInt32BitsToSingle(
            (BitConverter.SingleToUInt32Bits(v) + 0x7FFF + (BitConverter.SingleToUInt32Bits(v) >> 16 & 1))
                & 0xFFFF0000);

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void WhatIsWrittenIsReadAsTheNearestNumberInSlicesToo(string id)
    {
        using var lease = TestDevices.Borrow(id);
        Shape shape = new(2, 3, 5, 16);
        float[] values = Gradients.Random((int)shape.Count, seed: 1, scale: 100);
        // Halves to even, both ways; what lies beyond the largest; what is no number.
        (values[0], values[1], values[2], values[3]) = (BitConverter.UInt32BitsToSingle(0x3F808000),
            BitConverter.UInt32BitsToSingle(0x3F818000), float.MaxValue, float.NaN);
        using var wide = Tensor.Rent(lease.Device, shape.WithC(40), "wide", format: Format.Bf16);
        Pointwise.Fill(wide, 7);
        var slice = wide.Slice(8, 16);
        slice.Write(values);
        Assert.Equal([1, BitConverter.UInt32BitsToSingle(0x3F820000), float.PositiveInfinity, float.NaN,
            .. values[4..].Select(Round)], slice.ToArray());
        Assert.All(wide.Slice(24, 16).ToArray(), v => Assert.Equal(7, v));
        Assert.All(wide.Slice(0, 8).ToArray(), v => Assert.Equal(7, v));
        Assert.Equal(Format.Bf16, slice.Format);
        Assert.Contains("bf16 pitch 40", slice.ToString(), StringComparison.Ordinal);
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void WhatHasNoBodyForItIsRefused(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var x = Tensor.Rent(lease.Device, new(1, 2, 2, 8), "x", format: Format.Bf16);
        using var y = Tensor.Rent(lease.Device, new(1, 2, 2, 8), "y");
        Assert.Throws<ArgumentException>(() => Softmax.Rows(x, x));
        Assert.Throws<ArgumentException>(() => Pointwise.Add(x, y, y));
        Assert.Throws<ArgumentException>(() => x.Slice(4, 4));
        Assert.Throws<ArgumentException>(() => Tensor.Rent(lease.Device, new(1, 2, 2, 12), "twelve",
            format: Format.Bf16));
        using var host = Device.Open("cpu", 1);
        Assert.Throws<ArgumentException>(() => Tensor.Rent(host, new(1, 2, 2, 8), "host", format: Format.Bf16));
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void PointwiseOperatorsRoundOnce(string id)
    {
        Shape shape = new(2, 5, 3, 24);
        foreach (var f in Enum.GetValues<Activation>())
        {
            Compare(id, maps => Pointwise.Apply(f, maps.In(shape), maps.Out(shape)));
            foreach (bool add in new[] { false, true })
                Compare(id, maps => Pointwise.Gradient(f, maps.In(shape), maps.In(shape), maps.Out(shape), add));
        }
        Compare(id, maps => Pointwise.Add(maps.In(shape), maps.In(shape), maps.Out(shape)));
        foreach (bool add in new[] { false, true })
        {
            Compare(id, maps => Pointwise.Multiply(maps.In(shape), maps.In(shape), maps.Out(shape), add));
            Compare(id, maps => Pointwise.Copy(maps.In(shape), maps.Out(shape), add));
        }
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void PoolsBlocksAndEnlargementsRoundOnce(string id)
    {
        Shape fine = new(2, 8, 8, 16), coarse = new(2, 4, 4, 16), large = new(1, 24, 24, 8);
        Shape one = new(1, 1, 1, 8), odd = new(2, 7, 5, 16);
        Compare(id, maps =>
        {
            Tensor y = maps.Out(coarse), index = maps.Out(coarse), dx = maps.Out(fine);
            Pooling.Max(maps.In(fine), y, index, 3, 2, 1);
            Pooling.MaxGradient(maps.In(coarse), index, dx, 3, 2, 1, add: true);
        });
        Compare(id, maps => Pooling.Average(maps.In(fine), maps.Out(coarse), 2));
        Compare(id, maps => Pooling.AverageGradient(maps.In(coarse), maps.Out(fine), 2, add: true));
        Compare(id, maps => Pooling.RegionMean(maps.In(large), maps.Out(one)));   // a block that in float32 has a group
        Compare(id, maps => LocalMean.Forward(maps.In(odd), maps.Out(odd), LocalWindow.Gaussian(0.6)));
        Compare(id, maps => LocalMean.Gradient(maps.In(odd), maps.Out(odd), LocalWindow.Box(1), add: true));
        Compare(id, maps => Resize.Nearest(maps.In(coarse), maps.Out(fine)));
        Compare(id, maps => Resize.NearestGradient(maps.In(fine), maps.Out(coarse), add: true));
        foreach (bool corners in new[] { false, true })
        {
            Compare(id, maps => Resize.Bilinear(maps.In(odd), maps.Out(fine), corners));
            Compare(id, maps => Resize.BilinearGradient(maps.In(fine), maps.Out(odd), corners, add: true));
        }
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void BatchNormalisationRoundsItsMapsOnlyAndOnce(string id)
    {
        // Several blocks of rows, the last short; channels that fill no group.
        Shape shape = new(3, 13, 11, 40), vector = Shape.Of(40);
        foreach (var f in new[] { Activation.None, Activation.ReLU, Activation.LeakyReLU })
            foreach (bool add in new[] { false, true })
                Compare(id, maps =>
                {
                    Tensor x = maps.In(shape), y = maps.Out(shape), mean = maps.Vector(vector);
                    Tensor variance = maps.Vector(vector), gamma = maps.Vector(vector);
                    Tensor beta = maps.Vector(vector), dgamma = maps.Vector(vector);
                    Tensor dbeta = maps.Vector(vector);
                    BatchNorm.Statistics(x, mean, variance);
                    var vectors = new BatchNorm.Vectors(mean, variance, gamma, beta);
                    BatchNorm.Apply(x, vectors, y, maps.In(shape), f);
                    var gradient = new BatchNorm.Maps(x, maps.In(shape), maps.In(shape))
                    {
                        Dx = maps.Out(shape),
                        Dresidual = maps.Out(shape),
                        AddX = add,
                        AddResidual = add,
                    };
                    BatchNorm.Gradient(gradient, vectors, dgamma, dbeta, f, frozen: add);
                });
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void ConvolutionsMultiplyThemAsTheyAre(string id)
    {
        using var emulation = new TensorCoreProductTests.Emulation(id, Precision.Bf16);
        foreach (var c in new ConvolutionTests.Case[]
        {
            new(new(1, 9, 7, 8), 16, new(3, 1, 1)), new(new(2, 8, 9, 24), 72, new(1)),
                new(new(1, 11, 10, 8), 8, new(3, 2, 1)), new(new(1, 6, 5, 24), 8, new(1, 2, 0)),
            new(new(1, 15, 12, 3), 8, new(7, 2, 3)),   // an image, which is float32 and has three channels
            // positions enough to be split: into two parts, and into two sets of three
            new(new(1, 40, 40, 8), 8, new(3, 1, 1)), new(new(1, 72, 72, 8), 8, new(1)),
        })
        {
            bool image = c.X.C % 8 != 0;
            Tensor x = emulation.Rounded(c.X, 1, image ? Format.Float32 : Format.Bf16);
            Tensor w = emulation.Rounded(c.W, 2);
            Tensor dy = emulation.Rounded(c.Y, 3, Format.Bf16);
            Tensor bias = emulation.Rounded(Shape.Of(c.Cout), 4);
            Tensor residual = emulation.Rounded(c.Y, 5, Format.Bf16);
            Tensor y = emulation.Rounded(c.Y, 6, Format.Bf16);
            Tensor dx = emulation.Rounded(c.X, 7, x.Format);
            Tensor dw = emulation.Rounded(c.W, 8);
            Tensor mean = emulation.Rounded(Shape.Of(c.Cout), 9);
            Tensor variance = emulation.Rounded(Shape.Of(c.Cout), 10);
            float[] xv = x.ToArray(), wv = w.ToArray(), dyv = dy.ToArray();
            float[] biases = bias.ToArray(), residuals = residual.ToArray(), dxOld = dx.ToArray();
            float[] dwOld = dw.ToArray();
            double[] sums = ConvolutionTests.ReferenceForward(xv, wv, c);
            Convolution.Forward(x, w, bias, y, c.G, residual, Activation.ReLU);
            AssertClose([.. sums.Select((v, i) => Math.Max(0, v + biases[i % c.Cout] + residuals[i]))], y, $"{c} y");
            var moments = new Moments();
            Convolution.Forward(x, w, null, y, c.G, moments: moments);
            AssertClose(sums, y, $"{c} y alone");
            BatchNorm.Statistics(y, mean, variance, moments);   // of the sums before they were rounded
            AssertClose([.. Enumerable.Range(0, c.Cout).Select(o => sums.Where((_, i) => i % c.Cout == o).Average())],
                mean, $"{c} mean");
            var (dxSums, dwSums, _) = ConvolutionTests.ReferenceGradients(xv, wv, dyv, c);
            if (!image)
            {
                Convolution.InputGradient(dy, w, dx, c.G, add: true);
                AssertClose([.. dxSums.Zip(dxOld, (s, old) => s + old)], dx, $"{c} dx");
            }
            Convolution.WeightGradient(x, dy, dw, c.G, add: true);
            AssertClose([.. dwSums.Zip(dwOld, (s, old) => s + old)], dw, $"{c} dw");
            foreach (var t in new[] { x, w, dy, bias, residual, y, dx, dw, mean, variance }) t.Dispose();
        }
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void MatricesAreMultipliedAsTheyAre(string id)
    {
        using var emulation = new TensorCoreProductTests.Emulation(id, Precision.Bf16);
        const int items = 2, m = 72, n = 40, k = 24;
        using Tensor a = emulation.Rounded(Shape.Of(items, m, k), 1, Format.Bf16);
        using Tensor b = emulation.Rounded(Shape.Of(items, n, k), 2, Format.Bf16);
        using Tensor y = emulation.Rounded(Shape.Of(items, m, n), 3);
        float[] av = a.ToArray(), bv = b.ToArray();
        MatMul.Forward(a, b, y, transposeA: false, transposeB: true);
        AssertClose(
            [.. Enumerable.Range(0, items * m * n)
                .Select(i => Enumerable.Range(0, k)
                    .Sum(c => (double)av[i / n * k + c] * bv[(i / (m * n) * n + i % n) * k + c]))], y, "y");
    }

    private static void AssertClose(double[] expected, Tensor got, string what)
    {
        float[] values = got.ToArray();
        double size = expected.Max(Math.Abs), ulp = got.Format == Format.Bf16 ? 1.0 / 256 : 0;
        for (int i = 0; i < values.Length; i++)
            Assert.True(Math.Abs(values[i] - expected[i]) <= ulp * Math.Abs(expected[i]) + 4e-6 * size,
                $"{what}[{i}] is {values[i]}, not {expected[i]}.");
    }

    /// <summary>Runs a call with maps of either format that hold the same numbers, and compares
    /// what it wrote.</summary>
    private static void Compare(string id, Action<Maps> call)
    {
        using var lease = TestDevices.Borrow(id);
        using Maps floats = new(lease.Device, Format.Float32), halves = new(lease.Device, Format.Bf16);
        call(floats);
        call(halves);
        foreach (var (expected, got) in floats.Written.Zip(halves.Written))
        {
            float[] a = expected.ToArray(), b = got.ToArray();
            // Sums in another order may round to the other neighbour.
            double size = a.Max(v => Math.Abs(v)), ulp = got.Format == Format.Bf16 ? 1.0 / 256 : 0;
            for (int i = 0; i < a.Length; i++)
                Assert.True(Math.Abs(a[i] - b[i]) <= ulp * Math.Abs(a[i]) + 2e-6 * size,
                    $"{got}[{i}] is {b[i]}, not {a[i]}.");
        }
    }

    /// <summary>Operands, the same numbers for the same sequence of requests, all slices of wider maps.</summary>
    private sealed class Maps(Device device, Format format) : IDisposable
    {
        private readonly List<Tensor> _all = [];

        public List<Tensor> Written { get; } = [];

        public Tensor In(Shape shape) => New(shape, format);

        public Tensor Out(Shape shape)
        {
            Written.Add(New(shape, format));
            return Written[^1];
        }

        /// <summary>A vector, which is float32 always, and may be written.</summary>
        public Tensor Vector(Shape shape)
        {
            Written.Add(New(shape, Format.Float32, gaps: false));
            return Written[^1];
        }

        private Tensor New(Shape shape, Format format, bool gaps = true)
        {
            var wide = gaps ? shape.WithC(shape.C + 24) : shape;
            _all.Add(Tensor.From(device, wide,
                [.. Gradients.Random((int)wide.Count, seed: _all.Count + 1, scale: 3).Select(Round)],
                $"map {_all.Count}", format));
            return gaps ? _all[^1].Slice(16, shape.C) : _all[^1];
        }

        public void Dispose() => _all.ForEach(t => t.Dispose());
    }
}
