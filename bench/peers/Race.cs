namespace MlffAd.Peers;

/// <summary>Two ways to do the same thing, timed alternately, so that other programs on the machine
/// slow both alike.</summary>
internal static class Race
{
    /// <summary>How long a turn takes at least, and the pause before it: the peers' threads go on spinning for some 0.2
    /// s when they have nothing to do, on the processors that the other now needs.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(400), Pause = TimeSpan.FromMilliseconds(300);

    /// <summary>Seconds a call, by round.</summary>
    public sealed record Result(double[] Ours, double[] Peers)
    {
        /// <summary>Median of the rounds' ratios, ours over the peer's.</summary>
        public double Ratio => Timing.Median(Ours.Zip(Peers, (o, p) => o / p));
    }

    public static Result Run(int rounds, Action ours, Action peer)
    {
        // Twice round before it counts: the compiler's tiers, the peer's memory arena.
        for (int i = 0; i < 2; i++)
        {
            Time(ours);
            Time(peer);
        }
        var (a, b) = (new double[rounds], new double[rounds]);
        for (int i = 0; i < rounds; i++) (a[i], b[i]) = (Time(ours), Time(peer));
        return new Result(a, b);
    }

    private static double Time(Action call)
    {
        Thread.Sleep(Pause);
        return Timing.SecondsPerCall(call, Turn);
    }
}
