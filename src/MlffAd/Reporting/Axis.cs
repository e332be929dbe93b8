using System.Globalization;

namespace MlffAd.Reporting;

/// <summary>One axis of a plot: its range and where the ticks are.</summary>
internal sealed record Axis(string Label, double Low, double High, IReadOnlyList<(double At, string Text)> Ticks)
{
    /// <summary>Ticks at 1, 2 or 5 times a power of ten, about <paramref name="count"/> of them.</summary>
    public static Axis Linear(string label, double low, double high, int count = 5)
    {
        double raw = (high - low) / count, power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
        string digits = "0." + new string('0', Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9))), format = $"{digits};−{digits}";
        var ticks = new List<(double, string)>();
        for (double k = Math.Ceiling(low / step - 1e-9) + 0.0; k * step <= high + step * 1e-9; k++)
            ticks.Add((k * step, (k * step).ToString(format, CultureInfo.InvariantCulture)));
        return new(label, low, high, ticks);
    }

    /// <summary>A logarithmic axis over whole decades: values are plotted by their decimal logarithm, ticks carry the values.</summary>
    public static Axis Decades(string label, double low, double high)
    {
        int from = (int)Math.Floor(Math.Log10(low)), to = Math.Max((int)Math.Ceiling(Math.Log10(high)), from + 1);
        return new(label, from, to, [.. Enumerable.Range(from, to - from + 1).Select(k => ((double)k, Math.Pow(10, k).ToString("0.######", CultureInfo.InvariantCulture)))]);
    }
}
