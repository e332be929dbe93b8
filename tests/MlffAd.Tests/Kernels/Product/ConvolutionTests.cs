namespace MlffAd.Tests.Kernels;

public sealed partial class ConvolutionTests
{
    internal sealed record Case(Shape X, int Cout, ConvGeometry G)
    {
        public Shape W => new(Cout, G.Kernel, G.Kernel, X.C);
        public Shape Y => new(X.N, G.OutputSize(X.H), G.OutputSize(X.W), Cout);
    }

    /// <summary>One item and several, H ≠ W, odd sizes, channels beside every tile width, strides that skip taps and
    /// inputs, padding of more than the kernel needs, single positions.</summary>
    private static readonly Case[] Cases =
    [
        new(new(1, 1, 1, 1), 1, new(1)), new(new(2, 1, 1, 5), 3, new(3, 1, 1)), new(new(1, 3, 1, 64), 1, new(1)),
            new(new(2, 1, 40, 3), 64, new(1)),
        new(new(2, 5, 7, 9), 11, new(3, 1, 1)), new(new(1, 9, 6, 17), 33, new(3, 2, 1)),
            new(new(1, 8, 7, 20), 5, new(3, 3, 0)), new(new(2, 4, 5, 3), 7, new(3, 1, 3)),
        new(new(1, 13, 17, 3), 19, new(7, 2, 3)), new(new(1, 8, 8, 2), 1, new(3, 1, 1)),
            new(new(2, 6, 5, 24), 40, new(1, 2, 0)), new(new(1, 7, 9, 16), 48, new(2, 3, 1)),
        new(new(1, 6, 6, 300), 18, new(1)), new(new(1, 5, 4, 260), 34, new(3, 1, 1)),
            new(new(1, 5, 5, 4), 6, new(1, 3, 1)),
    ];

    /// <summary>The network's own layers on small maps.</summary>
    private static readonly Case[] NetworkCases =
    [
        new(new(1, 64, 48, 3), 64, new(7, 2, 3)), new(new(1, 16, 16, 64), 64, new(3, 1, 1)),
            new(new(2, 8, 8, 256), 128, new(1)), new(new(1, 16, 16, 128), 128, new(3, 2, 1)),
        new(new(1, 8, 8, 512), 256, new(1)), new(new(1, 8, 8, 256), 256, new(3, 1, 1)),
            new(new(2, 1, 128, 2), 64, new(1)), new(new(2, 16, 16, 256), 1, new(1)),
        new(new(1, 72, 72, 3), 5, new(1)),   // positions enough for GPUs to split their sum into six parts
    ];

    /// <summary>Layers that minimal filtering takes: tiles that reach over the edge, every padding, channels of one
    /// vector and of several blocks.</summary>
    private static readonly Case[] TiledCases =
    [
        new(new(1, 3, 3, 8), 8, new(3, 1, 0)), new(new(2, 5, 7, 24), 16, new(3, 1, 1)),
            new(new(1, 9, 6, 16), 40, new(3, 1, 2)), new(new(3, 4, 5, 72), 8, new(3, 1, 3)),
                new(new(1, 1, 2, 16), 16, new(3, 1, 1)),
    ];

    public static TheoryData<string> Devices => TestDevices.All;

    public static TheoryData<string> FastDevices => TestDevices.Fast;

    private static Case[] CasesOn(string id) =>
        id == "debug" ? [Cases[4]] : id == "cpu" ? [.. Cases, .. TiledCases, .. NetworkCases] : Cases;

