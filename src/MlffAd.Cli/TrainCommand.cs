using System.CommandLine;
using MlffAd.CommandLine;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad train</c>: learns what good parts look like.</summary>
internal sealed class TrainCommand
{
    private readonly Argument<string> _folder = new("DIR")
    {
        Description = "A folder of photographs of good parts, or a data set in MVTec AD's layout.",
    };
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The model to write. Its log and, while a network trains, its state lie beside it.",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<long?> _maxImages = new Option<long?>("--max-images")
    {
        Description = "Train the network on this many images, repetitions counted, whatever the epochs.",
        HelpName = "N",
    }.Within(1, 1L << 40);

    private readonly Option<string?> _budget = new("--time-budget")
    {
        Description = "Be done within this time, such as 25m, 1h30m or 90s: a network uses all of it, or four fifths "
            + "where a memory is made beside it, and its learning rate follows; a memory gets smaller where it must.",
        HelpName = "TIME",
    };

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "Weights that the backbone starts from: a file of 'mlffad weights import', or none; the shipped "
            + "ones, unless given.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "Go on from the state that an interrupted training of a network saved, with its configuration.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _restart = new("--restart")
    {
        Description = "Begin anew although an interrupted training of this model could go on; its state is lost.",
    };

    private readonly Option<float?> _threshold = new Option<float?>("--threshold")
    {
        Description = "An image is defective above this score; set from good images, unless given.",
        HelpName = "SCORE",
    }.Within(float.MinValue, float.MaxValue);

    private readonly PresetOptions _config;

