using System.Text.RegularExpressions;

namespace MlffAd;

/// <summary>Lengths of time as people write and read them.</summary>
public static partial class Duration
{
    /// <summary>Reads <c>25m</c>, <c>1h30m</c>, <c>90s</c>; null if it is no such length, or none at all.</summary>
    public static TimeSpan? Parse(string text)
    {
        var match = Pattern().Match(text);
        double Part(int group) =>
            match.Groups[group].Success ? double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture) : 0;
        double seconds = 3600 * Part(1) + 60 * Part(2) + Part(3);
        return match.Success && seconds > 0 && seconds < TimeSpan.MaxValue.TotalSeconds / 2
            ? TimeSpan.FromSeconds(seconds)
            : null;
    }

    /// <summary><c>1 h 30 min</c>, <c>12 min</c>, <c>2 min 5 s</c>, <c>7 s</c>: as exact as anybody
    /// wants to know.</summary>
    public static string Text(TimeSpan time)
    {
        var whole = TimeSpan.FromSeconds(Math.Round(time.TotalSeconds));
        return whole switch
        {
            { TotalHours: >= 1 } =>
                string.Create(CultureInfo.InvariantCulture, $"{(long)whole.TotalHours} h {whole.Minutes} min"),
            { TotalMinutes: >= 10 } => string.Create(CultureInfo.InvariantCulture, $"{whole.TotalMinutes:0} min"),
            { TotalMinutes: >= 1 } =>
                string.Create(CultureInfo.InvariantCulture, $"{whole.Minutes} min {whole.Seconds} s"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{whole.Seconds} s"),
        };
    }

    [GeneratedRegex(@"^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
