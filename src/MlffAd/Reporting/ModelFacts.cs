using System.Globalization;
using MlffAd.Configuration;
using MlffAd.Weights;

namespace MlffAd.Reporting;

/// <summary>What a model says of itself: its verdict, its training, its configuration.</summary>
public static class ModelFacts
{
    /// <summary>Three tables.</summary>
    public static IReadOnlyList<ReportFacts> Of(ModelMetadata model) => [Verdict(model), Training(model.Training), Configuration(model.Config)];

    private static ReportFacts Verdict(ModelMetadata model) => new("Model",
    [
        ("trained on", model.Class),
        ("image threshold", Number(model.Threshold)),
        ("pixel threshold", Number(model.PixelThreshold)),
        ("calibration", model.Calibration is { } c
            ? string.Create(CultureInfo.InvariantCulture, $"{c.Images} good images, scores {Number(c.Scores[0])} to {Number(c.Scores[^1])}; quantiles {c.ImageQuantile} of images, {c.PixelQuantile} of pixels")
            : "none: the threshold was given"),
        ("input", string.Create(CultureInfo.InvariantCulture, $"{model.Config.ImageSize} × {model.Config.ImageSize} pixels, {model.Preprocessing.Order}")),
    ]);

    private static ReportFacts Training(TrainingRecord training) => new("Training",
    [
        ("images seen", training.Images.ToString("#,0", CultureInfo.InvariantCulture)),
        ("whole epochs", training.Epochs.ToString(CultureInfo.InvariantCulture)),
        ("seed", training.Seed.ToString(CultureInfo.InvariantCulture)),
        ("backbone weights", training.Weights),
        .. training.Losses is { } l
            ? [("last losses", $"{Number(l.Total)}: feature {Number(l.Lf)}, score {Number(l.Ls)}, consistency {Number(l.Lfs)}")]
            : Array.Empty<(string, string)>(),
    ]);

    /// <summary>A row for each section, so that all keys fit on a screen.</summary>
    private static ReportFacts Configuration(Config config) => new("Configuration",
        [.. Config.Keys.GroupBy(key => key.Name.LastIndexOf('.') is > 0 and var dot ? key.Name[..dot] : key.Name).Select(section =>
            (section.Key, string.Join(" · ", section.Select(key => key.Name == section.Key ? config.Get(key.Name) : $"{key.Name[(section.Key.Length + 1)..]} {config.Get(key.Name)}"))))]);

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
