using MlffAd.Cli;

namespace MlffAd.Tests.Kernels;

public sealed class MatMulTests
{
    private sealed record Case(int Batch, int M, int N, int K)
    {
        public Shape A(bool transposed) => transposed ? Shape.Of(Batch, K, M) : Shape.Of(Batch, M, K);
        public Shape B(bool transposed) => transposed ? Shape.Of(Batch, N, K) : Shape.Of(Batch, K, N);
        public Shape Y => Shape.Of(Batch, M, N);
    }

    private static readonly Case[] Cases =
    [
        new(1, 1, 1, 1), new(3, 5, 7, 9), new(2, 17, 33, 5), new(1, 96, 32, 64), new(2, 130, 70, 19),
            new(1, 7, 129, 600), new(4, 128, 128, 128),
    ];

    private static readonly (bool A, bool B)[] Transpositions = [(false, false), (false, true), (true, false),
        (true, true)];

    public static TheoryData<string> Devices => TestDevices.All;

    [Theory, MemberData(nameof(Devices))]
    public void EveryTranspositionEqualsTheSumInDoublesOverwritingAndAdding(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var c in id == "debug" ? [Cases[1]] : Cases)
            foreach (var (transposeA, transposeB) in Transpositions)
            {
                using var a = new Slice(lease.Device, c.A(transposeA), 1);
                using var b = new Slice(lease.Device, c.B(transposeB), 2);
                using var y = new Slice(lease.Device, c.Y, 3);
                double[] sums = Reference(a.Values, b.Values, c, transposeA, transposeB);
                foreach (bool add in new[] { true, false })
                {
                    MatMul.Forward(a.Tensor, b.Tensor, y.Tensor, transposeA, transposeB, add);
                    AssertClose([.. sums.Zip(y.Values, (s, old) => add ? s + old : s)], y.Tensor.ToArray(),
                        $"{c} {transposeA} {transposeB} add={add}");
                }
                y.AssertGapsUntouched();
            }
    }

    [Theory, MemberData(nameof(Devices))]
    public void TheGradientsNamedInTheContractEqualFiniteDifferences(string id)
    {
        using var lease = TestDevices.Borrow(id);
        Case c = new(2, 5, 7, 4);
        foreach (var (transposeA, transposeB) in Transpositions.Take(3))
        {
            using var a = new Slice(lease.Device, c.A(transposeA), 1);
            using var b = new Slice(lease.Device, c.B(transposeB), 2);
            using var dy = new Slice(lease.Device, c.Y, 3);
            using var da = Tensor.Rent(lease.Device, a.Tensor.Shape, "da");
            using var db = Tensor.Rent(lease.Device, b.Tensor.Shape, "db");
            if (transposeA) MatMul.Forward(b.Tensor, dy.Tensor, da, false, true);
            else MatMul.Forward(dy.Tensor, b.Tensor, da, false, !transposeB);
            if (transposeB) MatMul.Forward(dy.Tensor, a.Tensor, db, true, false);
            else MatMul.Forward(a.Tensor, dy.Tensor, db, !transposeA, false);
            Gradients.Check(v => Reference(v[0], v[1], c, transposeA, transposeB).Zip(dy.Values, (s, u) => s * u)
                .Sum(), [a.Values, b.Values], [da.ToArray(), db.ToArray()]);
        }
    }

    [Fact]
    public void OneAndSeveralThreadsGiveTheSameBytes()
    {
        float[]? expected = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using var device = Device.Open("cpu", threads);
            using var a = new Slice(device, Shape.Of(2, 150, 700), 1);
            using var b = new Slice(device, Shape.Of(2, 300, 700), 2);
            using var y = Tensor.Rent(device, Shape.Of(2, 150, 300), "y");
            MatMul.Forward(a.Tensor, b.Tensor, y, false, true);
            Assert.Equal(expected ??= y.ToArray(), y.ToArray());
        }
    }

    [Fact]
    public void EveryRungOfTheLadderGivesTheSameSums()
    {
        using var lease = TestDevices.Borrow("cpu");
        foreach (var c in Cases.Select(c => c with { Batch = 1 }))
        {
            using var a = new Slice(lease.Device, c.A(false), 1);
            using var b = new Slice(lease.Device, c.B(true), 2);
            double[] sums = Reference(a.Values, b.Values, c, false, true);
            foreach (var (name, rung) in MatMul.Ladder)
            {
                using var y = new Slice(lease.Device, c.Y, 3);
                rung(a.Tensor, b.Tensor, y.Tensor);
                AssertClose(sums, y.Tensor.ToArray(), $"{c} {name}");
            }
        }
    }

    /// <summary>A wrong block order or a lost block of the sum shows at lengths that are cut into several blocks; sums
    /// of many equal terms show rounding that grows with the length.</summary>
    [Fact]
    public void LongSumsAreTakenBlockByBlock()
    {
        using var lease = TestDevices.Borrow("cpu");
        const int k = 1 << 20;
        using var a = Tensor.Rent(lease.Device, Shape.Of(1, 1, k), "a");
        using var b = Tensor.Rent(lease.Device, Shape.Of(1, 1, k), "b");
        using var y = Tensor.Rent(lease.Device, Shape.Of(1, 1, 1), "y");
        Pointwise.Fill(a, 0.1f);
        Pointwise.Fill(b, 1);
        MatMul.Forward(a, b, y, false, true);
        Assert.Equal(0.1f * (double)k, y.ToArray()[0], 1e-4 * 0.1 * k);
    }

    [Fact]
    public void FactorsThatDoNotFitAreRefused()
    {
        using var lease = TestDevices.Borrow("cpu");
        using var a = Tensor.Rent(lease.Device, Shape.Of(1, 2, 3), "left");
        using var b = Tensor.Rent(lease.Device, Shape.Of(1, 4, 5), "right");
        using var y = Tensor.Rent(lease.Device, Shape.Of(1, 2, 5), "result");
        var e = Assert.Throws<ArgumentException>(() => MatMul.Forward(a, b, y, false, false));
        Assert.Contains("'right' [1,1,4,5]", e.Message, StringComparison.Ordinal);
    }

    private static double[] Reference(float[] a, float[] b, Case c, bool transposeA, bool transposeB)
    {
        var y = new double[c.Y.Count];
        for (int i = 0; i < y.Length; i++)
        {
            int item = i / (c.M * c.N), m = i / c.N % c.M, n = i % c.N;
            for (int k = 0; k < c.K; k++)
                y[i] += (double)a[item * c.M * c.K + (transposeA ? k * c.M + m : m * c.K + k)] * b[item * c.N * c.K
                    + (transposeB ? n * c.K + k : k * c.N + n)];
        }
        return y;
    }

    private static void AssertClose(double[] expected, float[] got, string what)
    {
        double size = expected.Max(Math.Abs), worst = expected.Zip(got, (e, g) => Math.Abs(e - g)).Max();
        Assert.True(worst <= 1e-5 * Math.Max(size, 1e-3),
            $"{what}: off by {worst:G3} where the largest value is {size:G3}");
    }

    [Fact]
    public void TheBenchTimesEveryShapeAndRungAgainstAPeak()
    {
        using var device = Device.Open("cpu", 1);
        var rows = GemmBench.Products(device, 1, out double peak, (16, 32, 8), (8, 8, 64));
        Assert.Equal(["M16 N32 K8", "M8 N8 K64"], rows.Select(r => r.Name));
        Assert.All(rows, r => Assert.True(r is { GigaFlops: > 0, Share: > 0 } && peak > 0));
        Assert.Equal(MatMul.Ladder.Select(rung => rung.Name),
            GemmBench.ProductLadder(device, 1, (16, 16, 16), out _).Select(r => r.Name));
        Assert.Equal([.. Convolution.Ladder.Select(rung => "y, " + rung.Name),
            .. Convolution.InputGradientLadder.Select(rung => "dx, " + rung.Name),
                .. Convolution.WeightGradientLadder.Select(rung => "dw, " + rung.Name)],
                    GemmBench.ConvolutionLadder(device, 1, new(1, 6, 5, 4), out _).Select(r => r.Name));
        device.Pool.AssertLive(0);
    }
}
