namespace MlffAd.Training;

/// <summary>The course of the loss since training began: sums over at most 100 stretches of equally many finite steps,
/// merged in pairs when there would be more. Needs constant memory and not the number of steps to come.</summary>
internal sealed record LossTrend
{
    private const int MostSums = 100, FewestSteps = 50;

    private double[] Sums { get; init; } = [];

    private long Steps { get; init; }

    /// <summary>The mean over the last fifth of the steps as a share of that over the fifth before, to a stretch; null
    /// for fewer than 50 steps.</summary>
    public double? Ratio
    {
        get
        {
            int fifth = Sums.Length / 5;
            if (Steps < FewestSteps) return null;
            long before = fifth * Width(Steps), last = Steps - (Sums.Length - fifth) * Width(Steps);
            double ratio = Sums[^fifth..].Sum() / last / (Sums[^(2 * fifth)..^fifth].Sum() / before);
            return double.IsFinite(ratio) ? ratio : null;
        }
    }

    /// <summary>The trend after one more step.</summary>
    public LossTrend After(double loss)
    {
        double[] sums = Width(Steps + 1) == Width(Steps) ? [.. Sums] : [.. Sums.Chunk(2).Select(pair => pair.Sum())];
        int at = (int)(Steps / Width(Steps + 1));
        if (at == sums.Length) sums = [.. sums, 0];
        sums[at] += loss;
        return new() { Sums = sums, Steps = Steps + 1 };
    }

    /// <summary>Adds what a state keeps of it.</summary>
    public void Write(IDictionary<string, double> counters)
    {
        counters[TrainingCounters.TrendSteps] = Steps;
        for (int i = 0; i < Sums.Length; i++) counters[Counter(i)] = Sums[i];
    }

    /// <summary>What a state has kept; null where it was begun by a version that kept none.</summary>
    public static LossTrend? Read(IReadOnlyDictionary<string, double> counters)
    {
        if (!counters.TryGetValue(TrainingCounters.TrendSteps, out double steps)) return null;
        int sums = (int)((steps + Width((long)steps) - 1) / Width((long)steps));
        return new()
        {
            Sums = [.. Enumerable.Range(0, sums).Select(i => counters.GetValueOrDefault(Counter(i)))],
            Steps = (long)steps,
        };
    }

    /// <summary>Steps of a stretch: the smallest power of two that does.</summary>
    private static long Width(long steps)
    {
        long width = 1;
        while (steps > width * MostSums) width *= 2;
        return width;
    }

    private static string Counter(int sum) => string.Create(CultureInfo.InvariantCulture, $"trend.{sum:00}");
}
