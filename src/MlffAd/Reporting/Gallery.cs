using System.Net;

namespace MlffAd.Reporting;

/// <summary>The report's pictures: photograph, mask, heat map and overlay of each test image, the
/// worst errors first.</summary>
internal sealed class Gallery(Report report)
{
    private const int Side = 256;
    private static readonly MapColour MaskEdge = new(64, 224, 208);
    private readonly EvaluationResult result = report.Result;
    private readonly ColourScale scale = report.Scale;

    public void Write(TextWriter page)
    {
        (string Title, string Said, TestImage[] Images)[] groups =
        [
            ("Missed defects", "Defective parts at or below the threshold, the lowest score first.",
                [.. Group(image => image.IsDefective && !result.IsFlagged(image)).OrderBy(image => image.Score)]),
            ("False alarms", "Good parts above the threshold, the highest score first.",
                [.. Group(image => !image.IsDefective && result.IsFlagged(image))
                    .OrderByDescending(image => image.Score)]),
            ("Right verdicts", "Nearest the threshold first.",
                [.. Group(image => image.IsDefective == result.IsFlagged(image))
                    .OrderBy(image => Math.Abs(image.Score - result.Threshold))]),
        ];
        page.Write("<section><h2>Gallery</h2>\n");
        WriteLegend(page);
        int left = report.GalleryLimit;
        foreach (var (title, said, images) in groups.Where(group => group.Images.Length > 0))
        {
            string shown = images.Length > left ? $" {left} of {images.Length} are shown." : "";
            page.Write($"<h3>{title} <span class='count'>{images.Length}</span></h3>"
                + $"<p class='note'>{said}{shown}</p>\n<div class='gallery'>\n");
            foreach (TestImage image in images.Take(left)) WriteCard(page, image);
            page.Write("</div>\n");
            left = Math.Max(left - images.Length, 0);
        }
        page.Write("</section>\n");
    }

    private IEnumerable<TestImage> Group(Func<TestImage, bool> belongs) => result.Images.Where(belongs);

    private void WriteLegend(TextWriter page)
    {
        // The gradient has a stop for each 16th of either half; the jump at the middle is the threshold.
        var halves = Enumerable.Range(0, 34).Select(i => (At: i < 17 ? i / 16.0 : (i - 1) / 16.0, Above: i >= 17));
        var stops = halves.Select(stop =>
        {
            float score = (float)(scale.Threshold + (stop.At - 1) * scale.Span);
            MapColour c = scale.Of(stop.Above && stop.At <= 1 ? MathF.BitIncrement(scale.Threshold) : score);
            return string.Create(CultureInfo.InvariantCulture, $"rgb({c.R} {c.G} {c.B}) {stop.At * 50:0.##}%");
        });
        string truth = result.Pixel is null ? ""
            : "; the <span class='edge truth'>turquoise line</span> is the true outline of the defect";
        page.Write($"<div class='legend'><div class='scale' style='background:linear-gradient(90deg,"
            + $"{string.Join(',', stops)})'></div>"
            + $"<div class='ends'><span>{Number(scale.Threshold - scale.Span)}</span>"
            + $"<span>{Number(scale.Threshold)} pixel threshold</span>"
            + $"<span>{Number(scale.Threshold + scale.Span)}</span></div>"
            + "<p class='note'>One score has one colour in every picture. In the overlay, colour and the "
            + "<span class='edge found'>white line</span> mark pixels above the threshold"
            + $"{truth}.</p></div>\n");
    }

    private void WriteCard(TextWriter page, TestImage image)
    {
        RgbImage? photo = ReadPhoto(image);
        ScoreMap map = image.Cells.Enlarge(Side, Side);
        byte[]? mask = image.Mask is null ? null : Shrink(image);
        RgbImage? overlay = photo is null ? null : HeatMap.Overlay(photo, map, scale);
        if (mask is not null && overlay is not null) HeatMap.DrawOutline(overlay, mask, MaskEdge);

        bool flagged = result.IsFlagged(image);
        string verdict = (image.IsDefective, flagged) switch
        {
            (true, false) => "missed",
            (false, true) =>
            "false alarm",
            (true, true) => "defect",
            _ => "good"
        };
        string shape = string.Create(CultureInfo.InvariantCulture, $"aspect-ratio:{image.Width}/{image.Height}");
        page.Write(
            $"<article class='{(image.IsDefective == flagged ? "right" : "wrong")}'><header><span class='badge "
                + $"{(flagged ? "defect" : "good")}'>{verdict}</span>"
                + $"<span class='path'>{WebUtility.HtmlEncode(image.Path)}</span><span "
                + $"class='score'>{Number(image.Score)}</span></header><div class='tiles'>");
        if (photo is not null) Tile("photograph", "jpeg", ImageFile.EncodeJpeg(photo, 85));
        else Empty("photograph", "no longer readable");
        if (mask is not null)
            Tile("mask", "png",
                ImageFile.EncodePng(new RgbImage(Side, Side,
                    [.. mask.SelectMany(m => Enumerable.Repeat(m == 0 ? (byte)24 : (byte)255, 3))])));
        else if (result.Pixel is not null) Empty("mask", "no defect");
        Tile("heat map", "jpeg", ImageFile.EncodeJpeg(HeatMap.Draw(map, scale), 85));
        if (overlay is not null) Tile("overlay", "jpeg", ImageFile.EncodeJpeg(overlay, 85));
        else Empty("overlay", "no photograph");
        page.Write("</div></article>\n");

        void Empty(string name, string why) =>
            page.Write($"<figure><div class='empty' style='{shape}'>{why}</div>"
                + $"<figcaption>{name}</figcaption></figure>");

        void Tile(string name, string type, byte[] file) =>
            page.Write(
                $"<figure><img alt='{name} of {WebUtility.HtmlEncode(image.Path)}' loading='lazy' style='{shape}' "
                    + $"src='data:image/{type};base64,{Convert.ToBase64String(file)}'><figcaption>{name}</figcaption></figure>");
    }

    /// <summary>The photograph as it is shown; null where it has gone or changed since it was scored.</summary>
    private RgbImage? ReadPhoto(TestImage image)
    {
        try { return report.Photo(image).Resize(Side, Side); }
        catch (MlffAdException e) when (e.Code == ExitCode.BadData) { return null; }
    }

    private byte[] Shrink(TestImage image)
    {
        var (width, height) = result.Options.OriginalResolution
            ? (image.Width, image.Height)
            : (result.Options.Side, result.Options.Side);
        return new GreyImage(width, height,
            Array.ConvertAll(image.Mask!, m => m == 0 ? (byte)0 : (byte)255)).ToMask(Side, Side);
    }

    private static string Number(float value) => value.ToString("0.00;−0.00", CultureInfo.InvariantCulture);
}
