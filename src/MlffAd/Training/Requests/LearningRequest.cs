namespace MlffAd.Training;

/// <summary>What a memory is to learn.</summary>
/// <param name="Model">The model.</param>
/// <param name="Images">Photographs of good parts that are new to it; those that it knows change nothing.</param>
public sealed record LearningRequest(string Model, IReadOnlyList<ImageItem> Images)
{
    /// <summary>Where the model that has learnt is written; null: over the model.</summary>
    public string? Output { get; init; }

    /// <summary>Photographs of good parts that the threshold rests on besides those that the model keeps; it has not
    /// learnt them.</summary>
    public IReadOnlyList<ImageItem> Good { get; init; } = [];

    /// <summary>Learn what looks like a defect, and move thresholds as far as it takes.</summary>
    public bool Force { get; init; }

    /// <summary>Write no model, but the heat maps of what looks like a defect.</summary>
    public bool DryRun { get; init; }

    /// <summary>Largest share of unusable images.</summary>
    public double MaxBad { get; init; } = 0.05;

    /// <summary>Larger images are refused.</summary>
    public long MaxPixels { get; init; } = ImageFile.MaxPixels;

    /// <summary>Told of each image that was read, or of its error.</summary>
    public Action<ImageItem, MlffAdException?>? OnRead { get; init; }
}

/// <summary>What was learnt.</summary>
/// <param name="Was">The model before.</param>
/// <param name="Now">The model afterwards; the same where no image was new.</param>
/// <param name="Learnt">Images that were learnt.</param>
/// <param name="Cells">Cells of these that the memory took.</param>
/// <param name="Kept">Images that are kept instead.</param>
/// <param name="Known">Images that were known already, copies counted.</param>
/// <param name="Alarming">New images that are above the threshold nevertheless, and their scores.</param>
public sealed record LearningOutcome(ModelMetadata Was, ModelMetadata Now, int Learnt, int Cells, int Kept, int Known,
    IReadOnlyList<(string Name, float Score, bool IsLearnt)> Alarming);
