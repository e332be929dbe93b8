using System.Globalization;
using System.Text.Json;
using MlffAd.Configuration;
using MlffAd.Evaluation;

namespace MlffAd.Weights;

/// <summary>What a model knows besides its weights.</summary>
/// <param name="Config">The configuration it was trained with, stride placement and ε as they are in effect.</param>
/// <param name="Preprocessing">What its network is fed.</param>
/// <param name="Threshold">An image is defective above this score.</param>
/// <param name="Calibration">Where the threshold comes from; null where the user gave it and no image was held out.</param>
/// <param name="Training">How it was made.</param>
/// <param name="Class">What it inspects: the name of the training folder.</param>
public sealed record ModelMetadata(Config Config, Preprocessing Preprocessing, float Threshold, Calibration? Calibration, TrainingRecord Training, string Class)
{
    /// <summary>The file's format: models with a memory have tensors that the first does not know.</summary>
    internal const string Format = "mlffad/1", FormatWithMemory = "mlffad/2";

    /// <summary>A pixel is defective above this score: where nothing was calibrated, above the image's threshold.</summary>
    public float PixelThreshold => Calibration?.PixelThreshold ?? Threshold;

    internal Dictionary<string, string> ToStrings()
    {
        var strings = new Dictionary<string, string>
        {
            ["format"] = Config.HasMemory ? FormatWithMemory : Format,
            ["config"] = Config.ToJson(),
            ["preprocessing"] = JsonSerializer.Serialize(Preprocessing, FileJson.Default.Preprocessing),
            ["threshold"] = Threshold.ToString(CultureInfo.InvariantCulture),
            ["training"] = JsonSerializer.Serialize(Training, FileJson.Default.TrainingRecord),
            ["class"] = Class,
        };
        if (Calibration is { } c)
            strings["calibration"] = JsonSerializer.Serialize(new CalibrationRecord(c.Images, [.. c.Scores], c.ImageQuantile, c.PixelQuantile, c.PixelThreshold), FileJson.Default.CalibrationRecord);
        return strings;
    }

    internal static ModelMetadata Parse(SafetensorsFile file)
    {
        var metadata = new FileMetadata(file);
        metadata.RequireFormat("model", Format, FormatWithMemory);
        float threshold = metadata.Number<float>("threshold");
        Calibration? calibration = null;
        if (metadata.Optional("calibration") is not null)
        {
            var (images, scores, imageQuantile, pixelQuantile, pixelThreshold) = metadata.Json("calibration", FileJson.Default.CalibrationRecord);
            if (images != scores.Length) throw metadata.Bad("calibration", $"has {scores.Length} scores of {images} images");
            if (images == 0) throw metadata.Bad("calibration", "is of no image");
            if (!scores.All(float.IsFinite) || scores.Zip(scores.Skip(1)).Any(pair => pair.First > pair.Second))
                throw metadata.Bad("calibration", "has scores that are not finite numbers in ascending order");
            if (imageQuantile is not (>= 0 and <= 1) || pixelQuantile is not (>= 0 and <= 1))
                throw metadata.Bad("calibration", string.Create(CultureInfo.InvariantCulture,
                    $"has the quantiles {imageQuantile} and {pixelQuantile}, not from 0 to 1"));
            if (!float.IsFinite(pixelThreshold))
                throw metadata.Bad("calibration", "has a pixelThreshold that is not a finite number");
            calibration = new Calibration(scores, imageQuantile, pixelQuantile, threshold, pixelThreshold);
        }
        var config = metadata.Config();
        if (config.HasMemory != (metadata.Text("format") == FormatWithMemory))
            throw metadata.Bad("format",
                $"is '{metadata.Text("format")}', which does not fit memory.size {config.Memory.Size}");
        return new ModelMetadata(config, metadata.Preprocessing(), threshold, calibration,
            metadata.Training(), metadata.Text("class"));
    }
}
