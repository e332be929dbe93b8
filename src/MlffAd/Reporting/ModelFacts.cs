namespace MlffAd.Reporting;

/// <summary>What a model says of itself: its verdict, its training, its configuration.</summary>
public static class ModelFacts
{
    /// <summary>Three tables.</summary>
    public static IReadOnlyList<ReportFacts> Of(Model model) =>
        Of(model.Metadata, () => model.Weights[MemoryNetwork.Step][0], null);

    /// <inheritdoc cref="Of(Model)"/>
    /// <exception cref="MlffAdException">The model is damaged (exit code 4).</exception>
    public static IReadOnlyList<ReportFacts> Of(ModelFile model) =>
        Of(model.Metadata, () => model.Tensors.ReadFloats(MemoryNetwork.Step, [1, 1])[0],
            model.Tensors.Tensors.TryGetValue(KeptPictures.Kept, out var kept) && kept.Shape is [var count, ..] ? count
            : 0);

    /// <summary>What the phases of making a memory took, in a table; none where there were no phases.</summary>
    public static IReadOnlyList<ReportFacts> Making(IReadOnlyList<PhaseTime> phases) => phases.Count == 0 ? [] :
    [
        new("Making", [.. phases.Select(p =>
            (Shown.Text(p.Phase), string.Create(CultureInfo.InvariantCulture, $"{p.Seconds:0.0} s")))]),
    ];

    private static IReadOnlyList<ReportFacts> Of(ModelMetadata model, Func<double> step, int? kept) =>
    [
        Verdict(model),
        .. model.Config.HasMemory ? [Memory(model, step(), kept)] : Array.Empty<ReportFacts>(),
        .. model.Config.HasNetwork ? [Training(model.Training)] : Array.Empty<ReportFacts>(),
        Configuration(model.Config),
    ];

    private static ReportFacts Verdict(ModelMetadata model) => new("Model",
    [
        ("trained on", Shown.Text(model.Class)),
        ("image threshold", Number(model.Threshold)),
        ("pixel threshold", Number(model.PixelThreshold)),
        ("calibration", model.Calibration is { } c
            ? string.Create(CultureInfo.InvariantCulture,
                $"{c.Images} good images, scores {Number(c.Scores[0])} to {Number(c.Scores[^1])}; quantiles "
                    + $"{c.ImageQuantile} of images, {c.PixelQuantile} of pixels")
            : "none: the threshold was given"),
        .. Optional("quality", model.Quality?.InWords()),
        .. Warnings.Of(model).Select(warning => ("warning", warning)),
        ("thresholds from", Shown.Text(model.From)),
        .. model.Earlier.Reverse()
        .Select((e, i) => (i == 0 ? "before that" : "and before", string.Create(CultureInfo.InvariantCulture,
            $"image {Number(e.Threshold)}, pixel {Number(e.PixelThreshold)}, from {Shown.Text(e.From)}"))),
        ("input", string.Create(CultureInfo.InvariantCulture,
            $"{model.Config.ImageSize} × {model.Config.ImageSize} pixels, {model.Preprocessing.Order}")),
    ]);

    private static ReportFacts Training(TrainingRecord training) => new("Training",
    [
        .. Optional("photographs", training.Photographs?.ToString("#,0", CultureInfo.InvariantCulture)),
        ("images seen", training.Images.ToString("#,0", CultureInfo.InvariantCulture)),
        ("whole epochs", training.Epochs.ToString(CultureInfo.InvariantCulture)),
        ("seed", training.Seed.ToString(CultureInfo.InvariantCulture)),
        ("backbone weights", Shown.Text(training.Weights)),
        .. Optional("last losses", training.Losses is { } l
            ? $"{Number(l.Total)}: feature {Number(l.Lf)}, score {Number(l.Ls)}, consistency {Number(l.Lfs)}" : null),
        .. Optional("loss", training.LossTrend is { } trend
            ? $"over the last fifth of the steps {Number(trend)} of that over the fifth before" : null),
    ]);

    /// <summary>The numbers that a memory might have had, in a table; none where none were compared.</summary>
    public static IReadOnlyList<ReportFacts> Tried(ModelMetadata model) =>
        model?.Choice is not [_, ..] choice ? []
            : [new("Numbers tried", [.. choice.Select(candidate => (candidate.Numbers, candidate.Figures))])];

    private static ReportFacts Memory(ModelMetadata model, double step, int? kept)
    {
        var memory = model.Config.Memory;
        return new("Memory",
        [
            ("remembered", string.Create(CultureInfo.InvariantCulture, $"{memory.Size:#,0} cells")
                + (model.Config.HasNetwork ? ""
                    : string.Create(CultureInfo.InvariantCulture, $" of {model.Training.Images:#,0} images"))),
            .. Optional("network", !model.Config.HasNetwork ? null
                : $"counts {Number(memory.Network)} in the map, deviation for deviation; images are judged without it"),
            ("a cell", $"{memory.Width} numbers, of the backbone's stages {string.Join(", ", memory.From)}"),
            ("place", memory.Place == 0 ? "does not count"
                : $"one cell aside counts {Number(step)}, {Number(memory.Place)} of the usual distance "
                    + Number(step / memory.Place)),
            ("scaling", model.Config.Get("memory.scaling")),
            .. Optional("chosen", model.Choice is [var chosen, ..] ? $"{chosen.Numbers}, of {model.Choice.Count} such, "
                + $"by pseudo anomalies; AUROC of a small memory: {chosen.Figures}" : null),
            .. kept is { } pictures
                ? [("pictures kept", pictures == 0 ? "none" : string.Create(CultureInfo.InvariantCulture,
                    $"{pictures:#,0} of good parts, in the file, which 'learn' sets the threshold by"))]
                : Array.Empty<(string, string)>(),
            ("seed", model.Training.Seed.ToString(CultureInfo.InvariantCulture)),
            ("backbone weights", Shown.Text(model.Training.Weights)),
        ]);
    }

    /// <summary>A row for each section, so that all keys fit on a screen; without what does not concern the
    /// model.</summary>
    private static ReportFacts Configuration(Config config)
    {
        var keys = Config.Keys.Select(key => key.Name)
            .Where(key => config.HasNetwork ? config.HasMemory || !Config.IsOfMemory(key) : Config.ConcernsMemory(key))
            .Where(key => key != "bitDepth" || config.BitDepth != new Config().BitDepth);
        var sections = keys.GroupBy(key => key.LastIndexOf('.') is > 0 and var dot ? key[..dot] : key);
        return new("Configuration", [.. sections.Select(section => (section.Key, string.Join(" · ", section.Select(
            key => key == section.Key ? config.Get(key) : $"{key[(section.Key.Length + 1)..]} {config.Get(key)}"))))]);
    }

    private static (string, string)[] Optional(string name, string? value) => value is null ? [] : [(name, value)];

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
