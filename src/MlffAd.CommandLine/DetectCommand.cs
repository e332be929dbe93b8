using System.CommandLine;

namespace MlffAd.CommandLine;

/// <summary><c>mlffad detect</c>: a verdict on each image.</summary>
internal sealed class DetectCommand
{
    private const int LongestPath = 4096;

    private readonly Argument<string> _model = CommonOptions.Model();
    private readonly Argument<string[]> _paths = new("PATH")
    {
        Description = "Images, or folders with images.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _heatmaps = new("--heatmaps")
    {
        Description = "Draw each image, coloured where it looks defective, into this folder.",
        HelpName = "DIR",
    };

    private readonly Option<string?> _csv = new("--csv")
    {
        Description = "Also write the result to this file: path,score,verdict,x,y,w,h.",
        HelpName = "FILE",
    };

    private readonly Option<float?> _threshold = new Option<float?>("--threshold")
    {
        Description = "An image is defective above this score; the model's own threshold, unless given.",
        HelpName = "SCORE",
    }.Within(float.MinValue, float.MaxValue);

    private readonly Option<float?> _pixelThreshold = new Option<float?>("--pixel-threshold")
    {
        Description = "A pixel is defective above this score: for boxes and heat maps; the model's own, unless given.",
        HelpName = "SCORE",
    }.Within(float.MinValue, float.MaxValue);

    private DetectCommand(Verb verb)
    {
        verb.Arguments.Add(_model);
        verb.Arguments.Add(_paths);
        foreach (var option in new Option[]
        {
            _heatmaps, _csv, CommonOptions.Json, _threshold, _pixelThreshold, CommonOptions.Device,
            CommonOptions.Precision, CommonOptions.Threads, CommonOptions.MaxPixels,
        }) verb.Options.Add(option);
        verb.SetAction((parse, stop) => Task.FromResult(Run(parse, stop)));
    }

    public static Command Create()
    {
        var verb = new Verb("detect",
            "Says of each image whether it shows a defect: score, verdict, and the box (x,y,w,h) "
            + "of the largest suspicious region.",
            "mlffad detect bottle.mlffad photographs/today",
            "mlffad detect bottle.mlffad part.png --heatmaps maps --csv result.csv");
        _ = new DetectCommand(verb);
        return verb;
    }

    private int Run(ParseResult parse, CancellationToken stop)
    {
        var error = parse.InvocationConfiguration.Error;
        var found = FoundImages.Of(parse.GetRequiredValue(_paths));
        string model = parse.GetRequiredValue(_model);
        var loaded = MlffAd.Model.Load(model);
        string? csv = parse.GetValue(_csv), json = parse.GetValue(CommonOptions.Json),
            folder = parse.GetValue(_heatmaps);
        string[]? maps = folder is null ? null
            : [.. HeatMapNames.Of(found.Images).Select(name => Path.Combine(folder, name))];
        var outputs = new OutputFiles().Add(csv).Add(json);
        foreach (string map in maps ?? []) outputs.Add(map);
        outputs.RequireApartFrom(found.Images.Select(image => image.Path).Append(model));
        if (folder is not null)
            OutputFolder.Make(folder, parse.GetRequiredValue(_paths)
                .Select(path => Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!));

        float threshold = parse.GetValue(_threshold) ?? loaded.Metadata.Threshold;
        float pixelThreshold = parse.GetValue(_pixelThreshold) ?? loaded.Metadata.PixelThreshold;
        using var files = new FindingFiles(csv, json, threshold, pixelThreshold);
        var seen = new Seen(parse, files);
        using var detector = new Detector(loaded, new()
        {
            Device = parse.GetRequiredValue(CommonOptions.Device),
            Precision = parse.GetValue(CommonOptions.Precision),
            Threads = parse.GetValue(CommonOptions.Threads),
            Threshold = threshold,
            PixelThreshold = pixelThreshold,
            MaxPixels = parse.GetValue(CommonOptions.MaxPixels),
        });
        try
        {
            foreach (Finding finding in detector.Inspect(found))
            {
                stop.ThrowIfCancellationRequested();
                if (maps is not null && finding.Score is not null) Draw(maps[files.Count], finding.DrawHeatMap());
                seen.Add(finding);
            }
            files.Finish(complete: true);
        }
        catch (Exception e)
        {
            // What was judged is not lost with the rest, if it can be written at all.
            try { files.Finish(complete: false); }
            catch (MlffAdException) { }
            error.WriteLine($"mlffad: {files.Count} of {found.Images.Count + found.PassedOver.Count} judged.");
            if (e is OperationCanceledException) return (int)ExitCode.Interrupted;
            throw;
        }
        if (found.PassedOver.Count > 0)
            error.WriteLine($"mlffad: {found.PassedOver.Count} of {files.Count} images were not judged.");
        if (found.LeftOut is { } leftOut && !parse.GetValue(CommonOptions.Quiet)) error.WriteLine($"mlffad: {leftOut}");
        return (int)seen.Code;
    }

    private static void Draw(string path, RgbImage picture)
    {
        OutputFolder.MakeBelow(Path.GetDirectoryName(path)!);
        ImageFile.WritePng(path, picture);
    }

    /// <summary>Prints and writes findings, and remembers what they come to.</summary>
    private sealed class Seen(ParseResult parse, FindingFiles files)
    {
        private readonly HashSet<ExitCode> _codes = [];

        /// <summary>The gravest: what was not judged counts more than a defect, for nobody knows
        /// what it shows.</summary>
        public ExitCode Code =>
            new[] { ExitCode.BadModel, ExitCode.BadData, ExitCode.Defect }.FirstOrDefault(_codes.Contains);

        public void Add(Finding finding)
        {
            files.Add(finding);
            _codes.Add(finding.Code);
            // The path last, since it may hold anything.
            string box = finding.Box is { } b
                ? string.Create(CultureInfo.InvariantCulture, $"{b.X},{b.Y},{b.Width},{b.Height}") : "-";
            string score = finding.Score?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-";
            parse.InvocationConfiguration.Output.WriteLine(
                $"{score,8}  {finding.Verdict,-10}  {box,-19}  "
                + Shown.Text(finding.Path, LongestPath));
            if (finding.Error is { } why) parse.InvocationConfiguration.Error.WriteLine($"mlffad: {why}");
        }
    }
}
