using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;
using Xunit;

namespace MlffAd.Tests.Kernels;

public sealed class SgdTests
{
    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void RangesHaveTheirOwnDecayAndRateAndFrozenOnesStay(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int n = 60;
        float[] weights = Gradients.Random(n, seed: 1), velocities = Gradients.Random(n, seed: 2), gradients = Gradients.Random(n, seed: 3);
        using var w = Tensor.From(lease.Device, Shape.Of(n), weights, "w");
        using var v = Tensor.From(lease.Device, Shape.Of(n), velocities, "v");
        using var g = Tensor.From(lease.Device, Shape.Of(n), gradients, "g");
        SgdRange[] ranges = [new(0, 17, Decay: 0.1f), new(17, 9, Decay: 0, RateScale: 0.5f), new(26, 20, Decay: 0.1f, Frozen: true), new(48, 11, Decay: 0)];
        Sgd.Step(w, v, g, ranges, rate: 0.2f, momentum: 0.9f, gradientScale: 0.25f);
        float[] gotW = w.ToArray(), gotV = v.ToArray();
        for (int i = 0; i < n; i++)
        {
            var range = ranges.FirstOrDefault(r => i >= r.Start && i < r.Start + r.Count, new(0, 0, 0, Frozen: true));
            double velocity = range.Frozen ? velocities[i] : 0.9 * velocities[i] + 0.25 * gradients[i] + range.Decay * weights[i];
            Assert.Equal(velocity, gotV[i], 1e-6);
            Assert.Equal(range.Frozen ? weights[i] : weights[i] - 0.2 * range.RateScale * velocity, gotW[i], 1e-6);
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void PartsOfABufferMayBeginAnywhere(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var buffer = Tensor.From(lease.Device, Shape.Of(64), Gradients.Random(64, seed: 1), "buffer");
        Tensor w = buffer.Part(1, Shape.Of(12)), v = buffer.Part(18, Shape.Of(12)), g = buffer.Part(35, Shape.Of(12));
        float[] before = w.ToArray(), velocities = v.ToArray(), gradients = g.ToArray();
        Sgd.Step(w, v, g, [new(0, 12, Decay: 0)], rate: 0.5f, momentum: 0.9f);
        Assert.All(w.ToArray().Select((got, i) => (got, i)), p => Assert.Equal(before[p.i] - 0.5 * (0.9 * velocities[p.i] + gradients[p.i]), p.got, 1e-6));
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void SquaredNormEqualsFloat64AndShowsWhatIsNotFinite(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (int n in new[] { 1, 13, 40001 })
        {
            float[] values = Gradients.Random(n, seed: n);
            using var g = Tensor.From(lease.Device, Shape.Of(n), values, "g");
            double expected = Gradients.Dot(values, values);
            Assert.Equal(expected, Sgd.SquaredNorm(g), 1e-6 * expected);
            foreach (float bad in new[] { float.NaN, float.PositiveInfinity })
            {
                values[^1] = bad;
                g.Write(values);
                Assert.False(double.IsFinite(Sgd.SquaredNorm(g)));
            }
        }
    }

    [Fact]
    public void OneAndTwoThreadsGiveTheSameBytes()
    {
        static double[] One(int threads)
        {
            using var device = Device.Open("cpu", threads);
            const int n = 50003;
            using var w = Tensor.From(device, Shape.Of(n), Gradients.Random(n, seed: 1), "w");
            using var v = Tensor.From(device, Shape.Of(n), Gradients.Random(n, seed: 2), "v");
            using var g = Tensor.From(device, Shape.Of(n), Gradients.Random(n, seed: 3), "g");
            Sgd.Step(w, v, g, [new(0, n, 1e-3f)], 0.01f, 0.9f, 0.7f);
            return [.. w.ToArray(), .. v.ToArray(), Sgd.SquaredNorm(w)];
        }
        Assert.Equal(One(1), One(2));
    }
}