    private TrainCommand(Verb verb)
    {
        foreach (var option in new Option[] { _output, _maxImages, _budget, _weights, _resume, _threshold,
            CommonOptions.Plain, CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads,
            CommonOptions.MaxBad, CommonOptions.MaxPixels })
            verb.Options.Add(option);
        verb.Arguments.Add(_folder);
        _config = new(verb, "imageSize", "bitDepth", "memory.size", "train.epochs", "train.batch", "train.lr",
            "train.freeze",
            "train.bn", "train.holdout", "train.seed");
        _budget.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && Duration.Parse(result.Tokens[0].Value) is null)
                result.AddError(
                    $"--time-budget takes a time such as 25m, 1h30m or 90s, not '{result.Tokens[0].Value}'.");
        });
        verb.SetAction((parse, stop) => Task.FromResult(Run(parse, stop)));
    }

    public static Command Create()
    {
        var verb = new Verb("train", "Learns from photographs of good parts what is normal, and writes a model that "
            + "finds what is not. On a processor that is a memory of them, done within a minute; --preset fast trains "
            + "a network beside it, --preset paper the paper's alone.",
            "mlffad train photographs/bottle -o bottle.mlffad",
            "mlffad train good-parts -o part.mlffad --preset fast --time-budget 25m",
            "mlffad train good-parts -o part.mlffad --preset paper --device cuda --seed 1 --set train.schedule=cosine");
        _ = new TrainCommand(verb);
        return verb;
    }

    private int Run(ParseResult parse, CancellationToken stop)
    {
        var output = parse.InvocationConfiguration.Output;
        bool quiet = parse.GetValue(CommonOptions.Quiet);
        string model = parse.GetRequiredValue(_output);
        using var device = parse.OpenDevice();
        var given = _config.Given(parse);
        var (config, origin) = Choose(parse, device, given);
        var request = new TrainingRequest(parse.GetRequiredValue(_folder), model, config)
        {
            ExplicitKeys = given.Keys.ToHashSet(),
            Weights = parse.GetValue(_weights),
            MaxImages = parse.GetValue(_maxImages),
            TimeBudget = parse.GetValue(_budget) is { } budget ? Duration.Parse(budget) : null,
            Resume = parse.GetValue(_resume),
            Restart = parse.GetValue(_restart),
            Threshold = parse.GetValue(_threshold),
            Plain = parse.GetValue(CommonOptions.Plain),
            MaxBad = parse.GetValue(CommonOptions.MaxBad),
            MaxPixels = parse.GetValue(CommonOptions.MaxPixels),
        };
        RequireMeaning(config, given.Keys, _config.Preset(parse), request.Resume);
        if (!config.HasNetwork) return Remember(parse, request, device, Describe(device), origin, given, stop);
        if (!quiet) Tables.WriteLine(output, $"Training on {Describe(device)}, {origin}"
            + $"{string.Concat(given.Select(key => $", {key.Key} {key.Value}"))}, {Start(request)}.");
        var outcome = new TrainingDisplay(output,
            quiet).Show((say, onStep) => Trainer.Train(request, device, say, onStep, stop));
        if (outcome.Interrupted)
        {
            // How to go on is needed even by those who asked for quiet.
            parse.InvocationConfiguration.Error.WriteLine(
                $"mlffad: interrupted after {outcome.Images} images; the state is saved. To go on: "
                    + $"{ResumeLine(parse, request.StatePath)}");
            return (int)ExitCode.Interrupted;
        }
        if (!quiet) Summarise(output, request, outcome);
        return (int)ExitCode.Success;
    }

    /// <summary>The configuration, and in words where it comes from.</summary>
    private (Config Config, string Origin) Choose(ParseResult parse, Device device,
        IReadOnlyDictionary<string, string> given)
    {
        string? preset = _config.Preset(parse);
        var start = preset is null ? null : Preset.Find(preset);
        if (parse.GetValue(_resume) is { } resume) return (OfState(resume, given), $"the configuration of '{resume}'");
        if (start is not null) return (PresetOptions.Apply(start, given), $"preset {preset}");
        bool network = parse.GetValue(_maxImages) is not null || given.Keys.Any(key => !Config.ConcernsMemory(key));
        string name = given.Keys.Any(Config.IsOfMemory) || (device.IsHost && !network) ? "memory"
            : device.IsHost ? "fast" : "paper";
        string why = name == "fast" ? "what is set concerns the network" : device.IsHost
            ? "the default on a processor; a network beside it is --preset fast"
            : name == "memory" ? "whose keys are set" : "the default on a GPU";
        return (PresetOptions.Apply(Preset.Find(name), given), $"preset {name} ({why})");
    }

    /// <summary>The configuration that a training began with, whatever preset would be taken to begin it now.</summary>
    private static Config OfState(string path, IReadOnlyDictionary<string, string> given)
    {
        using var state = Checkpoint.Open(path);
        var config = state.Metadata.Config;
        state.RequireSame(given.Aggregate(config, (c, key) => c.With(key.Key, key.Value)), given.Keys);
        return config;
    }

    /// <summary>Refuses keys that would change nothing.</summary>
    private static void RequireMeaning(Config config, IEnumerable<string> given, string? preset, string? resume)
    {
        // Of what has both it leaves the network alone.
        bool sizeCounts = preset is not null && Preset.Find(preset).HasBoth;
        string? idle = given.FirstOrDefault(key => !config.HasNetwork
            ? !Config.ConcernsMemory(key) && key != "train.epochs"
            : !config.HasMemory && Config.IsOfMemory(key) && !(key == "memory.size" && sizeCounts));
        if (idle is null) return;
        throw new MlffAdException(ExitCode.Usage, config.HasMemory
            ? $"'{idle}' concerns the network, and a memory is made without it: leave it out, or "
                + "train a network beside it with '--preset fast'."
            : resume is not null ? $"'{idle}' concerns the memory, and '{resume}' is of a network: leave it out."
            : $"'{idle}' concerns the memory, and there is none: take '--preset memory', or a memory.size above 0.");
    }

    /// <summary>Makes a memory instead of training.</summary>
    private int Remember(ParseResult parse, TrainingRequest request, Device device, string where, string origin,
        IReadOnlyDictionary<string, string> given, CancellationToken stop)
    {
        var (output, quiet) = (parse.InvocationConfiguration.Output, parse.GetValue(CommonOptions.Quiet));
        MemoryTrainer.Require(request);
        if (!quiet) Tables.WriteLine(output, $"Learning on {where}, {origin}"
            + $"{string.Concat(given.Select(key => $", {key.Key} {key.Value}"))}, {Start(request)}.");
        var outcome = new TrainingDisplay(output, quiet)
            .Show((say, onProgress) => MemoryTrainer.Train(request, device, say, onProgress, stop));
        if (outcome.Interrupted)
        {
            parse.InvocationConfiguration.Error.WriteLine(
                "mlffad: interrupted before the memory stood; nothing was written.");
            return (int)ExitCode.Interrupted;
        }
        if (!quiet) Summarise(output, request, outcome);
        return (int)ExitCode.Success;
    }

    private static string Describe(Device device) =>
        $"{device.Id} "
            + $"({device.Name}{(device.IsHost ? $"; {device.Team.Count} thread{(device.Team.Count == 1 ? "" : "s")}" : "")})";

    private static string Start(TrainingRequest request) =>
        request.Resume is { } state ? $"resuming '{state}'"
        : request.Weights is { } file and not "none" ? $"from the weights '{file}'"
        : request.Weights is null && FitsShipped(request.Config.Backbone)
        ? "from the shipped ImageNet weights"
        : "from random weights";

    /// <summary>The shipped weights are of the paper's backbone; another starts from random ones.</summary>
    private static bool FitsShipped(BackboneConfig backbone) =>
        backbone.Width == new BackboneConfig().Width && backbone.Stages.SequenceEqual(new BackboneConfig().Stages);

    private void Summarise(TextWriter output, TrainingRequest request, TrainingOutcome outcome)
    {
        var metadata = outcome.Metadata!;
        if (metadata.Config.HasMemory && !request.Config.HasNetwork)
            Tables.WriteLine(output, string.Create(CultureInfo.InvariantCulture,
                $"Remembered {metadata.Config.Memory.Size:#,0} cells of {outcome.Images:#,0} images "
                + $"in {Duration.Text(outcome.Elapsed)}."));
        else
        {
            string skipped = outcome.SkippedSteps == 0 ? ""
                : $"; {outcome.SkippedSteps} steps were skipped, their numbers not finite";
            string good = outcome.StayedGood == 0 ? ""
                : $"; {outcome.StayedGood} images stayed good because no pseudo anomaly changed them enough";
            Tables.WriteLine(output, string.Create(CultureInfo.InvariantCulture,
                $"Trained on {outcome.Images:#,0} images in {Duration.Text(outcome.Elapsed)}{skipped}{good}."));
        }
        if (metadata.Config.HasBoth) Tables.WriteLine(output, string.Create(CultureInfo.InvariantCulture,
            $"Beside it {metadata.Config.Memory.Size:#,0} cells are remembered, which judge an image alone; in the map "
            + $"the network counts {metadata.Config.Memory.Network} to 1."));
        string given = request.Threshold is null ? "" : " as given";
        Tables.WriteLine(output, string.Create(CultureInfo.InvariantCulture,
            $"Image threshold {metadata.Threshold:0.000}{given}, pixel threshold {metadata.PixelThreshold:0.000}")
            + (metadata.Calibration is { } c ? $", from {c.Images} good images"
            + $"{(metadata.Config.HasMemory ? "" : " held out of training")}." : "."));
        if (metadata.Quality is { } quality)
            Tables.WriteLine(output, $"Quality {quality.InWords()} "
                + (metadata.Config.HasMemory ? "that were judged without themselves." : "that it had not seen."));
        foreach (string warning in Warnings.Of(metadata)) Tables.WriteLine(output, warning);
        string model = Quoted(request.Output);
        Tables.WriteLine(output, $"Wrote '{request.Output}'. 'mlffad detect {model} PATH' judges photographs, "
            + $"'mlffad evaluate {model} DIR' measures it on a test set.");
    }

    /// <summary>The command as it was typed, with the state to go on from.</summary>
    private string ResumeLine(ParseResult parse, string state)
    {
        string? resumed = parse.GetValue(_resume);
        var words = parse.Tokens.Select(token => token.Value).Where(word => word != _restart.Name).ToList();
        if (resumed is not null) words.RemoveRange(words.IndexOf(_resume.Name), 2);
        int end = words.IndexOf("--");
        words.InsertRange(end < 0 ? words.Count : end, [_resume.Name, state]);
        return $"mlffad {string.Join(' ', words.Select(Quoted))}";
    }

    private static string Quoted(string word) =>
        word.AsSpan().ContainsAny(" '\"*?[]$&;()<>|\\`#")
            ? $"\"{word.Replace("\"", "\\\"", StringComparison.Ordinal)}\""
            : word;
}
