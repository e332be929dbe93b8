using MlffAd.Cli;

namespace MlffAd.Tests.Kernels;

/// <summary>The tensor cores' product; where there are none with its fragments emulated: the same places in memory, the
/// same elements in the same threads, by plain arithmetic. Factors are rounded to TF32 or BF16 beforehand, so that
/// products are exact and only sums round.</summary>
public sealed class TensorCoreProductTests
{
    public static TheoryData<string, Precision> Emulating =>
        [.. TestDevices.Fast.Where(row => row.Data != "cpu")
            .SelectMany(row => new[] { (row.Data, Precision.Tf32), (row.Data, Precision.Bf16) })];

    public static TheoryData<string, Precision, Format> Layouts =>
    [
        .. Emulating.Select(row => (row.Data.Item1, row.Data.Item2, Format.Float32)),
        .. Emulating.Where(row => row.Data.Item2 == Precision.Bf16)
            .Select(row => (row.Data.Item1, row.Data.Item2, Format.Bf16)),
    ];

    [DeviceTheory, MemberData(nameof(Layouts))]
    public void EveryLayoutAndTileGivesTheSumsOfRoundedFactors(string id, Precision precision, Format format)
    {
        using var emulation = new Emulation(id, precision);
        // Rows, columns and terms that end within a tile; a batch of two.
        const int m = 136, n = 72, k = 40, batch = 2;
        foreach (var (transposeA, transposeB) in new[] { (false, false), (false, true), (true, false), (true, true) })
            foreach (bool wide in transposeA == transposeB ? [false] : new[] { false, true })
            {
                using var a = emulation.Rounded(transposeA ? Shape.Of(batch, k, m) : Shape.Of(batch, m, k), 1, format);
                using var b = emulation.Rounded(transposeB ? Shape.Of(batch, n, k) : Shape.Of(batch, k, n), 2, format);
                using var y = Tensor.Rent(emulation.Device, Shape.Of(batch, m, n), "y");
                Multiply(a, b, y, transposeA, transposeB, wide);
                float[] av = a.ToArray(), bv = b.ToArray(), yv = y.ToArray();
                for (int i = 0; i < yv.Length; i++)
                {
                    int item = i / (m * n), row = i / n % m, column = i % n;
                    double sum = 0, size = 0;
                    for (int t = 0; t < k; t++)
                    {
                        double term = (double)av[item * m * k + (transposeA ? t * m + row : row * k + t)]
                            * bv[item * n * k + (transposeB ? column * k + t : t * n + column)];
                        sum += term;
                        size += Math.Abs(term);
                    }
                    Assert.True(Math.Abs(yv[i] - sum) <= 1e-6 * size,
                        $"A{(transposeA ? "ᵀ" : "")}·B{(transposeB ? "ᵀ" : "")}, wide {wide}: "
                            + $"y[{item},{row},{column}] is {yv[i]}, not {sum}.");
                }
            }
    }

    [DeviceTheory, MemberData(nameof(Emulating))]
    public void WhatIsNotANumberStaysSo(string id, Precision precision)
    {
        using var emulation = new Emulation(id, precision);
        using var a = emulation.Rounded(Shape.Of(1, 4, 8), 1);
        using var b = emulation.Rounded(Shape.Of(1, 8, 8), 2);
        using var y = Tensor.Rent(emulation.Device, Shape.Of(1, 4, 8), "y");
        // The NaN that NVIDIA's cards make: rounding by an addition would carry into the sign and leave a zero.
        float[] values = a.ToArray();
        values[3] = BitConverter.UInt32BitsToSingle(0x7FFFFFFF);
        a.Write(values);
        Multiply(a, b, y, transposeA: false, transposeB: true, wide: false);
        Assert.Equal(Enumerable.Range(0, 32).Select(i => i < 8), y.ToArray().Select(float.IsNaN));
    }

