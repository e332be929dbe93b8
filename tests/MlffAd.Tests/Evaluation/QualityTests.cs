namespace MlffAd.Tests.Evaluation;

public sealed class QualityTests
{
    /// <summary>Of two pairs of images one is right. Of the pixels, the anomalous one at 0.5 is above 4 good ones at
    /// 0.2 and 2 at 0.1 and level with 3; the two at 0.1 are level with 2.</summary>
    [Fact]
    public void ItIsTheShareOfPairsThatAreRight()
    {
        var meter = new QualityMeter(2);
        Add(meter, 0.2f, 1, null);
        Add(meter, 0.5f, 2, [1, 0, 0, 0]);
        Add(meter, 0.1f, 0.5f, [1, 1, 0, 0]);
        Assert.Equal(new Quality(0.5, (4 + 2 + 3 / 2.0 + 2 * (2 / 2.0)) / (3 * 9), 1, 2), meter.Measure());
    }

    [Fact]
    public void ItDoesNotDependOnTheOrder()
    {
        var images = Enumerable.Range(0, 12)
            .Select(i => (Cell: i * 7 % 5f, Score: i * 5 % 7f, IsGood: i % 3 == 0)).ToArray();
        Quality? Of(IEnumerable<(float Cell, float Score, bool IsGood)> some)
        {
            var meter = new QualityMeter(2);
            foreach (var (cell, score, isGood) in some) Add(meter, cell, score, isGood ? null : [0, 1, 1, 0]);
            return meter.Measure();
        }
        Assert.Equal((4, 8), (Of(images)!.Images, Of(images)!.Anomalies));
        Assert.Equal(Of(images), Of(images.Reverse()));
    }

    [Fact]
    public void WithoutGoodImagesOrAnomaliesThereIsNone()
    {
        var meter = new QualityMeter(2);
        Assert.Null(meter.Measure());
        Add(meter, 1, 1, null);
        Assert.Null(meter.Measure());
        meter = new QualityMeter(2);
        Add(meter, 1, 1, [1, 0, 0, 0]);
        Assert.Null(meter.Measure());
    }

    [Theory]
    [InlineData(float.NaN, 1)]
    [InlineData(1, float.NaN)]
    [InlineData(1, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, 1)]
    public void WhatIsNotFiniteIsLeftOut(float cell, float score)
    {
        var meter = new QualityMeter(2);
        Add(meter, 0, 0, null);
        Add(meter, 2, 2, [1, 1, 1, 1]);
        Add(meter, cell, score, null);
        Add(meter, cell, score, [1, 1, 1, 1]);
        Assert.Equal(new Quality(1, 1, 1, 1), meter.Measure());
    }

    [Theory]
    [InlineData(64, 4, 819)]
    [InlineData(256, 4, 51)]
    [InlineData(256, 10, 23)]
    [InlineData(1024, 4, 3)]
    [InlineData(4096, 10, 1)]
    public void OfLargeImagesFewAreMeasuredWith(int side, int anomalies, int most)
    {
        Assert.Equal(most, QualityMeter.MostImages(side, anomalies));
        PixelScores.Require((1L + anomalies) * most * side * side);
    }

    private static void Add(QualityMeter meter, float cell, float score, byte[]? mask) =>
        meter.Add(new ScoreMap(1, 1, [cell]), score, mask);
}
