namespace MlffAd.Models;

/// <summary>The numbers of a training that its state keeps by name.</summary>
internal static class TrainingCounters
{
    /// <summary>Steps that the loss's trend is of.</summary>
    public const string TrendSteps = "trend.steps";

    /// <summary>What is wrong with counters that a file holds, as a clause; null where training can go on with
    /// them.</summary>
    internal static string? FaultOf(IReadOnlyDictionary<string, double> counters)
    {
        double longest = TimeSpan.MaxValue.TotalSeconds / 2;
        foreach (var (name, value) in counters)
        {
            var (least, most, whole) = name switch
            {
                "skipped" or "stayedGood" or "summed" or TrendSteps => (0, int.MaxValue, true),
                "maxImages" => (1, (double)long.MaxValue, true),
                "seconds" => (0, longest, false),
                "timeBudget" => (1e-7, longest, false), // a tick
                _ => (double.MinValue, double.MaxValue, false),
            };
            if (!(value >= least && value <= most) || (whole && value != Math.Floor(value)))
                return string.Create(CultureInfo.InvariantCulture,
                    $"say {Shown.Text(name)} {value}, with which no training can go on");
        }
        return null;
    }
}
