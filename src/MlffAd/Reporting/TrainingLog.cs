using System.Text.Json;

namespace MlffAd.Reporting;

/// <summary>The loss at one step of training: the weighted total and its three terms (spec §7).</summary>
public readonly record struct LossPoint(long Step, double Total, double Feature, double Score, double Consistency);

/// <summary>A phase of making a memory, and what it took; the last, "all", is the whole.</summary>
public readonly record struct PhaseTime(string Phase, double Seconds);

/// <summary>Reads the JSONL log that training writes. Lines that do not say what is asked for, and an unfinished last
/// line (training was killed), are passed over; so is all that cannot be read: a log is worth no failure.</summary>
public static class TrainingLog
{
    /// <summary>The losses, in the order of the lines that have <c>step</c>, <c>total</c>, <c>lf</c>, <c>ls</c>,
    /// <c>lfs</c>.</summary>
    public static IReadOnlyList<LossPoint> Losses(string path) => Read<LossPoint>(path, line =>
        line.TryGetProperty("step", out JsonElement text) && text.ValueKind == JsonValueKind.Number
            && text.TryGetInt64(out long step) && Number(line, "total") is { } total
            && Number(line, "lf") is { } lf && Number(line, "ls") is { } ls && Number(line, "lfs") is { } lfs
                ? new(step, total, lf, ls, lfs) : null);

    /// <summary>The phases, in the order of the lines that have <c>phase</c> and <c>seconds</c>.</summary>
    public static IReadOnlyList<PhaseTime> Phases(string path) => Read<PhaseTime>(path, line =>
        line.TryGetProperty("phase", out JsonElement phase) && phase.ValueKind == JsonValueKind.String
            && Number(line, "seconds") is { } seconds ? new(phase.GetString()!, seconds) : null);

    private static List<T> Read<T>(string path, Func<JsonElement, T?> of) where T : struct
    {
        var found = new List<T>();
        try
        {
            if (InputFile.IsNothing(path)) return found;
            foreach (string line in File.ReadLines(path)) if (Entry(line, of) is { } entry) found.Add(entry);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        return found;
    }

    private static T? Entry<T>(string line, Func<JsonElement, T?> of) where T : struct
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return json.RootElement.ValueKind == JsonValueKind.Object ? of(json.RootElement) : null;
        }
        // All but JsonException: a string that holds half of a surrogate pair.
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException) { return null; }
    }

    private static double? Number(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out double number) ? number : null;
}
