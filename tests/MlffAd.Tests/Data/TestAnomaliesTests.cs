namespace MlffAd.Tests.Data;

/// <summary>The pseudo anomalies that models are measured with (spec §9).</summary>
public sealed class TestAnomaliesTests
{
    private static readonly TestKind[] OfNoNetwork = [TestKind.Line, TestKind.Dent];

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(256)]
    public void EachKindIsDrawnTwiceAndMaskedWhereItChangesEnough(int side)
    {
        for (int seed = 0; seed < 4; seed++)
        {
            var good = Textured(side, seed);
            byte[] before = [.. good.Rgb];
            TestAnomaly[] anomalies = [.. TestAnomalies.On(good, TestAnomalies.AllKinds)];
            Assert.Equal(before, good.Rgb);
            Assert.Equal(Enum.GetValues<TestKind>().SelectMany(kind => new[] { kind, kind }),
                anomalies.Select(anomaly => anomaly.Kind));
            foreach (var (_, image, mask) in anomalies)
            {
                Assert.True(mask.Count(pixel => pixel == 1) >= side * side * 16 / 65536);
                for (int i = 0; i < mask.Length; i++)
                {
                    var changes = Enumerable.Range(3 * i, 3).Select(p => Math.Abs(image.Rgb[p] - before[p]));
                    Assert.Equal(mask[i] == 1, changes.Max() >= 10);
                }
            }
            Assert.Equal(anomalies.Length, anomalies.DistinctBy(anomaly => anomaly.Image.Contents).Count());
        }
    }

    /// <summary>Nor on what else is asked for, nor on when.</summary>
    [Fact]
    public void TheyDependOnTheImageAlone()
    {
        var all = TestAnomalies.On(Textured(128, 1), TestAnomalies.AllKinds).ToList();
        var some = TestAnomalies.On(Textured(128, 1), TestAnomalies.UntrainedKinds).ToList();
        Assert.Equal(OfNoNetwork.SelectMany(kind => new[] { kind, kind }), some.Select(anomaly => anomaly.Kind));
        Assert.Equal(all.Skip(6).Select(anomaly => anomaly.Image.Rgb), some.Select(anomaly => anomaly.Image.Rgb));
        Assert.Equal(all.Skip(6).Select(anomaly => anomaly.Mask), some.Select(anomaly => anomaly.Mask));
        var other = TestAnomalies.On(Textured(128, 2), TestAnomalies.UntrainedKinds);
        Assert.All(some.Zip(other), pair => Assert.NotEqual(pair.First.Mask, pair.Second.Mask));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void SizesGrowWithTheImage(int side)
    {
        double unit = side / 256.0, longest = 0, shortest = double.MaxValue, widest = 0, narrowest = double.MaxValue;
        for (int seed = 0; seed < 30; seed++)
            foreach (var (kind, _, mask) in TestAnomalies.On(Grey(side, (byte)(190 + seed)), OfNoNetwork))
            {
                var (width, height) = Extent(mask, side);
                double reach = double.Hypot(width, height);
                if (kind == TestKind.Line)
                    (longest, shortest) = (Math.Max(longest, reach), Math.Min(shortest, reach));
                else (widest, narrowest) = (Math.Max(widest, width), Math.Min(narrowest, width));
            }
        Assert.InRange(longest, 60 * unit, 84 * unit + 3);
        Assert.InRange(shortest, 15 * unit - 1, 34 * unit + 3);
        Assert.InRange(widest, 30 * unit, 48 * unit + 1);
        Assert.InRange(narrowest, 7 * unit - 1, 24 * unit);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(60, 1)]
    [InlineData(120, 1)]
    [InlineData(135, -1)]
    [InlineData(255, -1)]
    public void ALineIsLighterOnDarkAndDarkerOnLight(byte grey, int sign)
    {
        foreach (var (_, image, mask) in TestAnomalies.On(Grey(128, grey), [TestKind.Line]))
            for (int i = 0; i < mask.Length; i++)
                if (mask[i] == 1) Assert.InRange(sign * (image.Rgb[3 * i] - grey), 10, 90);
    }

    /// <summary>Dents shade what has no structure, and black has no shade.</summary>
    [Fact]
    public void WhereNothingCanBeSeenNothingIsDrawn()
    {
        Assert.Equal([TestKind.Line, TestKind.Line], TestAnomalies.On(Grey(64, 0), OfNoNetwork).Select(a => a.Kind));
        var shaded = TestAnomalies.On(Grey(256, 128), [TestKind.Dent]).First();
        Assert.Contains(shaded.Image.Rgb, value => value > 140);
        Assert.Contains(shaded.Image.Rgb, value => value < 116);
    }

    [Fact]
    public void NoTrainingKnowsOfLinesAndDents() =>
        Assert.Equal(["Confetti", "Patch", "Scar"], Enum.GetNames<AnomalyKind>());

    private static RgbImage Grey(int side, byte level)
    {
        byte[] rgb = new byte[3 * side * side];
        Array.Fill(rgb, level);
        return new(side, side, rgb);
    }

    private static RgbImage Textured(int side, int seed) => new(side, side, [.. Gradients.Random(3 * side * side, seed,
        scale: 12).Select((v, i) => (byte)(60 + i / 3 % side * 120 / side + v))]);

    private static (int Width, int Height) Extent(byte[] mask, int side)
    {
        int[] xs = [.. Enumerable.Range(0, mask.Length).Where(i => mask[i] == 1).Select(i => i % side)];
        int[] ys = [.. Enumerable.Range(0, mask.Length).Where(i => mask[i] == 1).Select(i => i / side)];
        return (xs.Max() - xs.Min() + 1, ys.Max() - ys.Min() + 1);
    }
}
