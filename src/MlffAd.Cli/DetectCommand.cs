using System.CommandLine;
using System.Globalization;
using MlffAd.Data;
using MlffAd.Detection;
using MlffAd.Files;

namespace MlffAd.Cli;

/// <summary><c>mlffad detect</c>: a verdict on each image.</summary>
internal static class DetectCommand
{
    public static Command Create()
    {
        var model = CommonOptions.Model();
        var paths = new Argument<string[]>("PATH") { Description = "Images, or folders with images.", Arity = ArgumentArity.OneOrMore };
        var heatmaps = new Option<string?>("--heatmaps") { Description = "Draw each image, coloured where it looks defective, into this folder.", HelpName = "DIR" };
        var csv = new Option<string?>("--csv") { Description = "Also write the result to this file: path,score,verdict,x,y,w,h.", HelpName = "FILE" };
        var threshold = new Option<float?>("--threshold")
        {
            Description = "An image is defective above this score; the model's own threshold, unless given.",
            HelpName = "SCORE",
        }.Within(float.MinValue, float.MaxValue);
        var verb = new Verb("detect", "Says of each image whether it shows a defect: score, verdict, and the box (x,y,w,h) of the largest suspicious region.",
            "mlffad detect bottle.mlffad photographs/today", "mlffad detect bottle.mlffad part.png --heatmaps maps --csv result.csv")
        { model, paths, heatmaps, csv, CommonOptions.Json, threshold, CommonOptions.Device, CommonOptions.Multiplying, CommonOptions.Threads, CommonOptions.MaxPixels };
        verb.SetAction(parse =>
        {
            var (output, error) = (parse.InvocationConfiguration.Output, parse.InvocationConfiguration.Error);
            var found = FoundImages.Of(parse.GetRequiredValue(paths));
            var items = found.Images;
            var loaded = MlffAd.Model.Load(parse.GetRequiredValue(model));
            string?[] files = [parse.GetValue(csv), parse.GetValue(CommonOptions.Json)];
            foreach (string? file in files) if (file is not null) AtomicFile.RequireWritable(file);
            var maps = parse.GetValue(heatmaps) is { } folder ? HeatMapNames.Of(items).Select(name => Path.Combine(OutputFolder.Make(folder), name)).ToArray() : null;

            float limit = parse.GetValue(threshold) ?? loaded.Metadata.Threshold, pixelLimit = loaded.Metadata.PixelThreshold;
            var findings = new List<Finding>();
            using var device = parse.OpenDevice();
            using var scorer = new Scorer(loaded, device);
            foreach (ScoredImage image in scorer.Score(items, parse.GetValue(CommonOptions.MaxPixels)))
            {
                var map = new Lazy<ScoreMap>(() => image.Cells!.Enlarge(image.Original!.Width, image.Original.Height));
                var finding = Finding.Of(image, () => map.Value, limit, pixelLimit);
                if (maps is not null && image.Original is { } photo) Draw(maps[findings.Count],
                    HeatMap.Overlay(photo, map.Value, ColourScale.Of(loaded.Metadata.Config, pixelLimit)));
                findings.Add(finding);
                output.WriteLine(Line(finding));
                if (finding.Error is { } why) error.WriteLine($"mlffad: {why}");
            }
            // What looks like an image and was not judged is never good.
            foreach (var image in found.PassedOver)
            {
                findings.Add(new(image.Name, null, false, null, $"'{image.Name}' was not judged: {image.Why}."));
                output.WriteLine(Line(findings[^1]));
                error.WriteLine($"mlffad: {findings[^1].Error}");
            }
            if (found.PassedOver.Count > 0)
                error.WriteLine($"mlffad: {found.PassedOver.Count} of {findings.Count} images were not judged.");
            if (found.LeftOut is { } leftOut
                && !parse.GetValue(CommonOptions.Quiet)) error.WriteLine($"mlffad: {leftOut}");
            if (files[0] is { } table) FindingFiles.WriteCsv(table, findings);
            if (files[1] is { } json) FindingFiles.WriteJson(json, findings, limit, pixelLimit);
            return (int)(findings.Any(finding => finding.Error is not null) ? ExitCode.BadData : findings.Any(finding => finding.IsDefect) ? ExitCode.Defect : ExitCode.Success);
        });
        return verb;
    }

    /// <summary>Score, verdict, box, path: the path last, since it may hold anything.</summary>
    private static string Line(Finding finding)
    {
        string box = finding.Box is { } b ? string.Create(CultureInfo.InvariantCulture, $"{b.X},{b.Y},{b.Width},{b.Height}") : "-";
        return $"{finding.Score?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-",8}  {finding.Verdict,-10}  {box,-19}  {finding.Path}";
    }

    private static void Draw(string path, RgbImage picture)
    {
        OutputFolder.Make(Path.GetDirectoryName(path)!);
        ImageFile.WritePng(path, picture);
    }
}
