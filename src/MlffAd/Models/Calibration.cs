namespace MlffAd.Models;

/// <summary>What held-out good images say about where "defect" begins (spec §9).</summary>
/// <param name="Scores">Their image scores, ascending.</param>
/// <param name="ImageQuantile">The quantile of the scores taken as <paramref name="Threshold"/>.</param>
/// <param name="PixelQuantile">The quantile of all their pixels' scores taken as
/// <paramref name="PixelThreshold"/>.</param>
/// <param name="Threshold">An image is defective above this score.</param>
/// <param name="PixelThreshold">A pixel is defective above this score.</param>
public sealed record Calibration(IReadOnlyList<float> Scores, double ImageQuantile, double PixelQuantile,
    float Threshold, float PixelThreshold)
{
    /// <summary>Held-out good images.</summary>
    public int Images => Scores.Count;

    /// <summary>A sentence for the person who will rely on the threshold, where the sample is too small for its
    /// quantile; otherwise null.</summary>
    /// <remarks>Below 1/(1 − q) images the quantile interpolates between the two largest scores: 100
    /// images for 0.99.</remarks>
    public string? Caution => Images * (1 - ImageQuantile) < 1 - 1e-9
        ? $"The threshold rests on {Images} good images, so it is nearly the largest of their scores; more good "
            + $"images would make it firmer."
        : null;
}