    [DeviceTheory, MemberData(nameof(Emulating))]
    public void EveryRungOfTheLadderGivesTheSameSums(string id, Precision precision)
    {
        using var emulation = new Emulation(id, precision);
        var rungs = MatMul.LadderOf(emulation.Device);
        Assert.Equal(5, rungs.Length);
        foreach (var (m, n, k) in new[] { (70, 36, 20), (3, 2, 4), (129, 66, 36) })
        {
            using var a = emulation.Rounded(Shape.Of(1, m, k), 1);
            using var b = emulation.Rounded(Shape.Of(1, n, k), 2);
            float[] av = a.ToArray(), bv = b.ToArray();
            double[] sums = [.. Enumerable.Range(0, m * n)
                .Select(i => Enumerable.Range(0, k).Sum(t => (double)av[i / n * k + t] * bv[i % n * k + t]))];
            foreach (var (name, rung) in rungs)
            {
                using var y = Tensor.Rent(emulation.Device, Shape.Of(1, m, n), name);
                y.Write([.. Enumerable.Repeat(float.NaN, m * n)]);
                rung(a, b, y);
                AssertClose(sums, y.ToArray(), $"{name}, M{m} N{n} K{k}");
            }
        }
        if (id.StartsWith("ptx", StringComparison.Ordinal)) return;   // which takes its time
        var rows = GemmBench.ProductLadder(emulation.Device, 1, (64, 32, 16), out double peak);
        Assert.Equal(rungs.Select(r => r.Name), rows.Select(r => r.Name));
        Assert.All(rows, r => Assert.True(r is { GigaFlops: > 0, Share: > 0 } && peak > 0));
    }

    private static void Multiply(Tensor a, Tensor b, Tensor y, bool transposeA, bool transposeB, bool wide)
    {
        int m = y.Shape.Area, n = y.C, k = transposeA ? a.Shape.Area : a.C;
        var args = new GpuProductArgs { A = Factor(a), B = Factor(b), Y = y.Gpu, M = m, N = n, K = k };
        switch (transposeA, transposeB)
        {
            case (false, false): Launch<RowsOfTerms, TermsOfRows>(y, args, wide); break;
            case (false, true): Launch<RowsOfTerms, RowsOfTerms>(y, args, wide); break;
            case (true, false): Launch<TermsOfRows, TermsOfRows>(y, args, wide); break;
            case (true, true): Launch<TermsOfRows, RowsOfTerms>(y, args, wide); break;
        }
    }

    private static void Launch<TA, TB>(Tensor y, in GpuProductArgs p, bool wide)
        where TA : unmanaged, IFactor where TB : unmanaged, IFactor =>
        GpuProduct.Launch<TA, TB, Identity, Stored<Float32Map>>(y.Device, y.Shape.N, p,
            GpuProduct.ArithmeticOf(y.Device, p), wide);

