using System.Globalization;
using MlffAd.Configuration;
using MlffAd.Detection;

namespace MlffAd.Evaluation;

/// <summary>What held-out good images say about where "defect" begins (spec §9).</summary>
/// <param name="Scores">Their image scores, ascending.</param>
/// <param name="ImageQuantile">The quantile of the scores taken as <paramref name="Threshold"/>.</param>
/// <param name="PixelQuantile">The quantile of all their pixels' scores taken as <paramref name="PixelThreshold"/>.</param>
/// <param name="Threshold">An image is defective above this score.</param>
/// <param name="PixelThreshold">A pixel is defective above this score.</param>
public sealed record Calibration(IReadOnlyList<float> Scores, double ImageQuantile, double PixelQuantile, float Threshold, float PixelThreshold)
{
    /// <summary>Held-out good images.</summary>
    public int Images => Scores.Count;

    /// <summary>Thresholds from the held-out images' cell maps (M×M), enlarged to <paramref name="side"/>² pixels. Exact, over every pixel.</summary>
    /// <param name="scores">Image scores, in any order.</param>
    /// <param name="cells">The same images' cell maps.</param>
    /// <param name="side">S, the network's image side.</param>
    /// <param name="imageQuantile"><c>verdict.imageQuantile</c>.</param>
    /// <param name="pixelQuantile"><c>verdict.pixelQuantile</c>.</param>
    public static Calibration Of(IReadOnlyCollection<float> scores, IReadOnlyCollection<ScoreMap> cells, int side, double imageQuantile = 0.99, double pixelQuantile = 0.999)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(cells);
        float[] sorted = [.. scores.Order()];
        var pixels = new UpperQuantile(pixelQuantile, (long)cells.Count * side * side);
        foreach (ScoreMap map in cells) pixels.Add(map.Enlarge(side, side).Values);
        return new(sorted, imageQuantile, pixelQuantile,
            (float)Quantile.OfSorted(sorted, imageQuantile), (float)pixels.Value());
    }

    /// <summary>The same of scored images, at the configuration's quantiles.</summary>
    /// <exception cref="MlffAdException">There are none (exit code 3).</exception>
    public static Calibration Of(IReadOnlyCollection<ScoredImage> scored, Config config)
    {
        if (scored.Count == 0) throw new MlffAdException(ExitCode.BadData,
            "There are no images to set a threshold with.");
        return Of([.. scored.Select(image => image.Score)], [.. scored.Select(image => image.Cells!)], config.ImageSize,
            config.Verdict.ImageQuantile, config.Verdict.PixelQuantile);
    }

    /// <summary>A sentence where all scores lie at another level than those of an earlier calibration; otherwise
    /// null.</summary>
    public string? LevelAgainst(Calibration before)
    {
        ArgumentNullException.ThrowIfNull(before);
        double now = Quantile.OfSorted([.. Scores], 0.5), was = Quantile.OfSorted([.. before.Scores], 0.5);
        return now > before.Scores[^1] || now < before.Scores[0]
            ? string.Create(CultureInfo.InvariantCulture,
            $"The images score at another level than before, {now:0.000} in the middle "
                + $"where it was {was:0.000}: the parts, the lighting or the camera differ.")
            : null;
    }

    /// <summary>A sentence for the person who will rely on the threshold, where the sample is too small for its quantile; otherwise null.</summary>
    /// <remarks>Below 1/(1 − q) images the quantile interpolates between the two largest scores: 100 images for 0.99.</remarks>
    public string? Caution => Images * (1 - ImageQuantile) < 1 - 1e-9
        ? $"The threshold rests on {Images} good images, so it is nearly the largest of their scores; more good images would make it firmer."
        : null;
}
