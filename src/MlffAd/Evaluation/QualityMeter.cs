namespace MlffAd.Evaluation;

/// <summary>Collects what a model says of good images and of pseudo anomalies, one at a time, and ranks it.</summary>
/// <param name="side">S: pixels are ranked at S×S.</param>
internal sealed class QualityMeter(int side)
{
    /// <summary>Pixels that are ranked, about: 128 MB.</summary>
    private const long MostPixels = 1L << 24;

    private readonly List<float> _scores = [];
    private readonly List<bool> _defective = [];
    private readonly PixelScores _pixels = new();

    /// <summary>Good images to measure with at most, where each has so many anomalies.</summary>
    public static int MostImages(int side, int anomalies) =>
        (int)Math.Max(1, MostPixels / ((1L + anomalies) * side * side));

    /// <summary>Adds an image. One whose scores are not finite ranks nowhere, and is left out.</summary>
    /// <param name="cells">Its score map, M×M.</param>
    /// <param name="score">Its score.</param>
    /// <param name="mask"><c>[S, S]</c>, 1 where anomalous, else 0; null for a good image.</param>
    public void Add(ScoreMap cells, float score, byte[]? mask)
    {
        if (!float.IsFinite(score) || !cells.Values.All(float.IsFinite)) return;
        _scores.Add(score);
        _defective.Add(mask is not null);
        _pixels.Add(mask is null ? TestImage.Good : "pseudo", cells.Enlarge(side, side), mask);
    }

    /// <summary>The quality; null without a good image or without an anomaly.</summary>
    public Quality? Measure()
    {
        int anomalies = _defective.Count(d => d);
        return Ranking.Of([.. _scores], [.. _defective]).Auroc() is { } image && _pixels.Rank().Auroc() is { } pixel
            ? new(image, pixel, _defective.Count - anomalies, anomalies) : null;
    }
}
