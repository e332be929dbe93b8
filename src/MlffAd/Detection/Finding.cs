namespace MlffAd.Detection;

/// <summary>What is said of an image.</summary>
/// <param name="Path">Where it lies, as it should be shown.</param>
/// <param name="Score">Its image score; null if it could not be read.</param>
/// <param name="IsDefect">Whether the score is above the threshold; at it, the image is good.</param>
/// <param name="Box">In pixels of the photograph, the box of the largest 8-connected region above the pixel threshold;
/// null if there is none. A good image may have one: its threshold is another than a pixel's.</param>
/// <param name="Error">Why it could not be read.</param>
public sealed record Finding(string Path, float? Score, bool IsDefect, PixelBox? Box, string? Error)
{
    /// <summary><c>good</c>, <c>defect</c> or <c>unreadable</c>.</summary>
    public string Verdict => Error is not null ? "unreadable" : IsDefect ? "defect" : "good";

    /// <summary>Judges a scored image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="map">Its scores at the photograph's own size; asked for only where some pixel may be
    /// above its threshold.</param>
    /// <param name="threshold">An image is defective above this score.</param>
    /// <param name="pixelThreshold">A pixel is defective above this score.</param>
    /// <exception cref="MlffAdException">A score is not finite (exit code 4).</exception>
    public static Finding Of(ScoredImage image, Func<ScoreMap> map, float threshold, float pixelThreshold)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Error is { } error) return new(image.Item.Name, null, false, null, error.Message);
        if (!float.IsFinite(image.Score) || !image.Cells!.Values.All(float.IsFinite)) throw NotFinite(image.Item.Name);
        // No pixel is above its threshold where no cell is: pixels lie between cells.
        PixelBox? box = image.Cells!.Max() > pixelThreshold ? Components.LargestAbove(map(), pixelThreshold) : null;
        return new(image.Item.Name, image.Score, image.Score > threshold, box, null);
    }

    internal static MlffAdException NotFinite(string path) =>
        new(ExitCode.BadModel,
            $"The model gives '{path}' a score that is not a finite number; train it again or take another model.");
}
