namespace MlffAd.Evaluation;

/// <summary>What should be known before a model is relied on, in words, with what to do about it.</summary>
public static class Warnings
{
    /// <summary>A model is warned of where the mean of its qualities by image and by pixel is less.</summary>
    public const double LeastQuality = 0.92;

    /// <summary>Training has settled where the loss of its last fifth is no less than this share of the fifth's
    /// before.</summary>
    public const double SettledLoss = 0.9;

    /// <summary>A sentence or two for each thing that is amiss; none for a model that says nothing of itself.</summary>
    public static IReadOnlyList<string> Of(ModelMetadata model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var (training, warnings) = (model.Training, new List<string>());
        if (model.Quality is { } quality && (quality.Image + quality.Pixel) / 2 < LeastQuality)
            warnings.Add(string.Create(CultureInfo.InvariantCulture,
                $"This model tells an anomaly that was drawn from what is good in only "
                + $"{Math.Floor(100 * quality.Image)} of 100 pairs of images and {Math.Floor(100 * quality.Pixel)} of "
                + $"100 pairs of pixels, and will miss defects: {(model.Config.HasMemory
                    ? "give it more photographs, or train the network (--preset fast --memory.size 0)"
                    : "give it more time (--time-budget) or photographs, or make a memory (--preset memory)")}."));
        if (training.Photographs is { } photographs && training.Images < photographs)
            warnings.Add(string.Create(CultureInfo.InvariantCulture,
                $"Training has seen fewer images ({training.Images:#,0}) than there are photographs "
                + $"({photographs:#,0}): give it more time (--time-budget) or images (--max-images)."));
        if (training.LossTrend is { } trend && trend < SettledLoss)
            warnings.Add(string.Create(CultureInfo.InvariantCulture,
                $"Training has not settled: over the last fifth of its steps the loss was {1 - trend:0%} below that of "
                + $"the fifth before. More time (--time-budget) helps."));
        return warnings;
    }
}
