using System.CommandLine;
using MlffAd.CommandLine;
using MlffAd.Reporting;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad evaluate</c>: how well a model finds the defects of a test set.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var path = CommonOptions.Model();
        var folder = new Argument<string>("DIR")
        {
            Description = "A data set in MVTec AD's layout: test/good, test/KIND, and ground_truth/KIND for masks.",
        };
        var report = new Option<string?>("--report")
        {
            Description = "Also write a page with curves, histogram and pictures: DIR/index.html.",
            HelpName = "DIR",
        };
        var tiff = new Option<string?>("--tiff")
        {
            Description = "Also write the anomaly maps as TIFF files, for the benchmark's own evaluation script.",
            HelpName = "DIR",
        };
        var pro = new Option<string>("--pro")
        {
            Description = "Which region overlap: mvtec (the benchmark's own) or rd4ad (the variant behind many "
                + "published tables).",
            HelpName = "NAME",
            DefaultValueFactory = _ => "mvtec",
        };
        var limit = new Option<double>("--pro-limit")
        {
            Description = "False-positive rate up to which the region overlap is integrated.",
            HelpName = "RATE",
            DefaultValueFactory = _ => 0.3,
        }.Within(1e-6, 1);
        var resolution = new Option<string>("--resolution")
        {
            Description =
                "Size of pixel figures: network (the model's image size) or original (each photograph's own).",
            HelpName = "SIZE",
            DefaultValueFactory = _ => "network",
        };
        OneOf(pro, "mvtec", "rd4ad");
        OneOf(resolution, "network", "original");
        var verb = new Verb("evaluate",
            "Measures how well a model finds the defects of a test set: AUROC, average precision, F1-max, region "
                + "overlap; per kind and over all.", "mlffad evaluate bottle.mlffad photographs/bottle",
            "mlffad evaluate bottle.mlffad photographs/bottle --report bottle-report --json bottle.json")
        {
            path, folder, CommonOptions.Json, report, tiff, pro, limit, resolution,
            CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads, CommonOptions.MaxBad,
                CommonOptions.MaxPixels,
        };
        verb.SetAction((parse, stop) =>
        {
            string file = parse.GetRequiredValue(path);
            var model = MlffAd.Model.Load(file);
            var set = parse.OpenDataSet(parse.GetRequiredValue(folder));
            var options = new EvaluationOptions(model.Metadata.Config.ImageSize, parse.GetValue(pro) == "mvtec"
                ? ProMethod.Mvtec
                : ProMethod.Rd4ad, parse.GetValue(limit), parse.GetValue(resolution) == "original");
            // What cannot be written is said before the images are scored, not after.
            string? json = parse.GetValue(CommonOptions.Json);
            string? pages = parse.GetValue(report), maps = parse.GetValue(tiff);
            var tiffs = maps is null ? []
                : TiffMaps.PathsOf(maps, Name(set), set.Test.Select(item => (item.Name, item.Kind)));
            var outputs = new OutputFiles().Add(json).Add(pages is null ? null : Path.Combine(pages, "index.html"));
            foreach (string map in tiffs) outputs.Add(map);
            outputs.RequireApartFrom(
                [.. set.Train.Concat(set.Test).SelectMany(item => new[] { item.Path, item.Mask }), file,
                TrainingRequest.LogOf(file)]);
            if (json is not null) AtomicFile.RequireWritable(json);
            foreach (string? made in new[] { pages, maps }) if (made is not null) OutputFolder.Make(made, set.Root);

            using var device = parse.OpenDevice();
            long maxPixels = parse.GetValue(CommonOptions.MaxPixels);
            var result = Run(parse, model, set, options, device, parse.GetValue(CommonOptions.MaxBad), maxPixels, stop);
            var output = parse.InvocationConfiguration.Output;
            EvaluationTable.Render(result, output);
            foreach (string remark in result.Remarks) parse.InvocationConfiguration.Error.WriteLine(
                $"mlffad: {remark}");
            if (json is not null) EvaluationJson.Write(json, result);
            if (maps is not null) TiffMaps.Write(maps, Name(set), result);
            if (pages is not null)
            {
                string page = WriteReport(pages, Name(set), model, file, set, result, maxPixels);
                if (!parse.GetValue(CommonOptions.Quiet)) Tables.WriteLine(output, $"The report is '{page}'.");
            }
            return Task.FromResult((int)ExitCode.Success);
        });
        return verb;
    }

    /// <summary>Evaluates, counting images on the terminal.</summary>
    internal static EvaluationResult Run(ParseResult parse, Model model, DataSet set, EvaluationOptions options,
        Device device, double maxBad = 0.05, long maxPixels = ImageFile.MaxPixels,
        CancellationToken stop = default)
    {
        using var scorer = new Scorer(model, device);
        using var counter = new Counter(parse, set.Test.Count);
        return Evaluator.Run(scorer, model.Metadata, set, options, maxBad, maxPixels, (_, error) =>
        {
            stop.ThrowIfCancellationRequested();
            counter.Next(error);
        });
    }

    /// <summary>Writes the page, with what training's log says where that still lies beside the model.</summary>
    /// <returns>The page's path.</returns>
    internal static string WriteReport(string folder, string title, Model model, string modelPath, DataSet set,
        EvaluationResult result, long maxPixels = ImageFile.MaxPixels)
    {
        string page = Path.Combine(folder, "index.html"), log = TrainingRequest.LogOf(modelPath);
        bool isLogged = File.Exists(log);
        RgbImage Photo(TestImage image) => ImageFile.Read(Path.Combine(set.Root, image.Path), maxPixels,
            model.Metadata.Config.BitDepth);
        HtmlReport.Write(page, new Report(title, result, Photo)
        {
            Losses = isLogged ? TrainingLog.Losses(log) : [],
            Facts =
            [
                .. ModelFacts.Of(model), .. ModelFacts.Making(isLogged ? TrainingLog.Phases(log) : []),
                .. ModelFacts.Tried(model.Metadata),
            ],
            Scale = ColourScale.Of(model.Metadata.Config, result.PixelThreshold),
        });
        return page;
    }

    private static string Name(DataSet set) =>
        Path.GetFileName(Path.GetFullPath(set.Root).TrimEnd(Path.DirectorySeparatorChar));

    private static void OneOf(Option<string> option, params string[] words) => option.Validators.Add(result =>
    {
        if (result.Tokens.Count > 0 && !words.Contains(result.Tokens[0].Value))
            result.AddError($"{option.Name} takes {string.Join(" or ", words)}, not '{result.Tokens[0].Value}'.");
    });
}
