using System.Diagnostics;

namespace MlffAd.Training;

/// <summary>Time spent and share of the budget done, earlier sittings included.</summary>
internal sealed class TrainingClock(TrainingState begun, Stopwatch clock, Budget budget)
{
    private const int FewestSteps = 3;
    private readonly TrainingState _begun = begun;
    private TrainingState _now = begun;
    private (long Images, TimeSpan At) _prepared = (begun.Images, clock.Elapsed), _first;

    public Budget Budget => budget;

    public TimeSpan Elapsed => _begun.Elapsed + clock.Elapsed;

    public double Share => ShareWith(_now.Images);

    /// <summary>Excludes this sitting's first step, which compiles, as soon as there is a second.</summary>
    public double ImagesPerSecond
    {
        get
        {
            var (images, at) = _now.Step > _begun.Step + 1 ? _first : _prepared;
            return (_now.Images - images) / (clock.Elapsed - at).TotalSeconds;
        }
    }

    public TimeSpan? Remaining
    {
        get
        {
            if (_now.Step - _begun.Step < FewestSteps) return null;
            double byImages = budget.Images is { } n ? (n - _now.Images) / ImagesPerSecond : double.MaxValue;
            double byTime = budget.Time is { } t ? (t - Elapsed).TotalSeconds : double.MaxValue;
            return TimeSpan.FromSeconds(Math.Max(0, Math.Min(byImages, byTime)));
        }
    }

    public double ShareWith(long images) => budget.Share(images, Elapsed);

    public double ShareAfter(TrainingState state)
    {
        if (state.Step == _begun.Step + 1) _first = (state.Images, clock.Elapsed);
        _now = state;
        return Share;
    }
}
