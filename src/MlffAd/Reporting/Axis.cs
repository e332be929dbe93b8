namespace MlffAd.Reporting;

/// <summary>One axis of a plot: its range and where the ticks are.</summary>
internal sealed record Axis(string Label, double Low, double High, IReadOnlyList<(double At, string Text)> Ticks)
{
    /// <summary>The largest value an axis shows.</summary>
    private const double Far = 1e300;

    /// <summary>Ticks at 1, 2 or 5 times a power of ten, about <paramref name="count"/> of them. A range that is too
    /// short for a double's digits is lengthened, an infinite one cut.</summary>
    public static Axis Linear(string label, double low, double high, int count = 5)
    {
        (low, high) = (Finite(low), Finite(high));
        double shortest = 1e-9 * Math.Max(Math.Max(Math.Abs(low), Math.Abs(high)), 1e-290);
        if (!(high - low >= shortest)) (low, high) = (Math.Min(low, high) - shortest, Math.Max(low, high) + shortest);
        double raw = (high - low) / count, power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
        int places = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
        string digits = places > 6 || Math.Max(high, -low) >= 1e9 ? "0.###e0" : "0." + new string('0', places);
        string format = $"{digits};−{digits}";
        double first = Math.Ceiling(low / step - 1e-9) + 0.0;
        var ticks = Enumerable.Range(0, 2 * count + 2).Select(i => (first + i) * step)
            .TakeWhile(at => at <= high + step * 1e-9)
            .Select(at => (at, at.ToString(format, CultureInfo.InvariantCulture)));
        return new(label, low, high, [.. ticks]);
    }

    /// <summary>A logarithmic axis over whole decades: values are plotted by their decimal logarithm, ticks carry the
    /// values. Of many decades some have ticks; what has no logarithm counts as the smallest value.</summary>
    public static Axis Decades(string label, double low, double high)
    {
        const int most = 12;
        int from = (int)Math.Floor(Decade(low)), to = Math.Max((int)Math.Ceiling(Decade(high)), from + 1);
        int every = (to - from + most - 1) / most;
        return new(label, from, to, [.. Enumerable.Range(0, (to - from) / every + 1).Select(i => from + i * every)
            .Select(k => ((double)k, Text(k)))]);

        static string Text(int k) =>
            Math.Pow(10, k).ToString(k is >= -6 and <= 6 ? "0.######" : "0e0", CultureInfo.InvariantCulture);
    }

    private static double Decade(double value) => Math.Log10(Math.Clamp(Finite(value), 1 / Far, Far));

    private static double Finite(double value) => double.IsNaN(value) ? 0 : Math.Clamp(value, -Far, Far);
}