    [DeviceTheory, MemberData(nameof(Emulating))]
    public void ConvolutionsAndGradientsEqualTheSumsOfRoundedFactors(string id, Precision precision)
    {
        using var emulation = new Emulation(id, precision);
        foreach (var c in new ConvolutionTests.Case[]
        {
            new(new(1, 9, 7, 8), 12, new(3, 1, 1)), new(new(2, 8, 9, 20), 68, new(1)),
                new(new(1, 11, 10, 4), 8, new(3, 2, 1)), new(new(1, 6, 5, 24), 4, new(1, 2, 0)),
            // three channels, which get a fourth, and which do not; classes with one tap, with
            // none, of edges of their own
            new(new(1, 15, 12, 3), 8, new(7, 2, 3)), new(new(1, 5, 6, 3), 6, new(3, 1, 1)),
                new(new(2, 9, 10, 8), 4, new(3, 3, 2)), new(new(1, 7, 8, 8), 4, new(2, 3, 0)),
            // positions enough to be split: into two parts, and into two sets of three
            new(new(1, 40, 40, 4), 8, new(3, 1, 1)), new(new(1, 72, 72, 4), 4, new(1)),
        })
        {
            using var x = emulation.RoundedSlice(c.X, 1);
            using var w = emulation.Rounded(c.W, 2);
            using var dy = emulation.RoundedSlice(c.Y, 3);
            using var bias = new Slice(emulation.Device, Shape.Of(c.Cout), 4, gaps: false);
            using var residual = new Slice(emulation.Device, c.Y, 5, before: 4, after: 8);
            using var y = new Slice(emulation.Device, c.Y, 6, before: 4, after: 8);
            using var dx = new Slice(emulation.Device, c.X, 7, before: 4, after: 8);
            using var dw = new Slice(emulation.Device, c.W, 8, gaps: false);
            float[] xv = x.Tensor.ToArray(), wv = w.ToArray(), dyv = dy.Tensor.ToArray();
            double[] sums = ConvolutionTests.ReferenceForward(xv, wv, c);
            Convolution.Forward(x.Tensor, w, bias.Tensor, y.Tensor, c.G, residual.Tensor, Activation.ReLU);
            AssertClose([.. sums.Select((v, i) => Math.Max(0, v + bias.Values[i % c.Cout] + residual.Values[i]))],
                y.Tensor.ToArray(), $"{c} y");
            y.AssertGapsUntouched();
            var (dxSums, dwSums, _) = ConvolutionTests.ReferenceGradients(xv, wv, dyv, c);
            Convolution.InputGradient(dy.Tensor, w, dx.Tensor, c.G, add: true);
            AssertClose([.. dxSums.Zip(dx.Values, (s, old) => s + old)], dx.Tensor.ToArray(), $"{c} dx");
            dx.AssertGapsUntouched();
            Convolution.WeightGradient(x.Tensor, dy.Tensor, dw.Tensor, c.G, add: true);
            AssertClose([.. dwSums.Zip(dw.Values, (s, old) => s + old)], dw.Tensor.ToArray(), $"{c} dw");
        }
    }

    [DeviceTheory, MemberData(nameof(Emulating))]
    public void StatisticsMadeInPassingAreTheMaps(string id, Precision precision)
    {
        using var emulation = new Emulation(id, precision);
        // Blocks of 128 rows, the last one short; columns that fill a tile and that do not; a mean far from 0.
        foreach (var c in new ConvolutionTests.Case[] { new(new(1, 13, 12, 8), 72, new(3, 1, 1)),
            new(new(3, 7, 6, 4), 12, new(1)) })
        {
            using var x = emulation.Rounded(c.X, 1);
            using var w = emulation.Rounded(c.W, 2);
            using var y = Tensor.Rent(emulation.Device, c.Y, "y");
            using var mean = Tensor.Rent(emulation.Device, Shape.Of(c.Cout), "mean");
            using var variance = Tensor.Rent(emulation.Device, Shape.Of(c.Cout), "variance");
            x.Write([.. x.ToArray().Select(v => v + 2)]);
            var moments = new Moments();
            Convolution.Forward(x, w, null, y, c.G, moments: moments);
            int launches = Launches(emulation.Device);
            BatchNorm.Statistics(y, mean, variance, moments);
            Assert.Equal(1, Launches(emulation.Device) - launches);   // blocks were there: they are only combined
            float[] values = y.ToArray(), means = mean.ToArray(), variances = variance.ToArray();
            for (int o = 0; o < c.Cout; o++)
            {
                double[] column = [.. Enumerable.Range(0, c.Y.Rows).Select(r => (double)values[r * c.Cout + o])];
                double expected = column.Average(), square = column.Average(v => (v - expected) * (v - expected));
                Assert.Equal(expected, means[o], 1e-6 * Math.Abs(expected) + 1e-6 * Math.Sqrt(square));
                Assert.Equal(square, variances[o], 1e-5 * square);
            }
        }
    }

