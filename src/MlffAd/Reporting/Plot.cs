using System.Net;
using System.Text;

namespace MlffAd.Reporting;

/// <summary>A plot as inline SVG. Colours come from the page's style sheet by class, so one drawing serves light,
/// dark and print.</summary>
internal sealed class Plot(Axis x, Axis y, int width = 360, int height = 250)
{
    private const int Left = 44, Right = 14, Top = 12, Bottom = 40;
    private readonly StringBuilder marks = new();

    /// <summary>A line through the points, in units of the axes.</summary>
    public Plot Line(IEnumerable<CurvePoint> points, string style)
    {
        marks.Append(CultureInfo.InvariantCulture,
            $"<path class='line {style}' d='{Path(points)}'/>");
        return this;
    }

    /// <summary>The area between the points and the horizontal axis.</summary>
    public Plot Area(IReadOnlyList<CurvePoint> points, string style)
    {
        if (points.Count > 0)
            marks.Append(CultureInfo.InvariantCulture,
            $"<path class='area {style}' d='{Path(points)}L{X(points[^1].X):F1} "
                        + $"{Y(y.Low):F1}L{X(points[0].X):F1} {Y(y.Low):F1}Z'/>");
        return this;
    }

    /// <summary>A bar from (x0, y0) to (x1, y1), a hair narrower than its place.</summary>
    public Plot Bar(double x0, double x1, double y0, double y1, string style)
    {
        marks.Append(CultureInfo.InvariantCulture,
            $"<rect class='bar {style}' x='{X(x0) + 0.5:F1}' y='{Y(y1):F1}' "
                    + $"width='{Math.Max(X(x1) - X(x0) - 1, 0.5):F1}' height='{Y(y0) - Y(y1):F1}'/>");
        return this;
    }

    /// <summary>A vertical line with a word beside it.</summary>
    public Plot Mark(double at, string word)
    {
        bool leftOf = X(at) > width - 110;
        marks.Append(CultureInfo.InvariantCulture,
            $"<line class='mark' x1='{X(at):F1}' x2='{X(at):F1}' y1='{Top}' y2='{height - Bottom}'/>");
        marks.Append(CultureInfo.InvariantCulture,
            $"<text class='mark' x='{X(at) + (leftOf ? -5 : 5):F1}' y='{Top + 9}' "
                    + $"text-anchor='{(leftOf ? "end" : "start")}'>{WebUtility.HtmlEncode(word)}</text>");
        return this;
    }

    /// <summary>The drawing; <paramref name="alt"/> says in words what it shows.</summary>
    public string Svg(string alt)
    {
        var svg = new StringBuilder().Append(CultureInfo.InvariantCulture,
            $"<svg viewBox='0 0 {width} {height}' role='img' aria-label='{WebUtility.HtmlEncode(alt)}'>");
        foreach (var (at, text) in y.Ticks)
            svg.Append(CultureInfo.InvariantCulture,
            $"<line class='grid' x1='{Left}' x2='{width - Right}' y1='{Y(at):F1}' y2='{Y(at):F1}'/><text "
                        + $"x='{Left - 6}' y='{Y(at) + 3.5:F1}' text-anchor='end'>{text}</text>");
        foreach (var (at, text) in x.Ticks)
            svg.Append(CultureInfo.InvariantCulture,
            $"<line class='tick' x1='{X(at):F1}' x2='{X(at):F1}' y1='{height - Bottom}' "
                        + $"y2='{height - Bottom + 4}'/><text x='{X(at):F1}' y='{height - Bottom + 16}' "
                        + $"text-anchor='middle'>{text}</text>");
        svg.Append(CultureInfo.InvariantCulture,
            $"<line class='axis' x1='{Left}' x2='{width - Right}' y1='{height - Bottom}' y2='{height - Bottom}'/>");
        svg.Append(CultureInfo.InvariantCulture,
            $"<text class='label' x='{(Left + width - Right) / 2}' y='{height - 6}' "
                    + $"text-anchor='middle'>{WebUtility.HtmlEncode(x.Label)}</text>");
        svg.Append(CultureInfo.InvariantCulture,
            $"<text class='label' transform='translate(11 {(Top + height - Bottom) / 2}) rotate(-90)' "
                    + $"text-anchor='middle'>{WebUtility.HtmlEncode(y.Label)}</text>");
        return svg.Append(marks).Append("</svg>").ToString();
    }

    private double X(double value) => Left + (value - x.Low) / (x.High - x.Low) * (width - Left - Right);

    private double Y(double value) => height - Bottom - (value - y.Low) / (y.High - y.Low) * (height - Top - Bottom);

    private string Path(IEnumerable<CurvePoint> points)
    {
        var path = new StringBuilder();
        foreach (CurvePoint p in points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)))
            path.Append(CultureInfo.InvariantCulture,
                $"{(path.Length == 0 ? 'M' : 'L')}{X(p.X):F1} {Y(p.Y):F1}");
        return path.ToString();
    }
}
