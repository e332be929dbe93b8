namespace MlffAd.Tests.Kernels;

public sealed partial class QuantizationTests
{
    [Theory, MemberData(nameof(Devices))]
    public void AConstantMapAndASinglePositionCountNothing(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var q in DenseQuantization.All(4))
            foreach (int cells in new[] { 1, 9 })
            {
                float[] m = [.. Enumerable.Repeat(0.25f, cells)];
                float[] up1 = Gradients.Random(8, seed: 10);
                float[] up2 = Gradients.Random(48, seed: 11);
                Assert.Equal([0.25f, 0, 0.25f, 0, 0.25f, 0, 0.25f, 0], Count1D(lease.Device, m, q).Rows);
                Assert.All(Rows2D(lease.Device, m, 1, q).Chunk(3), row => Assert.Equal([0.25f, 0.25f, 0], row));
                // All levels are the first position's value, which is lo and hi at once.
                Near(Enumerable.Range(0, cells).Select(i => i == 0
                    ? up1.Where((_, k) => k % 2 == 0).Sum(v => (double)v)
                    : 0), Gradient1D(lease.Device, m, q, up1), 1e-5);
                Near(Enumerable.Range(0, cells).Select(i => i == 0
                    ? up2.Where((_, k) => k % 3 != 2).Sum(v => (double)v)
                    : 0), Gradient2D(lease.Device, m, 1, q, up2), 1e-5);
            }
    }

    [Theory, MemberData(nameof(Devices))]
    public void RegionsOfOneCellHaveNoPairs(string id)
    {
        using var lease = TestDevices.Borrow(id);
        var q = new Quantization(2, LevelPlacement.Centre, LevelBand.Half);
        float[] m = Gradients.Random(64, seed: 12), up = [.. Enumerable.Repeat(1f, 64 * 4 * 3)];
        Assert.Equal(m.SelectMany(v => Enumerable.Repeat(new[] { v, v, 0 }, 4)).SelectMany(row => row),
            Rows2D(lease.Device, m, 64, q));
        Assert.All(Gradient2D(lease.Device, m, 64, q, up), dm => Assert.Equal(8, dm, 1e-6f));
    }

    [Theory, MemberData(nameof(Devices))]
    public void TiedExtremesGiveTheirGradientToTheFirst(string id)
    {
        using var lease = TestDevices.Borrow(id);
        var q = new Quantization(2, LevelPlacement.Centre, LevelBand.Half);
        // Only L has a gradient: L_0 = ¾ lo + ¼ hi, L_1 = ¼ lo + ¾ hi. Twice as many positions as a group has threads.
        float[] m = [.. Enumerable.Range(0, 300).Select(i => i % 3 - 1f)];
        m[0] = 0;
        Near(Enumerable.Range(0, 300).Select(i => i == 3 ? 0.75 * 4 + 0.25 * 8 : i == 2 ? 0.25 * 4 + 0.75 * 8 : 0),
            Gradient1D(lease.Device, m, q, [4, 0, 8, 0]), 1e-5);
        Assert.Equal([-1, 1, 3, 2], Count1D(lease.Device, m, q).Range);
    }

    [Theory, MemberData(nameof(Devices))]
    public void OneOutlierFillsOneLevelAndLeavesTheOthersToTheRest(string id)
    {
        using var lease = TestDevices.Borrow(id);
        float[] m = [.. Enumerable.Repeat(0.9f, 100)];
        m[57] = -1;
        foreach (var q in DenseQuantization.All(128).Where(q => q.Band != LevelBand.Absolute))
            Near(new DenseQuantization(q, Doubles(m)).Rows1D(), Count1D(lease.Device, m, q).Rows, 2e-6);
    }

    [Theory, MemberData(nameof(Devices))]
    public void NotANumberIsSeenInTheResultAndHarmsNothing(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var q in DenseQuantization.All(4))
            foreach (float bad in new[] { float.NaN, float.PositiveInfinity })
            {
                float[] m = [.. Enumerable.Repeat(bad, 16)];
                Assert.All(Count1D(lease.Device, m, q).Rows.Where((_, i) => i % 2 == 0),
                    level => Assert.False(float.IsFinite(level)));
                Assert.All(Rows2D(lease.Device, m, 4, q).Chunk(3), row => Assert.False(float.IsFinite(row[0])));
                Gradient1D(lease.Device, m, q, new float[8]);
                Gradient2D(lease.Device, m, 4, q, new float[4 * 16 * 3]);
            }
    }

    [Fact]
    public void OneThreadAndTwoGiveTheSameBytes()
    {
        using Device one = Device.Open("cpu", threads: 1), two = Device.Open("cpu", threads: 2);
        foreach (var q in DenseQuantization.All(8))
        {
            float[] m = Gradients.Random(4 * 1024, seed: 13), up = Gradients.Random(4 * 64 * 3, seed: 14);
            Assert.Equal(Count1D(one, m, q, images: 4), Count1D(two, m, q, images: 4),
                (a, b) => a.Rows.SequenceEqual(b.Rows));
            Assert.Equal(Rows2D(one, m, 4, q), Rows2D(two, m, 4, q));
            Assert.Equal(Gradient2D(one, m, 4, q, up), Gradient2D(two, m, 4, q, up));
            Assert.Equal(Pixels(one, m, q), Pixels(two, m, q));
        }
    }
}
