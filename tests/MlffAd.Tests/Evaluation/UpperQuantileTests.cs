using static System.StringComparison;

namespace MlffAd.Tests.Evaluation;

public sealed class UpperQuantileTests
{
    [Theory]
    [InlineData(1, 0.999)]
    [InlineData(2, 0.999)]
    [InlineData(50_000, 0.999)]
    [InlineData(50_000, 0.5)]
    [InlineData(1000, 0)]
    [InlineData(1000, 1)]
    [InlineData(4097, 0.9)]
    public void ItIsThatOfAllValuesSorted(int count, double q)
    {
        // Many equal ones, ascending runs, negative ones.
        float[] values = [.. Gradients.Random(count, seed: count, scale: 8).Select((v, i) => MathF.Round(v) + i % 7)];
        var upper = new UpperQuantile(q, count);
        foreach (float[] part in values.Chunk(1000)) upper.Add(part);
        Assert.Equal(Quantile.OfSorted([.. values.Order()], q), upper.Value());
    }

    [Fact]
    public void WhatNoMemoryHoldsIsRefusedBeforeItIsAskedFor()
    {
        var e = Assert.Throws<MlffAdException>(() => new UpperQuantile(0.5, 1L << 31));
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains("2147483648 pixels are too many", e.Message, Ordinal);
        new UpperQuantile(0.999, 1L << 33).Add([1]);   // far beyond what one array holds
        e = Assert.Throws<MlffAdException>(() => PixelScores.Require(20 * 6000L * 4000));
        Assert.Contains("480,000,000 pixels or more, and at most 268,435,456 are ranked; take --resolution network",
            e.Message, Ordinal);
        PixelScores.Require(167 * 1024L * 1024);
    }
}
