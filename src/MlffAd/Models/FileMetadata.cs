using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MlffAd.Models;

/// <summary>Typed reading of a model's or a checkpoint's <c>__metadata__</c>: every fault names the
/// file and the key.</summary>
internal readonly struct FileMetadata(SafetensorsFile file)
{
    /// <summary>Refuses a file of another kind or version.</summary>
    public void RequireFormat(string what, params ReadOnlySpan<string> formats)
    {
        string? found = Optional("format");
        if (!formats.Contains(found))
            throw new MlffAdException(ExitCode.BadModel,
                $"'{file.Source}' is not a {what} of this version: its format is "
                + $"'{Shown.Text(found ?? "not said")}', not '{string.Join("' or '", formats)}'.");
    }

    public string? Optional(string key) => file.Metadata.GetValueOrDefault(key);

    public string Text(string key) => Optional(key) ?? throw Bad(key, "is missing");

    public T Number<T>(string key) where T : struct, System.Numerics.INumberBase<T> =>
        T.TryParse(Text(key), NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && T.IsFinite(value)
            ? value : throw Bad(key, $"is '{Shown.Text(Text(key))}', not a number of its kind");

    public T Json<T>(string key, JsonTypeInfo<T> type)
    {
        string text = Text(key);
        try { return JsonSerializer.Deserialize(text, type) ?? throw Bad(key, "is null"); }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that holds half of a surrogate pair.
            throw Bad(key, $"is not as it should be ({e.Message.Split(" Path:")[0].TrimEnd('.')})", e);
        }
    }

    /// <summary>A configuration whose network can be made.</summary>
    public Config Config()
    {
        try
        {
            var config = Configuration.Config.FromJson(Text("config"));
            MlffNetwork.Parameters(config);
            return config;
        }
        catch (MlffAdException e) when (e.Code == ExitCode.Usage)
        {
            throw Bad("config",
            $"cannot be used ({e.Message.TrimEnd('.')})", e);
        }
    }

    public Preprocessing Preprocessing()
    {
        try { return Json("preprocessing", FileJson.Default.Preprocessing).Checked(); }
        catch (FormatException e) { throw Bad("preprocessing", $"cannot be used ({e.Message})", e); }
    }

    public TrainingRecord Training()
    {
        var training = Json("training", FileJson.Default.TrainingRecord);
        if (training.Epochs < 0 || training.Images < 0)
            throw Bad("training", $"counts {training.Epochs} epochs and {training.Images} images");
        if (training.Losses is { } l && !new[] { l.Total, l.Lf, l.Ls, l.Lfs }.All(double.IsFinite))
            throw Bad("training", "has losses that are not finite");
        if (training.Photographs < 1) throw Bad("training", $"is of {training.Photographs} photographs");
        if (training.LossTrend is { } trend && !double.IsFinite(trend))
            throw Bad("training", "has a lossTrend that is not finite");
        return training;
    }

    public Quality Quality()
    {
        var quality = Json("quality", FileJson.Default.Quality);
        if (quality.Image is not (>= 0 and <= 1) || quality.Pixel is not (>= 0 and <= 1))
            throw Bad("quality", string.Create(CultureInfo.InvariantCulture,
                $"says {quality.Image} by image and {quality.Pixel} by pixel, not from 0 to 1"));
        if (quality.Images < 1 || quality.Anomalies < 1)
            throw Bad("quality", $"is of {quality.Images} images and {quality.Anomalies} anomalies");
        return quality;
    }

    public MemoryCandidate[] Choice()
    {
        var choice = Json("choice", FileJson.Default.MemoryCandidateArray);
        if (choice.Contains(null)) throw Bad("choice", "has no numbers where some belong");
        return choice;
    }

    public MlffAdException Bad(string key, string fault, Exception? inner = null) =>
        new(ExitCode.BadModel, $"'{file.Source}' is damaged: its {key} {fault}.", inner);
}

/// <summary>Serialisation of the records in metadata, generated at build so that nothing needs reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Preprocessing))]
[JsonSerializable(typeof(CalibrationRecord))]
[JsonSerializable(typeof(EarlierRecord[]))]
[JsonSerializable(typeof(Quality))]
[JsonSerializable(typeof(MemoryCandidate[]))]
[JsonSerializable(typeof(TrainingRecord))]
[JsonSerializable(typeof(TrainingFile[]))]
[JsonSerializable(typeof(SortedDictionary<string, double>))]
internal sealed partial class FileJson : JsonSerializerContext;
