using System.Text.Json;

namespace MlffAd.Models;

/// <summary>What a model knows besides its weights.</summary>
/// <param name="Config">The configuration it was trained with, stride placement and ε as they are in effect.</param>
/// <param name="Preprocessing">What its network is fed.</param>
/// <param name="Threshold">An image is defective above this score.</param>
/// <param name="Calibration">Where the threshold comes from; null where the user gave it and no
/// image was held out.</param>
/// <param name="Training">How it was made.</param>
/// <param name="Class">What it inspects: the name of the training folder.</param>
public sealed record ModelMetadata(Config Config, Preprocessing Preprocessing, float Threshold,
    Calibration? Calibration, TrainingRecord Training, string Class)
{
    /// <summary>Where thresholds that training set come from.</summary>
    public const string FromTraining = "training";

    private const int MostEarlier = 20;

    /// <summary>The file's format: models with a memory have tensors that the first does not know, and since they can
    /// learn more others that the second does not; the fourth are of a memory and a network beside it.</summary>
    internal const string Format = "mlffad/1", FormatWithMemory = "mlffad/2", FormatThatLearns = "mlffad/3",
        FormatOfBoth = "mlffad/4";

    /// <inheritdoc cref="ThresholdSetting.PixelThreshold"/>
    public float PixelThreshold => Setting.PixelThreshold;

    /// <summary>The pixel threshold that the user gave; null where it was calibrated.</summary>
    public float? PixelGiven { get; init; }

    /// <summary>Where the thresholds come from, in words.</summary>
    public string From { get; init; } = FromTraining;

    /// <summary>Earlier thresholds, the last ones last: what <see cref="ModelHistory.Undo"/> goes back to. At most
    /// 20.</summary>
    public IReadOnlyList<ThresholdSetting> Earlier { get; init; } = [];

    /// <summary>What training measured by pseudo anomalies; null for models of earlier versions, and where no image was
    /// held out.</summary>
    public Quality? Quality { get; init; }

    /// <summary>The numbers that a memory's training compared, the chosen ones first; none where it chose
    /// none.</summary>
    public IReadOnlyList<MemoryCandidate> Choice { get; init; } = [];

    private ThresholdSetting Setting => new(Threshold, PixelGiven, Calibration, From);

    /// <summary>The model with other thresholds; those of now become the last of the earlier ones.</summary>
    public ModelMetadata With(ThresholdSetting setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        return Set(setting) with { Earlier = [.. Earlier.Append(Setting).TakeLast(MostEarlier)] };
    }

    /// <summary>The model that has learnt, with other thresholds; of how far its memory reached the history
    /// knows.</summary>
    /// <param name="config">With as many vectors as there are now.</param>
    /// <param name="learnt">Images that were learnt.</param>
    /// <param name="before">How far the memory reached.</param>
    /// <param name="setting">The thresholds.</param>
    internal ModelMetadata WithMore(Config config, int learnt, MemoryExtent before, ThresholdSetting setting) =>
        Set(setting) with
        {
            Config = config,
            // Of a network beside the memory, the record counts what that has seen.
            Training = Config.HasNetwork ? Training : Training with { Images = Training.Images + learnt },
            Earlier = [.. Earlier.Append(Setting with { Memory = before with { Quality = Quality } })
                .TakeLast(MostEarlier)],
        };

    /// <summary>What the model was before its thresholds were last set; null where it has had no others. What was
    /// learnt then is cut off by <see cref="ModelHistory.Undo"/>.</summary>
    internal ModelMetadata? Undone()
    {
        if (Earlier.Count == 0) return null;
        var was = Set(Earlier[^1]) with { Earlier = [.. Earlier.SkipLast(1)] };
        return Earlier[^1].Memory is not { } memory ? was : was with
        {
            Config = Config with
            {
                Memory = Config.Memory with { Size = memory.Vectors, Candidates = memory.Candidates },
            },
            Training = Training with { Images = memory.Learnt },
            Quality = memory.Quality,
        };
    }

    private ModelMetadata Set(ThresholdSetting setting) => this with
    {
        Threshold = setting.Threshold,
        PixelGiven = setting.PixelGiven,
        Calibration = setting.Calibration,
        From = setting.From,
    };

    /// <summary>As a file has it.</summary>
    /// <param name="learns">Whether the file has what <c>learn</c> reads.</param>
    internal Dictionary<string, string> ToStrings(bool learns)
    {
        var strings = new Dictionary<string, string>
        {
            ["format"] = Config.HasBoth ? FormatOfBoth
                : learns ? FormatThatLearns : Config.HasMemory ? FormatWithMemory : Format,
            ["config"] = Config.ToJson(),
            ["preprocessing"] = JsonSerializer.Serialize(Preprocessing, FileJson.Default.Preprocessing),
            ["threshold"] = Threshold.ToString(CultureInfo.InvariantCulture),
            ["training"] = JsonSerializer.Serialize(Training, FileJson.Default.TrainingRecord),
            ["class"] = Class,
        };
        if (Calibration is { } c)
            strings["calibration"] =
                JsonSerializer.Serialize(CalibrationRecord.Of(c), FileJson.Default.CalibrationRecord);
        if (Quality is { } quality) strings["quality"] = JsonSerializer.Serialize(quality, FileJson.Default.Quality);
        if (Choice.Count > 0)
            strings["choice"] = JsonSerializer.Serialize([.. Choice], FileJson.Default.MemoryCandidateArray);
        // What training never says: models that were only trained have the bytes of earlier versions.
        if (PixelGiven is { } pixel) strings["pixelThreshold"] = pixel.ToString(CultureInfo.InvariantCulture);
        if (From != FromTraining) strings["thresholdFrom"] = From;
        if (Earlier.Count > 0)
            strings["earlier"] =
                JsonSerializer.Serialize([.. Earlier.Select(e => new EarlierRecord(e.Threshold, e.PixelGiven,
                e.Calibration is { } of ? CalibrationRecord.Of(of) : null, e.From, e.Memory))],
                FileJson.Default.EarlierRecordArray);
        return strings;
    }

    internal static ModelMetadata Parse(SafetensorsFile file)
    {
        var metadata = new FileMetadata(file);
        metadata.RequireFormat("model", Format, FormatWithMemory, FormatThatLearns, FormatOfBoth);
        float threshold = metadata.Number<float>("threshold");
        var calibration = metadata.Optional("calibration") is null ? null
            : metadata.Json("calibration", FileJson.Default.CalibrationRecord)
            .Checked(metadata, "calibration", threshold);
        var config = metadata.Config();
        var training = metadata.Training();
        string format = metadata.Text("format");
        if (config.HasMemory != (format != Format)
            || config.HasBoth != (format == FormatOfBoth))
            throw metadata.Bad("format", $"is '{format}', which does not fit memory.size {config.Memory.Size}");
        if (format != FormatOfBoth
            && file.Tensors.ContainsKey(KeptPictures.Images) != (format == FormatThatLearns))
            throw metadata.Bad("format", $"is '{format}', which does not fit its tensor '{KeptPictures.Images}'"
                + (format == FormatThatLearns ? ", which is missing" : ""));
        return new ModelMetadata(config, metadata.Preprocessing(), threshold, calibration, training,
            metadata.Text("class"))
        {
            PixelGiven = metadata.Optional("pixelThreshold") is null ? null : metadata.Number<float>("pixelThreshold"),
            From = metadata.Optional("thresholdFrom") ?? FromTraining,
            Earlier = metadata.Optional("earlier") is null ? [] : ParseEarlier(metadata, config, training),
            Quality = metadata.Optional("quality") is null ? null : metadata.Quality(),
            Choice = metadata.Optional("choice") is null ? [] : metadata.Choice(),
        };
    }

    private static ThresholdSetting[] ParseEarlier(FileMetadata metadata, Config config, TrainingRecord training)
    {
        var earlier = metadata.Json("earlier", FileJson.Default.EarlierRecordArray);
        if (earlier.Contains(null)) throw metadata.Bad("earlier", "has no thresholds where some belong");
        if (earlier.Any(e => !float.IsFinite(e.Threshold) || !float.IsFinite(e.PixelThreshold ?? 0)))
            throw metadata.Bad("earlier", "has a threshold that is not a finite number");
        var later = new MemoryExtent(config.Memory.Size, config.Memory.Candidates, training.Images, int.MaxValue,
            int.MaxValue);
        foreach (var memory in earlier.Reverse().Select(e => e.Memory).OfType<MemoryExtent>())
            later = memory.IsWithin(later) ? memory
                : throw metadata.Bad("earlier", $"says that the memory had {memory.Vectors} vectors of "
                    + $"{memory.Learnt} images, and kept {memory.Kept} of {memory.Known}: more than afterwards");
        return Array.ConvertAll(earlier, e => new ThresholdSetting(e.Threshold, e.PixelThreshold,
            e.Calibration?.Checked(metadata, "earlier", e.Threshold), e.From)
        {
            Memory = e.Memory,
        });
    }
}

/// <summary>Thresholds that a model has or had.</summary>
/// <param name="Threshold">An image is defective above this score.</param>
/// <param name="PixelGiven">The pixel threshold that the user gave; null where it was calibrated.</param>
/// <param name="Calibration">The good images that they come from; null for none.</param>
/// <param name="From">Where they come from, in words.</param>
public sealed record ThresholdSetting(float Threshold, float? PixelGiven, Calibration? Calibration, string From)
{
    /// <summary>A pixel is defective above this score: where nothing was calibrated nor given, above the image's
    /// threshold.</summary>
    public float PixelThreshold => PixelGiven ?? Calibration?.PixelThreshold ?? Threshold;

    /// <summary>Of an earlier setting that <c>learn</c> ended: how far the memory reached.</summary>
    public MemoryExtent? Memory { get; init; }
}