    [DeviceTheory, MemberData(nameof(Emulating))]
    public void AWideTilesMomentsAreItsColumns(string id, Precision precision)
    {
        using var emulation = new Emulation(id, precision);
        const int m = 140, n = 104, k = 8;
        using var a = emulation.Rounded(Shape.Of(1, m, k), 1);
        using var b = emulation.Rounded(Shape.Of(1, n, k), 2);
        using var y = Tensor.Rent(emulation.Device, Shape.Of(1, m, n), "y");
        using var moments = Tensor.Rent(emulation.Device, new Shape(2, 1, 2, n), "moments");
        var args = new GpuProductArgs
        {
            A = Factor(a),
            B = Factor(b),
            Y = y.Gpu,
            Moments = moments.Gpu,
            M = m,
            N = n,
            K = k,
        };
        GpuProduct.Launch<RowsOfTerms, RowsOfTerms, Identity, WithMoments<Float32Map>>(emulation.Device, 1, args,
            ((GpuDevice)emulation.Device).Arithmetic, wide: true);
        float[] values = y.ToArray(), made = moments.ToArray();
        for (int block = 0; block < 2; block++)
            for (int column = 0; column < n; column++)
            {
                double[] rows = [.. Enumerable.Range(128 * block, block == 0 ? 128 : m - 128)
                    .Select(r => (double)values[r * n + column])];
                double mean = rows.Average(), squares = rows.Sum(v => (v - mean) * (v - mean));
                Assert.Equal(mean, made[2 * block * n + column], 1e-6 * rows.Max(Math.Abs));
                Assert.Equal(squares, made[(2 * block + 1) * n + column], 1e-5 * squares);
            }
    }

    private static GpuFactor Factor(Tensor t) => new() { Data = t.GpuAny, H = t.Shape.Area, C = t.C };

    private static int Launches(Device device) => (int)device.CompiledKernels.Sum(k => k.Launches);

    private static void AssertClose(double[] expected, float[] got, string what)
    {
        double size = expected.Max(Math.Abs);
        for (int i = 0; i < got.Length; i++)
            Assert.True(Math.Abs(got[i] - expected[i]) <= 2e-6 * size, $"{what}[{i}] is {got[i]}, not {expected[i]}.");
    }

    /// <summary>A device that multiplies so meanwhile: by tensor cores if it has them, else by
    /// emulated fragments.</summary>
    internal sealed class Emulation : IDisposable
    {
        private readonly TestDevices.Lease _lease;
        private readonly Arithmetic _before;
        private readonly Precision _precision;

        public Emulation(string id, Precision precision)
        {
            _precision = precision;
            _lease = TestDevices.Borrow(id);
            var gpu = (GpuDevice)_lease.Device;
            bool isCuda = id.StartsWith("cuda", StringComparison.Ordinal)
                || id.StartsWith("ptx", StringComparison.Ordinal);
            if (isCuda && !gpu.HasTensorCores)
            {
                _lease.Dispose();
                Assert.Skip("no tensor cores for TF32 and BF16");
            }
            (_before, gpu.Arithmetic) = (gpu.Arithmetic, (isCuda, precision) switch
            {
                (true, Precision.Tf32) => Arithmetic.Tf32,
                (true, _) => Arithmetic.Bf16,
                (false, Precision.Tf32) => Arithmetic.EmulatedTf32,
                _ => Arithmetic.EmulatedBf16,
            });
        }

        public Device Device => _lease.Device;

        public Tensor Rounded(Shape shape, int seed, Format format = Format.Float32) =>
            Tensor.From(Device, shape, Round(Gradients.Random((int)shape.Count, seed)), $"rounded {seed}", format);

        /// <summary>A slice whose rows begin at multiples of 16 bytes.</summary>
        public Slice RoundedSlice(Shape shape, int seed)
        {
            var slice = new Slice(Device, shape, seed, before: 4, after: 8);
            slice.Tensor.Write(Round(slice.Values));
            return slice;
        }

        private float[] Round(float[] values)
        {
            // Halves away from 0, for either.
            int bits = _precision == Precision.Tf32 ? 13 : 16;
            // Many zeros, as behind a ReLU: half a word of two is then 0.
            return [.. values.Select((v, i) => i % 3 == 1
                ? 0
                : BitConverter.UInt32BitsToSingle(
                    (BitConverter.SingleToUInt32Bits(v) + (1u << bits - 1)) & ~0u << bits))];
        }

        public void Dispose()
        {
            ((GpuDevice)_lease.Device).Arithmetic = _before;
            _lease.Dispose();
        }
    }
}
