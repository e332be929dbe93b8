using System.Text.Json.Serialization;

namespace MlffAd.Models;

/// <summary>A calibration as a model has it (spec §12); the image threshold stands beside it, because a user may set
/// that alone.</summary>
internal sealed record CalibrationRecord(int Images, float[] Scores, double ImageQuantile, double PixelQuantile,
    float PixelThreshold)
{
    public static CalibrationRecord Of(Calibration c) =>
        new(c.Images, [.. c.Scores], c.ImageQuantile, c.PixelQuantile, c.PixelThreshold);

    /// <summary>The calibration, if it can be one.</summary>
    /// <exception cref="MlffAdException">It cannot (exit code 4).</exception>
    public Calibration Checked(FileMetadata metadata, string key, float threshold)
    {
        if (Images != Scores.Length) throw metadata.Bad(key, $"has {Scores.Length} scores of {Images} images");
        if (Images == 0) throw metadata.Bad(key, "is of no image");
        if (!Scores.All(float.IsFinite) || Scores.Zip(Scores.Skip(1)).Any(pair => pair.First > pair.Second))
            throw metadata.Bad(key, "has scores that are not finite numbers in ascending order");
        if (ImageQuantile is not (>= 0 and <= 1) || PixelQuantile is not (>= 0 and <= 1))
            throw metadata.Bad(key, string.Create(CultureInfo.InvariantCulture,
                $"has the quantiles {ImageQuantile} and {PixelQuantile}, not from 0 to 1"));
        if (!float.IsFinite(PixelThreshold)) throw metadata.Bad(key,
            "has a pixelThreshold that is not a finite number");
        return new(Scores, ImageQuantile, PixelQuantile, threshold, PixelThreshold);
    }
}

/// <summary>Thresholds that a model had.</summary>
internal sealed record EarlierRecord(float Threshold, float? PixelThreshold, CalibrationRecord? Calibration,
    string From, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] MemoryExtent? Memory = null);
