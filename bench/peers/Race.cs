namespace MlffAd.Peers;

/// <summary>Times two implementations alternately, so that other processes slow both alike.</summary>
internal static class Race
{
    /// <summary>Least duration of a turn, and the pause before it: a peer's idle threads spin for some 0.2 s on CPUs
    /// that the other needs.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(400), Pause = TimeSpan.FromMilliseconds(300);

    /// <summary>Seconds per call, by round.</summary>
    public sealed record Result(double[] Ours, double[] Peers)
    {
        /// <summary>Median of the rounds' ratios, ours over the peer's.</summary>
        public double Ratio => Timing.Median(Ours.Zip(Peers, (o, p) => o / p));
    }

    public static Result Run(int rounds, Action ours, Action peer)
    {
        // Warms up twice: tiered compilation, the peer's memory arena.
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
