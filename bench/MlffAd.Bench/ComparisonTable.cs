using System.Text.Json;
using MlffAd.Cli;

namespace MlffAd.Bench;

/// <summary>A comparison as a table and as JSON.</summary>
internal sealed class ComparisonTable(
    Device device, int batch, string against, int rounds, IReadOnlyList<ComparedRow> rows, string leftOut)
{
    private static readonly Column[] Columns =
    [
        new("operator and shape", 0, Text: 30), new("this ms", 2), new("other ms", 3), new("this/other", 0),
        new("noise", 1),
    ];

    private double Ratio => GeometricMean(r => r.Ratio);

    private double Noise => GeometricMean(r => r.Noise);

    /// <summary>Writes every row, then the geometric means.</summary>
    public void Write(TextWriter output)
    {
        string where = $"{device.Name}, {BenchCommand.Threads(device)}, {device.Precision.Name()}, batch {batch}";
        Tables.WriteLine(output, $"{where}. The other build is '{against}'. All are medians, rounds: {rounds}, "
            + "± half the distance between the quartiles; noise is this build against itself, loaded once more.");
        Tables.Write(output, Columns, [.. rows.Select(Cells)]);
        if (leftOut != "") Tables.WriteLine(output, leftOut);
        string means = Invariant($"this/other {Ratio:0.000}, noise {Noise:0.000}");
        string of = rows.Count == 1 ? " of 1 row" : $"s of {rows.Count} rows";
        Tables.WriteLine(output, $"Geometric mean{of}: {means}.");
    }

    /// <summary>All figures, as JSON.</summary>
    public string Json() => JsonSerializer.Serialize(new
    {
        device = device.Name,
        threads = device.Team.Count,
        batch,
        precision = device.Precision.Name(),
        against,
        rounds,
        ratio = Ratio,
        noise = Noise,
        leftOut,
        rows = rows.Select(r => new
        {
            row = r.Case,
            thisMs = r.ThisSeconds * 1e3,
            otherMs = r.OtherSeconds * 1e3,
            ratio = r.Ratio.Median,
            ratioQuartiles = new[] { r.Ratio.Low, r.Ratio.High },
            noise = r.Noise.Median,
            noiseQuartiles = new[] { r.Noise.Low, r.Noise.High },
        }),
    }, new JsonSerializerOptions { WriteIndented = true });

    private static string[] Cells(ComparedRow r) =>
    [
        r.Case,
        Invariant($"{r.ThisSeconds * 1e3:0.000}"),
        Invariant($"{r.OtherSeconds * 1e3:0.000}"),
        Text(r.Ratio),
        Text(r.Noise),
    ];

    private static string Text(RatioOfTimes ratio) =>
        Invariant($"{ratio.Median:0.000} ±{(ratio.High - ratio.Low) / 2:0.000}");

    private double GeometricMean(Func<ComparedRow, RatioOfTimes> of) =>
        Math.Exp(rows.Average(r => Math.Log(of(r).Median)));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