    [Theory, MemberData(nameof(Devices))]
    public void ForwardWithItsEpilogueEqualsTheSumInDoubles(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var c in CasesOn(id))
            foreach (var f in id == "debug" ? [Activation.ReLU] : Enum.GetValues<Activation>())
            {
                using var x = new Slice(lease.Device, c.X, 1);
                using var w = new Slice(lease.Device, c.W, 2, gaps: false);
                using var bias = new Slice(lease.Device, Shape.Of(c.Cout), 3, gaps: false);
                using var residual = new Slice(lease.Device, c.Y, 4);
                using var y = new Slice(lease.Device, c.Y, 5);
                double[] sums = ReferenceForward(x.Values, w.Values, c);
                Convolution.Forward(x.Tensor, w.Tensor, null, y.Tensor, c.G, null, f);
                // No activation makes an error larger, so the sums' size is what errors are measured by.
                AssertClose([.. sums.Select(v => Apply(f, v))], y.Tensor.ToArray(), 1e-5, $"{c} {f}",
                    sums.Max(Math.Abs));
                Convolution.Forward(x.Tensor, w.Tensor, bias.Tensor, y.Tensor, c.G, residual.Tensor, f);
                AssertClose([.. sums.Select((v, i) => Apply(f, v + bias.Values[i % c.Cout] + residual.Values[i]))],
                    y.Tensor.ToArray(), 1e-5, $"{c} {f} with bias and residual", sums.Max(Math.Abs));
                y.AssertGapsUntouched();
            }
    }

    [Theory, MemberData(nameof(Devices))]
    public void GradientsEqualTheSumsInDoublesOverwritingAndAdding(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var c in CasesOn(id))
        {
            using var x = new Slice(lease.Device, c.X, 1);
            using var w = new Slice(lease.Device, c.W, 2, gaps: false);
            using var dy = new Slice(lease.Device, c.Y, 3);
            using var dx = new Slice(lease.Device, c.X, 4);
            using var dw = new Slice(lease.Device, c.W, 5, gaps: false);
            using var db = new Slice(lease.Device, Shape.Of(c.Cout), 6, gaps: false);
            var (dxSums, dwSums, dbSums) = ReferenceGradients(x.Values, w.Values, dy.Values, c);
            foreach (bool add in new[] { true, false })
            {
                Convolution.InputGradient(dy.Tensor, w.Tensor, dx.Tensor, c.G, add);
                AssertClose([.. dxSums.Zip(dx.Values, (s, old) => add ? s + old : s)], dx.Tensor.ToArray(), 1e-5,
                    $"{c} dx add={add}");
                Convolution.WeightGradient(x.Tensor, dy.Tensor, dw.Tensor, c.G, add);
                AssertClose([.. dwSums.Zip(dw.Values, (s, old) => add ? s + old : s)], dw.Tensor.ToArray(), 1e-5,
                    $"{c} dw add={add}");
                Convolution.BiasGradient(dy.Tensor, db.Tensor, add);
                AssertClose([.. dbSums.Zip(db.Values, (s, old) => add ? s + old : s)], db.Tensor.ToArray(), 1e-5,
                    $"{c} db add={add}");
            }
            dx.AssertGapsUntouched();
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void GradientsEqualFiniteDifferences(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var c in new[] { Cases[4], Cases[5], Cases[6], Cases[8] })
        {
            using var x = new Slice(lease.Device, c.X, 1);
            using var w = new Slice(lease.Device, c.W, 2, gaps: false);
            using var dy = new Slice(lease.Device, c.Y, 3);
            using var dx = Tensor.Rent(lease.Device, c.X, "dx");
            using var dw = Tensor.Rent(lease.Device, c.W, "dw");
            Convolution.InputGradient(dy.Tensor, w.Tensor, dx, c.G);
            Convolution.WeightGradient(x.Tensor, dy.Tensor, dw, c.G);
            Gradients.Check(v => Dot(ReferenceForward(v[0], v[1], c), dy.Values), [x.Values, w.Values],
                [dx.ToArray(), dw.ToArray()]);
        }
    }

    [Fact]
    public void OneAndTwoThreadsGiveTheSameBytes()
    {
        using Device one = Device.Open("cpu", threads: 1);
        using Device two = Device.Open("cpu", threads: 2);
        using Device three = Device.Open("cpu", threads: 3);
        foreach (var c in new Case[] { new(new(2, 24, 20, 64), 96, new(3, 1, 1)),
            new(new(5, 22, 20, 64), 64, new(3, 1, 1)), new(new(1, 20, 20, 3), 64, new(7, 2, 3)),
                new(new(1, 40, 40, 40), 24, new(1)), new(new(3, 9, 9, 32), 200, new(3, 2, 1)) })
        {
            float[][] expected = Everything(one, c);
            foreach (var device in new[] { two, three })
                foreach (var (a, b) in expected.Zip(Everything(device, c))) Assert.Equal(a, b);
        }
    }

    [Fact]
    public void TheSecondStepAllocatesNothing()
    {
        using var device = Device.Open("cpu", threads: 2);
        Case c = new(new(2, 12, 12, 20), 40, new(3, 2, 1));
        Everything(device, c);
        int allocations = device.Pool.Allocations;
        Everything(device, c);
        Assert.Equal(allocations, device.Pool.Allocations);
        device.Pool.AssertLive(0);
    }

    [Fact]
    public void EveryRungOfTheLadderGivesTheSameSums()
    {
        using var lease = TestDevices.Borrow("cpu");
        foreach (var c in Cases.Concat(TiledCases))
        {
            using var x = new Slice(lease.Device, c.X, 1);
            using var w = new Slice(lease.Device, c.W, 2, gaps: false);
            using var dy = new Slice(lease.Device, c.Y, 3);
            using var dx = new Slice(lease.Device, c.X, 4);
            using var dw = new Slice(lease.Device, c.W, 5, gaps: false);
            using var y = new Slice(lease.Device, c.Y, 6);
            double[] sums = ReferenceForward(x.Values, w.Values, c);
            var (dxSums, dwSums, _) = ReferenceGradients(x.Values, w.Values, dy.Values, c);
            foreach (var (name, forward) in Convolution.Ladder)
            {
                y.Tensor.Write(y.Values);
                forward(x.Tensor, w.Tensor, y.Tensor, c.G);
                AssertClose(sums, y.Tensor.ToArray(), 1e-5, $"{c} {name}");
            }
            foreach (var (name, gradient) in Convolution.InputGradientLadder)
            {
                dx.Tensor.Write(dx.Values);
                gradient(dy.Tensor, w.Tensor, dx.Tensor, c.G);
                AssertClose(dxSums, dx.Tensor.ToArray(), 1e-5, $"{c} dx {name}");
            }
            foreach (var (name, gradient) in Convolution.WeightGradientLadder)
            {
                dw.Tensor.Write(dw.Values);
                gradient(x.Tensor, dy.Tensor, dw.Tensor, c.G);
                AssertClose(dwSums, dw.Tensor.ToArray(), 1e-5, $"{c} dw {name}");
            }
        }
    }

    /// <summary>What minimal filtering may lose: with the network's most channels, activations as behind a ReLU, and as
    /// many positions in dw as a batch has.</summary>
    [Fact]
    public void MinimalFilteringLosesLessThan5e5OfTheRootMeanSquare()
    {
        using var lease = TestDevices.Borrow("cpu");
        foreach (Case c in new Case[] { new(new(1, 8, 8, 1024), 16, new(3, 1, 1)),
            new(new(1, 8, 8, 16), 1024, new(3, 1, 1)), new(new(8, 16, 16, 16), 16, new(3, 1, 1)) })
        {
            using var x = new Slice(lease.Device, c.X, 1);
            using var w = new Slice(lease.Device, c.W, 2, gaps: false);
            using var y = new Slice(lease.Device, c.Y, 3);
            float[] active = [.. x.Values.Select(v => Math.Max(v, 0))];
            x.Tensor.Write(active);
            double[] sums = ReferenceForward(active, w.Values, c);
            var (dxSums, dwSums, _) = ReferenceGradients(active, w.Values, y.Values, c);
            Convolution.InputGradientLadder[^1].Run(y.Tensor, w.Tensor, x.Tensor, c.G);
            AssertWithin(dxSums, x.Tensor.ToArray(), $"{c} dx");
            x.Tensor.Write(active);
            Convolution.WeightGradientLadder[^1].Run(x.Tensor, y.Tensor, w.Tensor, c.G);
            AssertWithin(dwSums, w.Tensor.ToArray(), $"{c} dw");
            w.Tensor.Write(w.Values);
            Convolution.Ladder[^1].Run(x.Tensor, w.Tensor, y.Tensor, c.G);
            AssertWithin(sums, y.Tensor.ToArray(), $"{c} y");
        }

        static void AssertWithin(double[] expected, float[] got, string what)
        {
            double worst = expected.Zip(got, (e, v) => Math.Abs(e - v)).Max() / Math.Sqrt(expected.Average(e => e * e));
            Assert.True(worst < 5e-5, $"{what}: off by {worst:G3} of the root mean square");
            TestContext.Current.SendDiagnosticMessage("{0}: {1:G3}", what, worst);
        }
    }

    [Fact]
    public void ExtentsThatDoNotFollowFromTheGeometryAreRefused()
    {
        using var lease = TestDevices.Borrow("cpu");
        using var x = Tensor.Rent(lease.Device, new Shape(1, 5, 5, 4), "image");
        using var w = Tensor.Rent(lease.Device, new Shape(2, 3, 3, 4), "filter");
        using var y = Tensor.Rent(lease.Device, new Shape(1, 5, 5, 2), "map");
        var e = Assert.Throws<ArgumentException>(() => Convolution.Forward(x, w, null, y, new ConvGeometry(3)));
        Assert.Contains("'map' [1,5,5,2]", e.Message, StringComparison.Ordinal);
    }
}
