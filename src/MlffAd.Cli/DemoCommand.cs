using System.CommandLine;
using System.Diagnostics;
using MlffAd.CommandLine;
using MlffAd.Demo;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary>How large the demo is.</summary>
/// <param name="Memory">The memory's configuration, but for the seed.</param>
/// <param name="Network">The network's, but for the seed.</param>
/// <param name="Images">Images to train the network on, repetitions counted, of each material.</param>
/// <param name="Train">Good photographs to learn from.</param>
/// <param name="Good">Good photographs to test with.</param>
/// <param name="Defective">Photographs of each kind of defect.</param>
internal sealed record DemoPlan(Config Memory, Config Network, long Images, int Train, int Good, int Defective)
{
    /// <summary>Some minutes on two cores. At 128 × 128 an image costs so little that there are enough of them for
    /// preset fast's rate to settle, and has so few cells that a small memory covers them.</summary>
    public static DemoPlan Default { get; } = new(
        Preset.Find("memory").With("imageSize", "128").With("memory.size", "2000"),
        Preset.Find("fast").NetworkAlone.With("imageSize", "128"),
        Images: 1800, Train: 60, Good: 20, Defective: 8);
}

/// <summary><c>mlffad demo</c>: the whole job on photographs that it draws itself.</summary>
internal sealed class DemoCommand
{
    private readonly ParseResult _parse;
    private readonly DemoPlan _plan;
    private readonly string _folder, _photographs;
    private readonly TextWriter _output;
    private readonly CancellationToken _stop;

    private DemoCommand(ParseResult parse, DemoPlan plan, string folder, CancellationToken stop)
    {
        (_parse, _plan, _folder, _stop) = (parse, plan, folder, stop);
        (_photographs, _output) = (Path.Combine(folder, "photographs"), parse.InvocationConfiguration.Output);
    }

    private bool IsQuiet => _parse.GetValue(CommonOptions.Quiet);

    public static Command Create(DemoPlan plan)
    {
        var folder = new Option<string>("--output")
        {
            Description = "Where photographs, models and reports go.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "mlffad-demo",
        };
        var seed = CommonOptions.AtLeast(0, new Option<int>("--seed")
        {
            Description = "Seed of the photographs and of training.",
            HelpName = "N",
            DefaultValueFactory = _ => 0,
        });
        var verb = new Verb("demo", "Shows the whole job in a few minutes: draws photographs of two materials, learns "
            + "from the good ones, finds the defects, writes reports; with a memory, which takes seconds, then with "
            + "the network. Needs no data.",
            "mlffad demo", "mlffad demo --output demo --json demo.json")
        { folder, CommonOptions.Json, seed, CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads };
        verb.SetAction((parse, stop) =>
        {
            var demo = new DemoCommand(parse, plan, parse.GetRequiredValue(folder), stop);
            return Task.FromResult(demo.Run(parse.GetValue(seed).ToString(CultureInfo.InvariantCulture)));
        });
        return verb;
    }

    private int Run(string seed)
    {
        var time = Stopwatch.StartNew();
        string? json = _parse.GetValue(CommonOptions.Json);
        if (json is not null) AtomicFile.RequireWritable(json);
        OutputFolder.Make(_photographs);
        using var device = _parse.OpenDevice();
        Config memory = _plan.Memory.With("train.seed", seed).Validate();
        Config network = _plan.Network.With("train.seed", seed).Validate();
        Say($"Drawing photographs of {string.Join(" and ", DemoData.Materials)} into '{_photographs}': {_plan.Train} "
            + $"good ones to learn from, {_plan.Good} good and {4 * _plan.Defective} defective ones to test with, "
            + "each.");
        DemoData.Write(_photographs, network.Train.Seed,
            counts: new(_plan.Train, _plan.Good, _plan.Defective), threads: _parse.GetValue(CommonOptions.Threads), stop: _stop);
        var (memories, networks) = (new List<Shown>(), new List<Shown>());
        foreach (string material in DemoData.Materials)
        {
            memories.Add(Remember(material, memory, device));
            networks.Add(Train(material, network, device));
        }
        WriteMeans("memory", memories);
        WriteMeans("network", networks);
        if (json is not null) EvaluationJson.WriteMeans(json, Results(networks), Results(memories));
        foreach (var shown in memories.Zip(networks).SelectMany(pair => new[] { pair.First, pair.Second }))
            Say($"The report on {shown.Title}, with every picture: '{shown.Page}'.");
        Say($"Done in {Duration.Text(time.Elapsed)}. On photographs of your own: mlffad train DIR -o part.mlffad, "
            + "with --preset memory, or --preset fast --memory.size 0 for the network.");
        return (int)ExitCode.Success;
    }

