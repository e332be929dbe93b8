using System.CommandLine;
using MlffAd.CommandLine;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad learn</c>: lets a memory learn more good parts, or forget them again.</summary>
internal sealed class LearnCommand
{
    private const int MostNamed = 10;

    private readonly Argument<string> _model = CommonOptions.Model();
    private readonly Argument<string?> _folder = new("DIR")
    {
        Description = "A folder of photographs of good parts that are new to the model, as those that it alarms at "
            + "falsely; of a data set in MVTec AD's layout, those in train/good.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = "Where to write the model that has learnt, instead of over it.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _good = new("--good")
    {
        Description = "More good images, which the model has not learnt, to set the threshold by: where it keeps none.",
        HelpName = "DIR",
    };

    private readonly Option<bool> _undo =
        new("--undo") { Description = "Go back to before the last 'learn' or 'threshold'; 'mlffad show' lists them." };
    private readonly Option<bool> _dryRun =
        new("--dry-run")
        {
            Description = "Say what would be learnt, draw heat maps of all that alarm into MODEL.learn, and write no "
                + "model.",
        };
    private readonly Option<bool> _force =
        new("--force") { Description = "Learn what looks like a defect, and move the threshold as far as it takes." };

    private LearnCommand(Verb verb)
    {
        verb.Arguments.Add(_model);
        verb.Arguments.Add(_folder);
        foreach (var option in new Option[]
        {
            _output, _good, _undo, _dryRun, _force, CommonOptions.Plain, CommonOptions.Device,
            CommonOptions.Precision, CommonOptions.Threads, CommonOptions.MaxBad, CommonOptions.MaxPixels,
        }) verb.Options.Add(option);
        verb.Validators.Add(result =>
        {
            if (result.GetResult(_folder) is { Tokens.Count: > 0 } == result.GetResult(_undo) is not null)
                result.AddError("Give a folder of good images, or --undo: one of these.");
            else if (result.GetResult(_undo) is not null && result.GetResult(_good) is not null)
                result.AddError("--good goes with a folder to learn, not with --undo.");
        });
        verb.SetAction((parse, stop) => Task.FromResult(Run(parse, stop)));
    }

    public static Command Create()
    {
        var verb = new Verb("learn", "Lets a memory learn more good parts, as those that it alarms at falsely, in "
            + "seconds, without the photographs that it was made of.",
            "mlffad learn bottle.mlffad photographs/false-alarms",
            "mlffad learn bottle.mlffad photographs/false-alarms --dry-run",
            "mlffad learn bottle.mlffad more-good-parts -o newer.mlffad", "mlffad learn bottle.mlffad --undo");
        _ = new LearnCommand(verb);
        return verb;
    }

    private int Run(ParseResult parse, CancellationToken stop)
    {
        string model = parse.GetRequiredValue(_model), to = parse.GetValue(_output) ?? model;
        var (output, error) = (parse.InvocationConfiguration.Output, parse.InvocationConfiguration.Error);
        bool dry = parse.GetValue(_dryRun), quiet = parse.GetValue(CommonOptions.Quiet);
        if (to != model) new OutputFiles().Add(to).RequireApartFrom([model]);
        if (parse.GetValue(_folder) is not { } folder) return ThresholdCommand.Undo(output, model, to, dry);
        IReadOnlyList<ImageItem> images = Open(parse, folder),
            good = parse.GetValue(_good) is { } more ? Open(parse, more) : [];
        new OutputFiles().Add(to).RequireApartFrom(images.Concat(good).Select(item => item.Path));
        if (!dry) AtomicFile.RequireWritable(to);
        using var device = parse.OpenDevice();
        LearningOutcome learnt;
        using (var counter = new Counter(parse, images.Count + good.Count))
            learnt = MemoryLearner.Learn(new(model, images)
            {
                Output = parse.GetValue(_output),
                Good = good,
                Force = parse.GetValue(_force),
                DryRun = dry,
                MaxBad = parse.GetValue(CommonOptions.MaxBad),
                MaxPixels = parse.GetValue(CommonOptions.MaxPixels),
                OnRead = (_, bad) => counter.Next(bad),
            }, device, line => { if (!quiet) error.WriteLine($"mlffad: {line}"); }, stop);
        Write(output, learnt, dry);
        return (int)ExitCode.Success;
    }

    private static IReadOnlyList<ImageItem> Open(ParseResult parse, string folder)
    {
        var set = parse.OpenDataSet(folder);
        set.RequireTrain();
        return set.Train;
    }

    private static void Write(TextWriter output, LearningOutcome learnt, bool dry)
    {
        var (was, now) = (learnt.Was, learnt.Now);
        if (now == was)
        {
            Tables.WriteLine(output,
                $"{Count(learnt.Known)} known already: there is nothing new, and nothing changed.");
            return;
        }
        var culture = CultureInfo.InvariantCulture;
        Tables.WriteLine(output, string.Create(culture, $"Learnt {learnt.Learnt} image{Plural(learnt.Learnt)}: "
            + $"{learnt.Cells:#,0} cells, {now.Config.Memory.Size:#,0} now.")
            + (learnt.Kept > 0 ? $" {Count(learnt.Kept)} kept to set the threshold by." : "")
            + (learnt.Known > 0 ? $" {Count(learnt.Known)} known already." : ""));
        ThresholdCommand.WriteSetting(output, was, now, $"from {now.From}", dry);
        foreach (var (name, score, isLearnt) in learnt.Alarming.Take(MostNamed))
            Tables.WriteLine(output, string.Create(culture, $"'{name}' is above the threshold still ({score:0.000})")
                + (isLearnt ? "." : ": it was kept, not learnt."));
        if (learnt.Alarming.Count > MostNamed)
            Tables.WriteLine(output, $"And {learnt.Alarming.Count - MostNamed} more are.");
    }

    private static string Count(int images) => $"{images} image{Plural(images)} {(images == 1 ? "is" : "are")}";

    private static string Plural(int count) => count == 1 ? "" : "s";
}
