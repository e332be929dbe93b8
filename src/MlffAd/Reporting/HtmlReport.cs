using System.Net;
using System.Text;

namespace MlffAd.Reporting;

/// <summary>An evaluation as one self-contained HTML page: no script, no other file; follows the reader's light or dark
/// setting and prints.</summary>
public static class HtmlReport
{
    /// <summary>Writes the page whole or not at all. A photograph that cannot be read any more is missing from
    /// it.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void Write(string path, Report report) => AtomicFile.Write(path, stream =>
    {
        ArgumentNullException.ThrowIfNull(report);
        using var page = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        EvaluationResult result = report.Result;
        string title = WebUtility.HtmlEncode(report.Title);
        page.Write(
            $"<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n<meta name='viewport' "
                + $"content='width=device-width, initial-scale=1'>\n<title>{title} · mlffad "
                + $"evaluation</title>\n<style>\n{Style()}</style>\n</head>\n<body>\n");
        WriteSummary(page, title, result);
        page.Write(
            $"<section class='plots "
                + $"three'>\n{Figures.Roc(result)}{Figures.PrecisionRecall(result)}{Figures.Pro(result)}</section>\n");
        page.Write(
            $"<section class='plots two'>\n{Figures.Histogram(result)}{Figures.Losses(report.Losses)}</section>\n");
        WriteKinds(page, result);
        new Gallery(report).Write(page);
        WriteFacts(page, report.Facts);
        page.Write("</body>\n</html>\n");
    });

    /// <summary>A metric as the page shows it.</summary>
    internal static string Figure(double? value) => value?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "–";

    private static void WriteSummary(TextWriter page, string title, EvaluationResult result)
    {
        TestImage[] defective = [.. result.Images.Where(image => image.IsDefective)];
        TestImage[] good = [.. result.Images.Where(image => !image.IsDefective)];
        string size = result.Options.OriginalResolution
            ? "the photographs' own size"
            : $"{result.Options.Side} × {result.Options.Side} pixels";
        page.Write(
            $"<header class='top'><p class='kicker'>mlffad evaluation</p><h1>{title}</h1>\n<p "
                + $"class='lead'>{Verdicts(defective, good, result)}</p>"
                + $"<p class='note'>{Count(result.Images.Count, "test image")}: {good.Length} good, "
                + $"{defective.Length} defective. Pixel figures at "
                + $"{size}{(result.Pixel is null ? ": none, there are no masks" : "")}.</p></header>\n");
        page.Write("<section class='summary'>");
        Group("Images", ("AUROC", result.Image.Auroc), ("average precision", result.Image.Ap),
            ("F1-max", result.Image.F1Max));
        if (result.Pixel is { } pixel)
            Group("Pixels", ("AUROC", pixel.Auroc), ("average precision", pixel.Ap),
                (result.Options.Pro == ProMethod.Mvtec ? "region overlap (PRO)" : "PRO, RD4AD variant", pixel.Pro));
        page.Write("</section>\n");

        void Group(string name, params (string Name, double? Value)[] figures)
        {
            var pairs = figures.Select(f => $"<div><dt>{f.Name}</dt><dd>{Figure(f.Value)}</dd></div>");
            page.Write($"<div class='group'><h2>{name}</h2><dl>{string.Concat(pairs)}</dl></div>");
        }
    }

    private static string Verdicts(TestImage[] defective, TestImage[] good, EvaluationResult result)
    {
        string threshold = result.Threshold.ToString("0.###;−0.###", CultureInfo.InvariantCulture);
        string found =
            $"finds <b>{defective.Count(result.IsFlagged)} of {Count(defective.Length, "defective part")}</b>";
        string alarms = $"flags <b>{good.Count(result.IsFlagged)} of {Count(good.Length, "good part")}</b>";
        return $"At its threshold of {threshold} the model "
            + $"{(defective.Length == 0 ? alarms : good.Length == 0 ? found : $"{found} and {alarms}")}.";
    }

    private static void WriteKinds(TextWriter page, EvaluationResult result)
    {
        string pixelHeads = result.Pixel is null ? "" : "<th class='gap'>AUROC</th><th>AP</th><th>PRO</th>";
        string pixels = result.Pixel is null ? "" : "<th colspan='3' class='span gap'>pixels</th>";
        page.Write("<section><h2>By kind of defect</h2><div class='scroll'><table><thead>"
            + $"<tr><th></th><th></th><th></th><th colspan='3' class='span gap'>images</th>{pixels}</tr>"
            + "<tr><th class='name'>kind</th><th>images</th><th>flagged</th>"
            + $"<th class='gap'>AUROC</th><th>AP</th><th>F1-max</th>{pixelHeads}</tr></thead><tbody>\n");
        foreach (KindMetrics kind in result.Kinds)
            Row("", WebUtility.HtmlEncode(kind.Kind), kind.Count,
                result.Images.Count(image => image.Kind == kind.Kind && result.IsFlagged(image)), kind.Image,
                kind.Pixel);
        Row(" class='all'", "all", result.Images.Count, result.Images.Count(result.IsFlagged), result.Image,
            result.Pixel);
        page.Write(
            "</tbody></table></div><p class='note'>Each kind is measured against all good parts. A dash: not defined, "
                + "for want of defective or of good ones.</p></section>\n");

        void Row(string style, string name, int count, int flagged, ImageMetrics image, PixelMetrics? pixel)
        {
            string inPixels = pixel is null ? ""
                : $"<td class='gap'>{Figure(pixel.Auroc)}</td><td>{Figure(pixel.Ap)}</td><td>{Figure(pixel.Pro)}</td>";
            page.Write($"<tr{style}><td class='name'>{name}</td><td>{count}</td><td>{flagged}</td>"
                + $"<td class='gap'>{Figure(image.Auroc)}</td><td>{Figure(image.Ap)}</td>"
                + $"<td>{Figure(image.F1Max)}</td>{inPixels}</tr>\n");
        }
    }

    private static void WriteFacts(TextWriter page, IReadOnlyList<ReportFacts> facts)
    {
        if (facts.Count == 0) return;
        page.Write("<section class='facts'>\n");
        foreach (ReportFacts table in facts)
        {
            var rows = table.Rows.Select(row =>
                $"<tr><th>{WebUtility.HtmlEncode(row.Name)}</th><td>{WebUtility.HtmlEncode(row.Value)}</td></tr>");
            page.Write($"<div><h2>{WebUtility.HtmlEncode(table.Title)}</h2>"
                + $"<table>{string.Concat(rows)}</table></div>\n");
        }
        page.Write("</section>\n");
    }

    private static string Count(int count, string noun) =>
        $"{count.ToString(CultureInfo.InvariantCulture)} {noun}{(count == 1 ? "" : "s")}";

    private static string Style()
    {
        using var css = new StreamReader(typeof(HtmlReport).Assembly.GetManifestResourceStream("report.css")!);
        return css.ReadToEnd();
    }
}