    private Shown Remember(string material, Config config, Device device)
    {
        Say(string.Create(CultureInfo.InvariantCulture,
            $"Remembering {material}, on {device.Id}: {config.Memory.Size:#,0} cells of {_plan.Train} good photographs "
            + $"at {config.ImageSize} × {config.ImageSize} pixels."));
        var request = Request(material, $"{material}.memory.mlffad", config);
        var outcome = new TrainingDisplay(_output, IsQuiet).Show((say, onProgress) =>
            MemoryTrainer.Train(request, device, say, onProgress, _stop));
        return Show(material, "memory", request, outcome, device, $"{material}-memory-report");
    }

    private Shown Train(string material, Config config, Device device)
    {
        Say($"Training on {material}, on {device.Id}: {_plan.Images} images at {config.ImageSize} × {config.ImageSize} "
            + "pixels, each photograph many times, half of them with pseudo anomalies.");
        var request = Request(material, $"{material}.mlffad", config) with { MaxImages = _plan.Images };
        var outcome = new TrainingDisplay(_output, IsQuiet).Show((say, onStep) =>
            Trainer.Train(request, device, say, onStep, _stop));
        return Show(material, "network", request, outcome, device, $"{material}-report");
    }

    private TrainingRequest Request(string material, string model, Config config) =>
        new(Path.Combine(_photographs, material), Path.Combine(_folder, model), config) { Restart = true };

    /// <summary>Evaluates what was learnt, and prints its table at once.</summary>
    private Shown Show(string material, string learner, TrainingRequest request, TrainingOutcome outcome, Device device,
        string pages)
    {
        if (outcome.Interrupted) throw new OperationCanceledException(_stop);
        string title = $"{material}, {learner}";
        var model = Model.Load(request.Output);
        var set = DataSet.Open(request.Folder);
        var result = EvaluateCommand.Run(_parse, model, set, new(model.Metadata.Config.ImageSize), device, stop: _stop);
        _output.WriteLine($"{title}, learnt in {Duration.Text(outcome.Elapsed)}:");
        EvaluationTable.Render(result, _output);
        string folder = OutputFolder.Make(Path.Combine(_folder, pages));
        string page = EvaluateCommand.WriteReport(folder, title, model, request.Output, set, result);
        return new(material, title, result, page);
    }

    private void WriteMeans(string learner, IReadOnlyList<Shown> shown)
    {
        double? Mean(Func<EvaluationResult, double?> of) => shown.Average(s => of(s.Result));
        Tables.WriteLine(_output, string.Create(CultureInfo.InvariantCulture,
            $"Means, {learner}: image AUROC {Mean(r => r.Image.Auroc):0.0000}, "
            + $"pixel AUROC {Mean(r => r.Pixel?.Auroc):0.0000}, PRO {Mean(r => r.Pixel?.Pro):0.0000}."));
    }

    private static (string Name, EvaluationResult Result)[] Results(IEnumerable<Shown> shown) =>
        [.. shown.Select(s => (s.Material, s.Result))];

    private void Say(string line)
    {
        if (!IsQuiet) Tables.WriteLine(_output, line);
    }

    /// <summary>A model of a material, how it did, and the page that says so.</summary>
    private sealed record Shown(string Material, string Title, EvaluationResult Result, string Page);
}
