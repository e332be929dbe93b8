using System.Text.Json;

namespace MlffAd.Reporting;

/// <summary>The loss at one step of training: the weighted total and its three terms (spec §7).</summary>
public readonly record struct LossPoint(long Step, double Total, double Feature, double Score, double Consistency);

/// <summary>Reads the JSONL log that training writes.</summary>
public static class TrainingLog
{
    /// <summary>The losses, in the order of the lines that have <c>step</c>, <c>total</c>, <c>lf</c>, <c>ls</c>, <c>lfs</c>; other lines and an
    /// unfinished last line (training was killed) are passed over.</summary>
    public static IReadOnlyList<LossPoint> Read(string path)
    {
        var points = new List<LossPoint>();
        foreach (string line in File.ReadLines(path))
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(line);
                if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("step", out JsonElement step)
                    && Number("total") is { } total && Number("lf") is { } lf && Number("ls") is { } ls && Number("lfs") is { } lfs)
                    points.Add(new(step.GetInt64(), total, lf, ls, lfs));

                double? Number(string name) => json.RootElement.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
            }
            catch (JsonException) { }
        }
        return points;
    }
}
