namespace MlffAd.Tests.Kernels;

public sealed class SgdTests
{
    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void RangesHaveTheirOwnDecayAndRateAndFrozenOnesStay(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int n = 60;
        float[] weights = Gradients.Random(n, seed: 1);
        float[] velocities = Gradients.Random(n, seed: 2);
        float[] gradients = Gradients.Random(n, seed: 3);
        using var w = Tensor.From(lease.Device, Shape.Of(n), weights, "w");
        using var v = Tensor.From(lease.Device, Shape.Of(n), velocities, "v");
        using var g = Tensor.From(lease.Device, Shape.Of(n), gradients, "g");
        using var clip = Tensor.From(lease.Device, Shape.Of(2), [4, 0.25f], "clip");
        SgdRange[] ranges =
        [
            new(0, 17, Decay: 0.1f), new(17, 9, Decay: 0, RateScale: 0.5f), new(26, 20, Decay: 0.1f, Frozen: true),
            new(48, 11, Decay: 0),
        ];
        Sgd.Step(w, v, g, ranges, rate: 0.2f, momentum: 0.9f, clip);
        float[] gotW = w.ToArray(), gotV = v.ToArray();
        for (int i = 0; i < n; i++)
        {
            var range = ranges.FirstOrDefault(r => i >= r.Start && i < r.Start + r.Count, new(0, 0, 0, Frozen: true));
            double velocity = range.Frozen
                ? velocities[i]
                : 0.9 * velocities[i] + 0.25 * gradients[i] + range.Decay * weights[i];
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
        using var clip = Tensor.From(lease.Device, Shape.Of(2), [0, 1], "clip");
        Sgd.Step(w, v, g, [new(0, 12, Decay: 0)], rate: 0.5f, momentum: 0.9f, clip);
        Assert.All(w.ToArray().Select((got, i) => (got, i)),
            p => Assert.Equal(before[p.i] - 0.5 * (0.9 * velocities[p.i] + gradients[p.i]), p.got, 1e-6));
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void GradientsAreShortenedAndWhatIsNotFiniteTakesNoStep(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var clip = Tensor.Rent(lease.Device, Shape.Of(2), "clip");
        using var loss = Tensor.Rent(lease.Device, Shape.Of(4), "losses");
        foreach (int n in new[] { 1, 13, 40001 })
        {
            float[] values = Gradients.Random(n, seed: n);
            using var g = Tensor.From(lease.Device, Shape.Of(n), values, "g");
            double norm = Math.Sqrt(Gradients.Dot(values, values));
            float[] Clip(float clipNorm, float lossValue)
            {
                loss.Write([lossValue, float.NaN, float.NaN, float.NaN]);
                Sgd.Clip(g, loss, clipNorm, clip);
                return clip.ToArray();
            }
            Assert.Equal([norm, 1], Clip(0, 1).Select(v => (double)v), Close);
            Assert.Equal([norm, 1], Clip((float)norm * 2, 1).Select(v => (double)v), Close);
            Assert.Equal([norm, 0.25], Clip((float)norm / 4, 1).Select(v => (double)v), Close);
            foreach (float bad in new[] { float.NaN, float.PositiveInfinity })
            {
                g.Write(values);
                Assert.Equal(0, Clip(1, bad)[1]);
                float[] one = [.. values];
                one[^1] = bad;
                g.Write(one);
                Assert.False(float.IsFinite(Clip(1, 1)[0]));
                Assert.Equal(0, clip.ToArray()[1]);
            }
        }
        static bool Close(double a, double b) => Math.Abs(a - b) <= 1e-6 * a;
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void AScaleOfZeroChangesNothing(string id)
    {
        using var lease = TestDevices.Borrow(id);
        float[] values = Gradients.Random(21, seed: 1);
        using var w = Tensor.From(lease.Device, Shape.Of(21), values, "w");
        using var v = Tensor.From(lease.Device, Shape.Of(21), values, "v");
        using var g = Tensor.From(lease.Device, Shape.Of(21), [.. Enumerable.Repeat(float.NaN, 21)], "g");
        using var clip = Tensor.From(lease.Device, Shape.Of(2), [float.NaN, 0], "clip");
        Sgd.Step(w, v, g, [new(0, 21, Decay: 0.1f)], rate: 0.5f, momentum: 0.9f, clip);
        using var rows = Tensor.From(lease.Device, Shape.Of(21), [.. Enumerable.Repeat(BatchNorm.Mean, 21)], "rows");
        BatchNorm.UpdateRunning(g, rows, 1, w, clip: clip);
        Assert.Equal(values, w.ToArray());
        Assert.Equal(values, v.ToArray());
    }

    [Fact]
    public void OneAndTwoThreadsGiveTheSameBytes()
    {
        static float[] One(int threads)
        {
            using var device = Device.Open("cpu", threads);
            const int n = 50003;
            using var w = Tensor.From(device, Shape.Of(n), Gradients.Random(n, seed: 1), "w");
            using var v = Tensor.From(device, Shape.Of(n), Gradients.Random(n, seed: 2), "v");
            using var g = Tensor.From(device, Shape.Of(n), Gradients.Random(n, seed: 3), "g");
            using var clip = Tensor.Rent(device, Shape.Of(2), "clip");
            Sgd.Clip(g, w, 0.7f, clip);
            Sgd.Step(w, v, g, [new(0, n, 1e-3f)], 0.01f, 0.9f, clip);
            return [.. w.ToArray(), .. v.ToArray(), .. clip.ToArray()];
        }
        Assert.Equal(One(1), One(2));
    }
}
