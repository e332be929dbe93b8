using System.Diagnostics;
using System.Globalization;
using MlffAd.Training;
using Spectre.Console;

namespace MlffAd.Cli;

/// <summary>Shows training as it goes: a bar on a terminal, elsewhere a line now and then.</summary>
internal sealed class TrainingDisplay(TextWriter output, bool quiet)
{
    private const double LineEveryShare = 0.05;
    private static readonly TimeSpan LineEvery = TimeSpan.FromMinutes(10), PhaseEvery = TimeSpan.FromSeconds(10);

    private readonly IAnsiConsole _console = Tables.Console(output);
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private int _steps;
    private string _phaseSaid = "";
    private double _shareSaid;
    private TimeSpan _timeSaid;

    /// <summary>Runs a training that says and reports through what it is given.</summary>
    public TrainingOutcome Show(Func<Action<string>, Action<TrainingProgress>, TrainingOutcome> train)
    {
        if (quiet) return train(_ => { }, _ => { });
        if (!_console.Profile.Out.IsTerminal) return train(Say, LineNowAndThen);
        return _console.Progress().AutoClear(true)
            .Columns(new ProgressBarColumn { Width = 14 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                var task = context.AddTask("reading the images");
                return train(Say, progress =>
                {
                    SayEstimate(progress);
                    task.Value = 100 * progress.Share;
                    task.Description = Markup.Escape(Line(progress));
                });
            });
    }

    /// <summary>The same for the making of a memory.</summary>
    public TrainingOutcome Show(Func<Action<string>, Action<MemoryProgress>, TrainingOutcome> make)
    {
        if (quiet) return make(_ => { }, _ => { });
        if (!_console.Profile.Out.IsTerminal) return make(Say, PhaseNowAndThen);
        return _console.Progress().AutoClear(true)
            .Columns(new ProgressBarColumn { Width = 14 }, new PercentageColumn(),
                new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                var task = context.AddTask("reading the images");
                return make(Say,
                    progress => (task.Value, task.Description) = (100 * progress.Share, Markup.Escape(Line(progress))));
            });
    }

    private void PhaseNowAndThen(MemoryProgress progress)
    {
        bool isNew = progress.Phase != _phaseSaid;
        if (!isNew && _time.Elapsed < _timeSaid + PhaseEvery) return;
        (_phaseSaid, _timeSaid) = (progress.Phase, _time.Elapsed);
        Say(string.Create(CultureInfo.InvariantCulture, $"{progress.Share,4:0%}  {Line(progress)}"));
    }

    private static string Line(MemoryProgress p) => string.Create(CultureInfo.InvariantCulture,
        $"{p.Phase}{(p.All > 0 ? $", {p.Done:#,0} of {p.All:#,0}" : "")}"
        + $"{(p.Remaining is { } left ? $"  {Duration.Text(left)} left" : "")}");

    private void Say(string line)
    {
        // Through the console, which keeps the bar below; never wrapped where it is no terminal.
        if (_console.Profile.Out.IsTerminal) _console.WriteLine(line);
        else output.WriteLine(line);
    }

    private void LineNowAndThen(TrainingProgress progress)
    {
        SayEstimate(progress);
        if (progress.Share < 1 && progress.Share < _shareSaid + LineEveryShare && _time.Elapsed < _timeSaid + LineEvery) return;
        (_shareSaid, _timeSaid) = (progress.Share, _time.Elapsed);
        Say(string.Create(CultureInfo.InvariantCulture, $"{progress.Share,4:0%}  {progress.Images} images  {Line(progress)}"));
    }

    /// <summary>After three batches the rate is known well enough to say how long the whole will take; the memory is known after one.</summary>
    private void SayEstimate(TrainingProgress progress)
    {
        if (++_steps != 3 || progress.Remaining is not { } left) return;
        Say(string.Create(CultureInfo.InvariantCulture, $"About {Duration.Text(_time.Elapsed + left)} in all, at {progress.ImagesPerSecond:0.0} images/s: "
            + $"{progress.Images + left.TotalSeconds * progress.ImagesPerSecond:#,0} images, in {progress.MemoryBytes / 1e9:0.0#} GB of memory. Losses below: total (feature, score, consistency)."));
    }

    private static string Line(TrainingProgress p)
    {
        string losses = p.Skipped ? "step skipped: not finite" : string.Create(CultureInfo.InvariantCulture, $"loss {p.Losses.Total:0.00} ({p.Losses.Lf:0.00} {p.Losses.Ls:0.00} {p.Losses.Lfs:0.00})");
        return string.Create(CultureInfo.InvariantCulture, $"{losses}  {p.ImagesPerSecond:0.0} images/s{(p.Remaining is { } left ? $"  {Duration.Text(left)} left" : "")}");
    }
}
