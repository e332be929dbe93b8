using CsCheck;

namespace MlffAd.Tests.Evaluation;

public sealed class CalibrationTests
{
    [Fact]
    public void QuantilesInterpolateLinearly()
    {
        float[] values = [1, 2, 4, 8];
        Assert.Equal(1, Quantile.OfSorted(values, 0));
        Assert.Equal(3, Quantile.OfSorted(values, 0.5));
        Assert.Equal(8, Quantile.OfSorted(values, 1));
        Assert.Equal(7.88, Quantile.OfSorted(values, 0.99), 1e-12);
        Assert.Equal(5, Quantile.OfSorted([5], 0.3));
        Assert.Throws<ArgumentException>(() => Quantile.OfSorted([], 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => Quantile.OfSorted(values, 1.01));
    }

    [Fact]
    public void ThresholdsAreQuantilesOverImagesAndOverEveryEnlargedPixel() => Gen.Single[-5, 5].Array[12]
        .Sample(values =>
    {
        ScoreMap[] cells = [new(2, 2, values[..4]), new(2, 2, values[4..8]), new(2, 2, values[8..])];
        float[] scores = [.. cells.Select(map => map.Max())];
        Calibration calibration = Calibrator.Calibrate(scores, cells, 6, 0.75, 0.9);
        float[] pixels = [.. cells.SelectMany(map => map.Enlarge(6, 6).Values).Order()];
        Array.Sort(scores);
        Assert.Equal(scores, calibration.Scores);
        Assert.Equal((scores[1] + scores[2]) / 2, calibration.Threshold, 1e-5);
        Assert.Equal(pixels[96] + 0.3 * (pixels[97] - pixels[96]), calibration.PixelThreshold, 1e-5);
    }, iter: 100);

    [Theory]
    [InlineData(21, true)]
    [InlineData(99, true)]
    [InlineData(100, false)]
    public void FewImagesAreSaidToMakeTheThresholdNearlyTheirMaximum(int images, bool cautious) =>
        Assert.Equal(cautious, new Calibration(new float[images], 0.99, 0.999, 0, 0).Caution is not null);
}
