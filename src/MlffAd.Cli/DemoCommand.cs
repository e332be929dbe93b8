using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MlffAd.Configuration;
using MlffAd.Data;
using MlffAd.Demo;
using MlffAd.Evaluation;
using MlffAd.Files;
using MlffAd.Kernels.Runtime;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary>How large the demo is.</summary>
/// <param name="Config">The configuration, but for the seed.</param>
/// <param name="Images">Images to train on, repetitions counted, of each material.</param>
/// <param name="Limit">Time after which training on a material ends at the latest, on a slow machine.</param>
/// <param name="Train">Good photographs to learn from.</param>
/// <param name="Good">Good photographs to test with.</param>
/// <param name="Defective">Photographs of each kind of defect.</param>
internal sealed record DemoPlan(Config Config, long Images, TimeSpan Limit, int Train, int Good, int Defective)
{
    /// <summary>Some four minutes on two cores. At 128 × 128 an image costs so little that there are enough of them for preset fast's rate to settle.</summary>
    public static DemoPlan Default { get; } = new(Preset.Find("fast").With("imageSize", "128").With("train.bn", "frozen"),
        Images: 1800, TimeSpan.FromSeconds(125), Train: 60, Good: 20, Defective: 8);
}

/// <summary><c>mlffad demo</c>: the whole job on photographs that it draws itself.</summary>
internal static class DemoCommand
{
    public static Command Create(DemoPlan plan)
    {
        var folder = new Option<string>("--output") { Description = "Where photographs, models and reports go.", HelpName = "DIR", DefaultValueFactory = _ => "mlffad-demo" };
        var seed = CommonOptions.AtLeast(0, new Option<int>("--seed") { Description = "Seed of the photographs and of training.", HelpName = "N", DefaultValueFactory = _ => 0 });
        var verb = new Verb("demo", "Shows the whole job in a few minutes: draws photographs of two materials, learns from the good ones, finds the defects, writes reports. Needs no data.",
            "mlffad demo", "mlffad demo --output demo --json demo.json")
        { folder, CommonOptions.Json, seed, CommonOptions.Device, CommonOptions.Multiplying, CommonOptions.Threads };
        verb.SetAction((parse, stop) => Task.FromResult(Run(parse, plan, parse.GetRequiredValue(folder), parse.GetValue(seed), stop)));
        return verb;
    }

    private static int Run(ParseResult parse, DemoPlan plan, string folder, int seed, CancellationToken stop)
    {
        var output = parse.InvocationConfiguration.Output;
        bool quiet = parse.GetValue(CommonOptions.Quiet);
        void Say(string line) { if (!quiet) output.WriteLine(line); }

        var time = Stopwatch.StartNew();
        string? json = parse.GetValue(CommonOptions.Json);
        if (json is not null) AtomicFile.RequireWritable(json);
        string photographs = Path.Combine(folder, "photographs");
        OutputFolder.Make(photographs);
        using var device = parse.OpenDevice();
        var config = plan.Config.With("train.seed", seed.ToString(CultureInfo.InvariantCulture)).Validate();
        Say($"Drawing photographs of {string.Join(" and ", DemoData.Materials)} into '{photographs}': {plan.Train} good ones to learn from, {plan.Good} good and {4 * plan.Defective} defective ones to test with, each.");
        DemoData.Write(photographs, seed, train: plan.Train, good: plan.Good, defective: plan.Defective, threads: parse.GetValue(CommonOptions.Threads), stop: stop);

        var done = new List<(string Name, EvaluationResult Result, string Page)>();
        foreach (string material in DemoData.Materials)
        {
            Say($"Training on {material}, on {device.Id}: {plan.Images} images at {config.ImageSize} × {config.ImageSize} pixels, each photograph many times, half of them with pseudo anomalies; {Duration.Text(plan.Limit)} at most.");
            var request = new TrainingRequest(Path.Combine(photographs, material), Path.Combine(folder, $"{material}.mlffad"), config) { MaxImages = plan.Images, TimeBudget = plan.Limit };
            var outcome = new TrainingDisplay(output, quiet).Show((say, onStep) => Trainer.Train(request, device, say, onStep, stop));
            if (outcome.Interrupted) throw new OperationCanceledException(stop);
            done.Add(Evaluate(parse, request, material, folder, device));
        }
        foreach (var (name, result, _) in done)
        {
            output.WriteLine($"{name}:");
            EvaluationTable.Render(result, Tables.Console(output));
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Means: image AUROC {Mean(r => r.Image.Auroc):0.0000}, pixel AUROC {Mean(r => r.Pixel?.Auroc):0.0000}, PRO {Mean(r => r.Pixel?.Pro):0.0000}."));
        if (json is not null) EvaluationJson.WriteMeans(json, [.. done.Select(d => (d.Name, d.Result))]);
        foreach (var (name, _, page) in done) Say($"The report on {name}, with every picture: '{page}'.");
        Say($"Done in {Duration.Text(time.Elapsed)}. On photographs of your own: mlffad train DIR -o part.mlffad");
        return (int)ExitCode.Success;

        double? Mean(Func<EvaluationResult, double?> of) => done.Average(d => of(d.Result));
    }

    private static (string Name, EvaluationResult Result, string Page) Evaluate(ParseResult parse, TrainingRequest request, string material, string folder, Device device)
    {
        var model = Model.Load(request.Output);
        var set = DataSet.Open(request.Folder);
        var result = EvaluateCommand.Run(parse, model, set, new(model.Metadata.Config.ImageSize), device);
        return (material, result, EvaluateCommand.WriteReport(OutputFolder.Make(Path.Combine(folder, $"{material}-report")), model, request.Output, set, result));
    }
}
