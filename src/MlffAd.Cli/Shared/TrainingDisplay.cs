using System.Diagnostics;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary>Shows training as it goes: a bar on a terminal, elsewhere a line now and then.</summary>
internal sealed class TrainingDisplay(TextWriter output, bool quiet)
{
    private const double LineEveryShare = 0.05;
    private const int BarWidth = 14;
    private static readonly TimeSpan ShowEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineEvery = TimeSpan.FromMinutes(10), PhaseEvery = TimeSpan.FromSeconds(10);

    private readonly StatusLine _line = new(output, quiet);
    private readonly Stopwatch _shown = new();
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private int _steps;
    private string _phaseSaid = "";
    private double _shareSaid;
    private TimeSpan _timeSaid;

    /// <summary>Runs a training that says and reports through what it is given.</summary>
    public TrainingOutcome Show(Func<Action<string>, Action<TrainingProgress>, TrainingOutcome> train)
    {
        if (quiet) return train(_ => { }, _ => { });
        if (_line.Room is null) return train(Say, LineNowAndThen);
        using var line = _line;
        ShowBar(0, ["reading the images"]);
        return train(Say, progress =>
        {
            SayEstimate(progress);
            ShowBar(progress.Share, Parts(progress));
        });
    }

    /// <summary>The same for the making of a memory.</summary>
    public TrainingOutcome Show(Func<Action<string>, Action<MemoryProgress>, TrainingOutcome> make)
    {
        if (quiet) return make(_ => { }, _ => { });
        if (_line.Room is null) return make(Say, PhaseNowAndThen);
        using var line = _line;
        ShowBar(0, ["reading the images"]);
        return make(Say, progress => ShowBar(progress.Share, Parts(progress)));
    }

    /// <summary>A bar and what fits beside it: the first parts give way first, and the bar to the rest.</summary>
    private void ShowBar(double share, string[] parts)
    {
        if (_shown.IsRunning && _shown.Elapsed < ShowEvery) return;
        _shown.Restart();
        string percent = string.Create(CultureInfo.InvariantCulture, $"{share,4:0%}");
        int room = _line.Room!.Value;
        string Text() => $"{percent}  {string.Join("  ", parts)}";
        while (parts.Length > 1 && Text().Length > room) parts = parts[1..];
        int bar = Math.Clamp(room - Text().Length, 0, BarWidth), done = (int)(bar * Math.Clamp(share, 0, 1));
        _line.Show(new string('━', done) + new string('─', bar - done) + Text());
    }

    private void PhaseNowAndThen(MemoryProgress progress)
    {
        bool isNew = progress.Phase != _phaseSaid;
        if (!isNew && _time.Elapsed < _timeSaid + PhaseEvery) return;
        (_phaseSaid, _timeSaid) = (progress.Phase, _time.Elapsed);
        Say(string.Create(CultureInfo.InvariantCulture, $"{progress.Share,4:0%}  {Line(progress)}"));
    }

    private static string Line(MemoryProgress p) => string.Join("  ", Parts(p));

    private static string[] Parts(MemoryProgress p)
    {
        string phase = p.All > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{p.Phase}, {p.Done:#,0} of {p.All:#,0}") : p.Phase;
        return p.Remaining is { } left ? [phase, $"{Duration.Text(left)} left"] : [phase];
    }

    private void Say(string line)
    {
        _line.Clear();
        Tables.WriteLine(output, line);
    }

    private void LineNowAndThen(TrainingProgress progress)
    {
        SayEstimate(progress);
        if (progress.Share < 1 && progress.Share < _shareSaid + LineEveryShare
            && _time.Elapsed < _timeSaid + LineEvery) return;
        (_shareSaid, _timeSaid) = (progress.Share, _time.Elapsed);
        Say(string.Create(CultureInfo.InvariantCulture,
            $"{progress.Share,4:0%}  {progress.Images} images  {Line(progress)}"));
    }

    /// <summary>After three batches the rate is known well enough to say how long the whole will take; the memory is
    /// known after one.</summary>
    private void SayEstimate(TrainingProgress progress)
    {
        if (++_steps != 3 || progress.Remaining is not { } left) return;
        Say(string.Create(CultureInfo.InvariantCulture,
            $"About {Duration.Text(_time.Elapsed + left)} in all, at {progress.ImagesPerSecond:0.0} images/s: "
                + $"{progress.Images + left.TotalSeconds * progress.ImagesPerSecond:#,0} images, in "
                + $"{progress.MemoryBytes / 1e9:0.0#} GB of memory. Losses below: total (feature, score, "
                + $"consistency)."));
    }

    private static string Line(TrainingProgress p) => string.Join("  ", Parts(p));

    private static string[] Parts(TrainingProgress p)
    {
        var (numbers, losses) = (CultureInfo.InvariantCulture, p.Losses);
        string loss = p.Skipped ? "step skipped: not finite" : string.Create(numbers,
            $"loss {losses.Total:0.00} ({losses.Lf:0.00} {losses.Ls:0.00} {losses.Lfs:0.00})");
        string speed = string.Create(numbers, $"{p.ImagesPerSecond:0.0} images/s");
        return p.Remaining is { } left ? [loss, speed, $"{Duration.Text(left)} left"] : [loss, speed];
    }
}
