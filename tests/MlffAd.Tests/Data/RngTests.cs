namespace MlffAd.Tests.Data;

public sealed class RngTests
{
    [Theory]   // The vectors published with Random123 for philox4x32, ten rounds.
    [InlineData(new uint[] { 0, 0, 0, 0 }, 0u, 0u, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 })]
    [InlineData(new uint[] { ~0u, ~0u, ~0u, ~0u }, ~0u, ~0u,
        new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd })]
    [InlineData(new uint[] { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, 0xa4093822u, 0x299f31d0u,
        new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 })]
    public void PhiloxGivesThePublishedNumbers(uint[] counter, uint key0, uint key1, uint[] expected)
    {
        Rng.Philox(counter, key0, key1);
        Assert.Equal(expected, counter);
    }

    [Fact]
    public void EveryPartOfTheKeyMakesAnotherStream()
    {
        static string Stream(Rng rng) => string.Join(",", Enumerable.Range(0, 6).Select(_ => rng.Bits()));
        string[] streams =
        [
            Stream(new(1, RngPurpose.Anomaly, 2, 3)), Stream(new(2, RngPurpose.Anomaly, 2, 3)),
                Stream(new(1L << 32 | 1, RngPurpose.Anomaly, 2, 3)),
            Stream(new(1, RngPurpose.Order, 2, 3)), Stream(new(1, RngPurpose.Anomaly, 3, 2)),
                Stream(new(1, RngPurpose.Anomaly, 2, 4)),
        ];
        Assert.Equal(streams.Length, streams.Distinct().Count());
        Assert.Equal(streams[0], Stream(new(1, RngPurpose.Anomaly, 2, 3)));
    }

    [Fact]
    public void UniformNumbersFillTheirRangeEvenly()
    {
        var rng = new Rng(1, RngPurpose.Demo);
        double[] u = [.. Enumerable.Range(0, 100_000).Select(_ => rng.Uniform(-2, 6))];
        Assert.All(u, v => Assert.InRange(v, -2, 6));
        Assert.Equal(2, u.Average(), 0.05);
        for (int tenth = 0; tenth < 10; tenth++)
            Assert.InRange(u.Count(v => (int)((v + 2) / 0.8) == tenth), 9_600, 10_400);
    }

    [Fact]
    public void WholeNumbersAreEvenAndStayBelowTheirBound()
    {
        var rng = new Rng(2, RngPurpose.Demo);
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++) counts[rng.Below(7)]++;
        Assert.All(counts, c => Assert.InRange(c, 9_600, 10_400));
        Assert.Equal(0, rng.Below(1));
        Assert.InRange(Enumerable.Range(0, 10_000).Average(_ => (double)rng.Below(int.MaxValue)) / int.MaxValue, 0.48,
            0.52);
    }

    [Fact]
    public void NormalNumbersHaveTheNormalsMoments()
    {
        var rng = new Rng(3, RngPurpose.Demo);
        double[] z = [.. Enumerable.Range(0, 100_000).Select(_ => rng.Normal())];
        Assert.Equal(0, z.Average(), 0.02);
        Assert.Equal(1, z.Average(v => v * v), 0.03);
        Assert.Equal(3, z.Average(v => v * v * v * v), 0.15);
        Assert.Equal(0, z.Zip(z.Skip(1), (a, b) => a * b).Average(), 0.02);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.786432)]
    [InlineData(1.179648)]
    [InlineData(40)]
    [InlineData(900)]
    public void PoissonNumbersHaveTheirMeanAsVariance(double mean)
    {
        var rng = new Rng(4, RngPurpose.Demo);
        double[] n = [.. Enumerable.Range(0, 20_000).Select(_ => (double)rng.Poisson(mean))];
        Assert.Equal(mean, n.Average(), 0.05 * Math.Sqrt(mean) + 1e-12);
        Assert.Equal(mean, n.Average(v => (v - mean) * (v - mean)), 0.07 * mean + 1e-12);
        Assert.Equal(Math.Exp(-mean), n.Count(v => v == 0) / 20_000.0, 0.015);
    }

    [Fact]
    public void EveryOrderOfAShuffleIsEquallyLikely()
    {
        var rng = new Rng(5, RngPurpose.Demo);
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < 24_000; i++)
        {
            int[] items = [0, 1, 2, 3];
            rng.Shuffle(items.AsSpan());
            string order = string.Concat(items);
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }
        Assert.Equal(24, counts.Count);
        Assert.All(counts.Values, c => Assert.InRange(c, 850, 1150));
    }
}
