namespace MlffAd.Evaluation;

/// <summary>Sets thresholds by what held-out good images score (spec §9).</summary>
public static class Calibrator
{
    /// <summary>Thresholds from the held-out images' cell maps (M×M), enlarged to <paramref name="side"/>² pixels.
    /// Exact, over every pixel.</summary>
    /// <param name="scores">Image scores, in any order.</param>
    /// <param name="cells">The same images' cell maps.</param>
    /// <param name="side">S, the network's image side.</param>
    /// <param name="imageQuantile"><c>verdict.imageQuantile</c>.</param>
    /// <param name="pixelQuantile"><c>verdict.pixelQuantile</c>.</param>
    public static Calibration Calibrate(IReadOnlyCollection<float> scores, IReadOnlyCollection<ScoreMap> cells,
        int side, double imageQuantile = 0.99, double pixelQuantile = 0.999)
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
    public static Calibration Calibrate(IReadOnlyCollection<ScoredImage> scored, Config config)
    {
        if (scored.Count == 0) throw new MlffAdException(ExitCode.BadData,
            "There are no images to set a threshold with.");
        return Calibrate([.. scored.Select(image => image.Score)], [.. scored.Select(image => image.Cells!)],
            config.ImageSize, config.Verdict.ImageQuantile, config.Verdict.PixelQuantile);
    }

    /// <summary>A sentence where all scores lie at another level than those of an earlier calibration; otherwise
    /// null.</summary>
    public static string? LevelChange(Calibration before, Calibration after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        double now = Quantile.OfSorted([.. after.Scores], 0.5), was = Quantile.OfSorted([.. before.Scores], 0.5);
        return now > before.Scores[^1] || now < before.Scores[0]
            ? string.Create(CultureInfo.InvariantCulture,
            $"The images score at another level than before, {now:0.000} in the middle "
                + $"where it was {was:0.000}: the parts, the lighting or the camera differ.")
            : null;
    }
}
