using System.Globalization;
using System.Text.Json;
using MlffAd.Cli;
using MlffAd.Kernels.Runtime;
using Spectre.Console;

namespace MlffAd.Bench;

/// <summary>A comparison for people and programs.</summary>
internal sealed class ComparisonTable(
    Device device, int batch, string against, int rounds, IReadOnlyList<ComparedRow> rows, string leftOut)
{
    private double Ratio => GeometricMean(r => r.Ratio);

    private double Noise => GeometricMean(r => r.Noise);

    /// <summary>Every row, then what they come to together.</summary>
    public void Write(TextWriter output)
    {
        string where = $"{device.Name}, {BenchCommand.Threads(device)}, {device.Precision.Name()}, batch {batch}";
        output.WriteLine($"{where}. The other build is '{against}'. All are medians, rounds: {rounds}, ± half the "
            + "distance between the quartiles; noise is this build against itself, loaded once more.");
        // Figures keep their lines on a narrow terminal; the first column gives way, between words.
        var none = new Padding(0, 0);
        var table = new Table().AddColumn(new TableColumn("operator and shape") { Padding = none });
        foreach (string head in (string[])["this ms", "other ms", "this/other", "noise"])
            table.AddColumn(new TableColumn(head) { NoWrap = true, Padding = none, Alignment = Justify.Right });
        foreach (var row in rows) table.AddRow(Cells(row));
        Tables.Write(output, table);
        if (leftOut != "") output.WriteLine(leftOut);
        string means = Invariant($"this/other {Ratio:0.000}, noise {Noise:0.000}");
        output.WriteLine($"Geometric mean{(rows.Count == 1 ? " of 1 row" : $"s of {rows.Count} rows")}: {means}.");
    }

    /// <summary>Everything, in plain units.</summary>
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
        Markup.Escape(r.Case),
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
