using System.CommandLine;
using System.Globalization;
using MlffAd.Configuration;
using MlffAd.Data;
using MlffAd.Demo;
using MlffAd.Evaluation;
using MlffAd.Files;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad demo</c>: the whole job on photographs that it draws itself.</summary>
internal static class DemoCommand
{
    private const int Side = 128, Images = 400;

    public static Command Create()
    {
        var folder = new Option<string>("--output") { Description = "Where data, models and reports go.", HelpName = "DIR", DefaultValueFactory = _ => "mlffad-demo" };
        var seed = CommonOptions.AtLeast(0, new Option<int>("--seed") { Description = "Seed of the pictures and of training.", HelpName = "N", DefaultValueFactory = _ => 0 });
        var verb = new Verb("demo", "Shows the whole job in a few minutes: draws photographs of two materials, learns from the good ones, finds the defects, writes a report. Needs no data.",
            "mlffad demo", "mlffad demo --output demo --json demo.json")
        { folder, CommonOptions.Json, seed, CommonOptions.Device, CommonOptions.Threads };
        verb.SetAction((parse, stop) => Task.FromResult(Run(parse, parse.GetRequiredValue(folder), parse.GetValue(seed), stop)));
        return verb;
    }

    private static int Run(ParseResult parse, string folder, int seed, CancellationToken stop)
    {
        var output = parse.InvocationConfiguration.Output;
        bool quiet = parse.GetValue(CommonOptions.Quiet);
        string? json = parse.GetValue(CommonOptions.Json);
        if (json is not null) AtomicFile.RequireWritable(json);
        string data = Path.Combine(folder, "data");
        OutputFolder.Make(data);
        using var device = parse.OpenDevice();
        void Say(string line) { if (!quiet) output.WriteLine(line); }

        var config = Preset.Find("fast") with { ImageSize = Side };
        config = (config with { Train = config.Train with { Seed = seed } }).Validate();
        Say($"Drawing photographs of {string.Join(" and ", DemoData.Materials)} into '{data}'.");
        DemoData.Write(data, seed, size: 2 * Side, threads: parse.GetValue(CommonOptions.Threads), stop: stop);

        var results = new List<(string Name, EvaluationResult Result)>();
        var pages = new List<string>();
        foreach (string material in DemoData.Materials)
        {
            string file = Path.Combine(folder, $"{material}.mlffad");
            Say(string.Create(CultureInfo.InvariantCulture, $"Training on good {material}, on {device.Id}: {Side} × {Side} pixels, {Images} images, preset fast, from the shipped weights."));
            var request = new TrainingRequest(Path.Combine(data, material), file, config) { MaxImages = Images };
            var outcome = new TrainingDisplay(output, quiet).Show((say, onStep) => Trainer.Train(request, device, say, onStep, stop));
            if (outcome.Interrupted) throw new OperationCanceledException(stop);
            var model = Model.Load(file);
            var set = DataSet.Open(request.Folder);
            var result = EvaluateCommand.Run(parse, model, set, new(Side), device);
            results.Add((material, result));
            pages.Add(EvaluateCommand.WriteReport(OutputFolder.Make(Path.Combine(folder, $"{material}-report")), model, file, set, result));
        }
        foreach (var (name, result) in results)
        {
            output.WriteLine($"{name}:");
            EvaluationTable.Render(result, Tables.Console(output));
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Means: image AUROC {results.Average(r => r.Result.Image.Auroc):0.0000}, pixel AUROC {results.Average(r => r.Result.Pixel?.Auroc):0.0000}, "
            + $"PRO {results.Average(r => r.Result.Pixel?.Pro):0.0000}."));
        if (json is not null) EvaluationJson.WriteMeans(json, results);
        foreach (string page in pages) Say($"Report: '{page}'.");
        Say($"Your own photographs: mlffad train DIR -o model.mlffad");
        return (int)ExitCode.Success;
    }
}
