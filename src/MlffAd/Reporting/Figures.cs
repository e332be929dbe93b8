using System.Net;

namespace MlffAd.Reporting;

/// <summary>The report's plots, each a figure with its title, legend and drawing.</summary>
internal static class Figures
{
    public static string Roc(EvaluationResult result) =>
        Curves("ROC", "false-positive rate", "recall", [("images", "image", result.ImageRoc, result.Image.Auroc),
            ("pixels", "pixel", result.PixelRoc, result.Pixel?.Auroc)],
                "The number is the area under the curve (AUROC).");

    public static string PrecisionRecall(EvaluationResult result) =>
        Curves("Precision and recall", "recall", "precision",
            [("images", "image", result.ImagePrecisionRecall, result.Image.Ap),
                ("pixels", "pixel", result.PixelPrecisionRecall, result.Pixel?.Ap)],
                    "The number is the average precision.");

    public static string Pro(EvaluationResult result)
    {
        double limit = result.Options.ProLimit;
        if (result.ProCurve.Count == 0) return "";
        List<CurvePoint> shown = [.. result.ProCurve.TakeWhile(point => point.X <= limit)];
        if (shown.Count < result.ProCurve.Count)
        {
            var (a, b) = (shown[^1], result.ProCurve[shown.Count]);
            shown.Add(new(limit, a.Y + (b.Y - a.Y) * (limit - a.X) / (b.X - a.X)));
        }
        string note = result.Options.Pro == ProMethod.Mvtec
            ? $"The number is the area under the curve divided by {Number(limit)} (PRO)."
            : "The number is the RD4AD variant, a mean over images: not the area under this curve.";
        return Figure("Region overlap", [($"pixels {HtmlReport.Figure(result.Pixel?.Pro)}", "pixel")],
            new Plot(Axis.Linear("false-positive rate of pixels", 0, limit),
                Axis.Linear("mean overlap of defects", 0, 1)).Area(shown, "pixel").Line(shown, "pixel")
                .Svg("Mean overlap of the defects against the false-positive rate"), note);
    }

    public static string Histogram(EvaluationResult result)
    {
        const int bins = 36;
        double[] ends = [.. result.Images.Select(image => (double)image.Score), result.Threshold];
        double margin = Math.Max((ends.Max() - ends.Min()) * 0.02, Math.Max(1e-3, 1e-6 * ends.Max(Math.Abs)));
        double low = ends.Min() - margin, width = (ends.Max() + margin - low) / bins;
        var (good, defective) = (new int[bins], new int[bins]);
        foreach (TestImage image in result.Images)
            (image.IsDefective ? defective : good)[Math.Clamp((int)((image.Score - low) / width), 0, bins - 1)]++;
        int highest = good.Zip(defective, (a, b) => a + b).Max();
        var plot = new Plot(Axis.Linear("image score", low, low + bins * width, 8),
            Axis.Linear("images", 0, Math.Max(highest * 1.12, 4), 4), 560);
        for (int i = 0; i < bins; i++)
        {
            double left = low + i * width;
            if (good[i] > 0) plot.Bar(left, left + width, 0, good[i], "good");
            if (defective[i] > 0) plot.Bar(left, left + width, good[i], good[i] + defective[i], "defect");
        }
        return Figure("Scores", [("good parts", "good"), ("defective parts", "defect")],
            plot.Mark(result.Threshold, $"threshold {Number(result.Threshold)}")
                .Svg("Histogram of the image scores with the threshold"), "");
    }

    public static string Losses(IReadOnlyList<LossPoint> losses)
    {
        if (losses.Count < 2) return "";
        const double floor = 1e-3; // terms become 0; on a logarithmic axis they lie on its floor
        const int shown = 240;
        List<LossPoint> means = [.. losses.Chunk((losses.Count + shown - 1) / shown)
            .Select(chunk => new LossPoint((long)chunk.Average(p => (double)p.Step), chunk.Average(p => p.Total),
                chunk.Average(p => p.Feature), chunk.Average(p => p.Score), chunk.Average(p => p.Consistency)))];
        double[] values = [.. means.SelectMany(p => new[] { p.Total, p.Feature, p.Score, p.Consistency })
            .Where(double.IsFinite).Select(v => Math.Max(v, floor))];
        if (values.Length == 0) return "";
        var plot = new Plot(Axis.Linear("step", losses.Min(p => p.Step), losses.Max(p => p.Step), 6),
            Axis.Decades("loss", values.Min(), values.Max()), 560);
        (string Name, string Style, Func<LossPoint, double> Of)[] terms =
        [
            ("feature", "lf", p => p.Feature), ("score", "ls", p => p.Score),
            ("consistency", "lfs", p => p.Consistency), ("total", "total", p => p.Total),
        ];
        foreach (var (_, style, of) in terms)
            plot.Line(means.Where(p => double.IsFinite(of(p)))
                .Select(p => new CurvePoint(p.Step, Math.Log10(Math.Max(of(p), floor)))), style);
        return Figure("Training loss", [.. terms.Reverse().Select(term => (term.Name, term.Style))],
            plot.Svg("Training loss and its terms against the step"), losses.Count > shown
            ? $"Each point is a mean over {(losses.Count + shown - 1) / shown} steps."
            : "");
    }

    private static string Curves(string title, string xLabel, string yLabel,
        (string Name, string Style, IReadOnlyList<CurvePoint> Points, double? Area)[] curves, string note)
    {
        var drawn = curves.Where(curve => curve.Points.Count > 0).ToList();
        if (drawn.Count == 0) return "";
        var plot = new Plot(Axis.Linear(xLabel, 0, 1), Axis.Linear(yLabel, 0, 1));
        foreach (var curve in drawn) plot.Line(curve.Points, curve.Style);
        return Figure(title,
            [.. drawn.Select(curve => ($"{curve.Name} {HtmlReport.Figure(curve.Area)}", curve.Style))],
            plot.Svg($"{title}: {yLabel} against {xLabel}"), note);
    }

    private static string Figure(string title, IReadOnlyList<(string Name, string Style)> legend, string svg,
        string note)
    {
        string keys = string.Concat(legend.Select(entry => $"<span class='key {entry.Style}'>{entry.Name}</span>"));
        string said = note == "" ? "" : $"<p class='note'>{note}</p>";
        return $"<figure><figcaption><b>{WebUtility.HtmlEncode(title)}</b><span>{keys}</span></figcaption>"
            + $"{svg}{said}</figure>\n";
    }

    private static string Number(double value) => value.ToString("0.###;−0.###", CultureInfo.InvariantCulture);
}
