using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad threshold</c>: sets a model's thresholds anew, or back.</summary>
internal sealed class ThresholdCommand
{
    private const int MostNamed = 10;

    private readonly Argument<string> _model = CommonOptions.Model();
    private readonly Argument<string?> _folder = new("DIR")
    {
        Description = "A folder of good images that the model was not trained on; of a data set in MVTec AD's layout, "
            + "those in train/good.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<float?> _value = new Option<float?>("--value")
    {
        Description = "Instead of images: an image is defective above this score.",
        HelpName = "SCORE",
    }.Within(float.MinValue, float.MaxValue);

    private readonly Option<float?> _pixelValue = new Option<float?>("--pixel-value")
    {
        Description = "Instead of images: a pixel is defective above this score.",
        HelpName = "SCORE",
    }.Within(float.MinValue, float.MaxValue);

    private readonly Option<bool> _undo =
        new("--undo") { Description = "Go back to before the last 'threshold' or 'learn'; 'mlffad show' lists them." };
    private readonly Option<bool> _dryRun =
        new("--dry-run") { Description = "Say what the thresholds would be, and write nothing." };
    private readonly Option<bool> _force =
        new("--force") { Description = "Take the images although some score far above the rest." };
    private readonly ConfigOptions _keys;

    private ThresholdCommand(Verb verb)
    {
        verb.Arguments.Add(_model);
        verb.Arguments.Add(_folder);
        foreach (var option in new Option[]
        {
            _value, _pixelValue, _undo, _dryRun, _force, CommonOptions.Plain, CommonOptions.Device,
            CommonOptions.Precision,
            CommonOptions.Threads, CommonOptions.MaxBad, CommonOptions.MaxPixels,
        }) verb.Options.Add(option);
        _keys = new ConfigOptions(verb,
            Config.Keys.Where(key => key.Name.StartsWith("verdict.", StringComparison.Ordinal)));
        verb.Validators.Add(result =>
        {
            bool given = result.GetResult(_value) is not null || result.GetResult(_pixelValue) is not null;
            int ways = (result.GetResult(_folder) is { Tokens.Count: > 0 } ? 1 : 0) + (given ? 1 : 0)
                + (result.GetResult(_undo) is not null ? 1 : 0);
            if (ways != 1) result.AddError(
                "Give a folder of good images, or --value and --pixel-value, or --undo: one of these.");
        });
        verb.SetAction((parse, stop) => Task.FromResult(Run(parse, stop)));
    }

    public static Command Create()
    {
        var verb = new Verb("threshold", "Sets a model's thresholds anew from good images, as when the lighting has "
            + "changed; its network stays as it is.",
            "mlffad threshold bottle.mlffad photographs/good-today",
            "mlffad threshold bottle.mlffad photographs/good-today --dry-run",
            "mlffad threshold bottle.mlffad --value 4.9", "mlffad threshold bottle.mlffad --undo");
        _ = new ThresholdCommand(verb);
        return verb;
    }

    private int Run(ParseResult parse, CancellationToken stop)
    {
        string file = parse.GetRequiredValue(_model);
        var output = parse.InvocationConfiguration.Output;
        bool dry = parse.GetValue(_dryRun);
        if (parse.GetValue(_undo)) return Undo(output, file, file, dry);
        var model = MlffAd.Model.Load(file);
        var was = model.Metadata;
        if (!dry) AtomicFile.RequireWritable(file);
        var now = was.With(parse.GetValue(_folder) is { } folder ? Calibrate(parse, model, folder, stop)
            : Given(parse, was));
        if (!dry) ModelFile.Update(file, _ => now);
        WriteSetting(output, was, now, now.From == "given" ? "as given" : $"from {now.From}", dry);
        if (now.Calibration?.Caution is { } caution && parse.GetValue(_folder) is not null
            && !parse.GetValue(CommonOptions.Quiet))
            Tables.WriteLine(output, caution);
        return (int)ExitCode.Success;
    }

    /// <summary>Undoes what <c>threshold</c> or <c>learn</c> did last.</summary>
    internal static int Undo(TextWriter output, string file, string to, bool dry)
    {
        if (!dry) AtomicFile.RequireWritable(to);
        var (was, now) = ModelHistory.Undo(file, dry ? null : to);
        WriteSetting(output, was, now, $"as before, from {now.From}", dry);
        if (was.Earlier[^1].Memory is { } memory)
            Tables.WriteLine(output, string.Create(CultureInfo.InvariantCulture,
                $"The memory has {memory.Vectors:#,0} cells of {memory.Learnt:#,0} images, as before (was "
                + $"{was.Config.Memory.Size:#,0} of {was.Training.Images:#,0})."));
        return (int)ExitCode.Success;
    }

    /// <summary>Says what thresholds there are.</summary>
    internal static void WriteSetting(TextWriter output, ModelMetadata was, ModelMetadata now, string from, bool dry) =>
        Tables.WriteLine(output,
            string.Create(CultureInfo.InvariantCulture,
            $"Image threshold {now.Threshold:0.000} (was {was.Threshold:0.000}), "
            + $"pixel threshold {now.PixelThreshold:0.000} (was {was.PixelThreshold:0.000}), {from}.")
            + (dry ? " Nothing was written (--dry-run)." : ""));

    private ThresholdSetting Given(ParseResult parse, ModelMetadata was)
    {
        float threshold = parse.GetValue(_value) ?? was.Threshold;
        return new(threshold, parse.GetValue(_pixelValue) ?? was.PixelGiven, was.Calibration is { } c
            ? c with { Threshold = threshold } : null, "given");
    }

    private ThresholdSetting Calibrate(ParseResult parse, Model model, string folder, CancellationToken stop)
    {
        var error = parse.InvocationConfiguration.Error;
        var asked = model.Metadata with { Config = _keys.Apply(parse, model.Metadata.Config) };
        var set = parse.OpenDataSet(folder);
        set.RequireTrain();
        foreach (string copies in set.CopyCautions()) error.WriteLine($"mlffad: {copies}");
        var good = Holdout.Different(set.Train);
        new OutputFiles().Add(parse.GetRequiredValue(_model)).RequireApartFrom(good.Select(item => item.Path));
        using var device = parse.OpenDevice();
        using var scorer = new Scorer(model with { Metadata = asked }, device);
        IReadOnlyList<ScoredImage> scored;
        using (var counter = new Counter(parse, good.Count))
            scored = scorer.ScoreGood(good, parse.GetValue(CommonOptions.MaxBad),
                parse.GetValue(CommonOptions.MaxPixels), (_, bad) =>
            {
                stop.ThrowIfCancellationRequested();
                counter.Next(bad);
            });
        if (scored.Count < Holdout.FewestHeld)
            throw new MlffAdException(ExitCode.BadData,
                $"{scored.Count} good images are too few to set a threshold with "
                + $"(at least {Holdout.FewestHeld}, better 100); add some.");
        var calibration = Calibrator.Calibrate(scored, asked.Config);
        var before = model.Metadata.Calibration;
        if (before is not null && Calibrator.LevelChange(before, calibration) is { } level
            && !parse.GetValue(CommonOptions.Quiet))
            Tables.WriteLine(parse.InvocationConfiguration.Output, level);
        var outstanding = Outstanding.Of([.. scored.Select(image => image.Score)], before);
        string from = $"{calibration.Images} good images";
        if (outstanding.Count == 0) return new(calibration.Threshold, null, calibration, from);
        string names = string.Join(", ", outstanding.Take(MostNamed).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"'{scored[i].Item.Name}' ({scored[i].Score:0.000})")));
        string what = $"{outstanding.Count} of {scored.Count} images score far above the rest: {names}"
            + (outstanding.Count > MostNamed ? " …" : "");
        if (!parse.GetValue(_force))
            throw new MlffAdException(ExitCode.BadData,
                $"{what}; if they show defects, defects would pass: move them and their like out of the folder, "
                + "or give --force.");
        error.WriteLine($"mlffad: {what}.");
        return new(calibration.Threshold, null, calibration,
            $"{from}, forced: {outstanding.Count} score far above the rest");
    }
}
