using System.Diagnostics;

namespace MlffAd.Kernels.Runtime;

/// <summary>What benches measure with, so that all mean the same by a time.</summary>
public static class Timing
{
    /// <summary>Seconds a call, over as many calls as take at least a while.</summary>
    /// <param name="call">What is timed.</param>
    /// <param name="least">How long to go on.</param>
    public static double SecondsPerCall(Action call, TimeSpan least)
    {
        int calls = 0;
        long start = Stopwatch.GetTimestamp();
        TimeSpan elapsed;
        do
        {
            call();
            calls++;
        }
        while ((elapsed = Stopwatch.GetElapsedTime(start)) < least);
        return elapsed.TotalSeconds / calls;
    }

    /// <summary>The middle value, or the mean of the two middle ones.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
