using System.Diagnostics;

namespace MlffAd.Bench;

/// <summary>A ratio of times over the rounds.</summary>
/// <param name="Median">The median.</param>
/// <param name="Low">The lower quartile.</param>
/// <param name="High">The upper quartile.</param>
internal sealed record RatioOfTimes(double Median, double Low, double High)
{
    /// <summary>The ratio of two builds' times, round by round.</summary>
    public static RatioOfTimes Of(double[] times, double[] others)
    {
        double[] ratios = [.. times.Zip(others, (a, b) => a / b).Order()];
        return new(Timing.Median(ratios), ratios[ratios.Length / 4], ratios[^(ratios.Length / 4 + 1)]);
    }
}

/// <summary>A case in two builds.</summary>
/// <param name="Case">Operator, space, shape.</param>
/// <param name="ThisSeconds">Median time of a call in this build.</param>
/// <param name="OtherSeconds">The same in the other.</param>
/// <param name="Ratio">This build's times over the other's.</param>
/// <param name="Noise">This build's times over those of a second copy of it.</param>
internal sealed record ComparedRow(
    string Case, double ThisSeconds, double OtherSeconds, RatioOfTimes Ratio, RatioOfTimes Noise);

/// <summary>Times cases in this build, another one and a second copy of this one, interleaved.</summary>
internal sealed class OperatorComparison
{
    /// <summary>All permutations of three, so that no build always follows the same other.</summary>
    private static readonly int[][] Orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]];

    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(15);

    private readonly OperatorBuild[] _builds;

    /// <summary>Finds the cases that both builds have.</summary>
    /// <param name="here">This build.</param>
    /// <param name="there">The other one.</param>
    /// <param name="again">A second copy of this build.</param>
    /// <param name="filter">Only cases that contain this; null: all.</param>
    /// <exception cref="MlffAdException">The builds have no case in common (exit code 2).</exception>
    public OperatorComparison(OperatorBuild here, OperatorBuild there, OperatorBuild again, string? filter)
    {
        _builds = [here, there, again];
        var all = StepOperators.Filter([.. here.Cases.Union(there.Cases)], filter);
        Cases = [.. all.Where(c => here.Cases.Contains(c) && there.Cases.Contains(c))];
        LeftOut = (Only("this build", there) + Only("the other build", here)).TrimStart();
        if (Cases is []) throw new MlffAdException(ExitCode.Usage, $"The builds have no such row in common. {LeftOut}");

        string Only(string build, OperatorBuild lacks)
        {
            string some = string.Join("; ", all.Where(c => !lacks.Cases.Contains(c)));
            return some == "" ? "" : $" Only {build} has {some}.";
        }
    }

    /// <summary>The compared cases.</summary>
    public IReadOnlyList<string> Cases { get; }

    /// <summary>A sentence for each build that has rows of its own; empty where none has.</summary>
    public string LeftOut { get; }

    /// <summary>Times a case.</summary>
    /// <param name="name">One of <see cref="Cases"/>.</param>
    /// <param name="rounds">Turns of each build.</param>
    /// <param name="footprint">Least bytes of all copies of a build's operands.</param>
    public ComparedRow Time(string name, int rounds, long footprint)
    {
        double[][] seconds = [new double[rounds], new double[rounds], new double[rounds]];
        // Addresses may cost some per cent: operands are made anew, in another order, every six rounds.
        for (int round = 0; round < rounds; round += Orders.Length)
        {
            var runs = new (Action Call, IDisposable? Operands)[_builds.Length];
            try
            {
                int[] making = Orders[round / Orders.Length % Orders.Length];
                foreach (int b in making) runs[b] = _builds[b].Begin(name, footprint);
                foreach (var run in runs) MedianCall(run.Call);   // warms up
                for (int r = round; r < Math.Min(rounds, round + Orders.Length); r++)
                    foreach (int b in Orders[r % Orders.Length]) seconds[b][r] = MedianCall(runs[b].Call);
            }
            finally
            {
                foreach (var run in runs) run.Operands?.Dispose();
            }
        }
        double[] here = seconds[0], there = seconds[1], again = seconds[2];
        RatioOfTimes ratio = RatioOfTimes.Of(here, there), noise = RatioOfTimes.Of(here, again);
        return new(name, Timing.Median(here), Timing.Median(there), ratio, noise);
    }

    /// <summary>Median call of a build's turn: unlike the mean, robust to calls that other processes delay.</summary>
    private static double MedianCall(Action call)
    {
        var calls = new List<double>();
        long start = Stopwatch.GetTimestamp(), last = start;
        do
        {
            call();
            long now = Stopwatch.GetTimestamp();
            calls.Add(Stopwatch.GetElapsedTime(last, now).TotalSeconds);
            last = now;
        }
        while (Stopwatch.GetElapsedTime(start, last) < Turn);
        return Timing.Median(calls);
    }
}
