namespace MlffAd.Evaluation;

/// <summary>Image-level figures. Null: not defined, for want of defective or of good images.</summary>
public sealed record ImageMetrics(double? Auroc, double? Ap, double? F1Max, float? F1MaxThreshold);

/// <summary>Pixel-level figures. Null: not defined, for want of defective or of good pixels.</summary>
public sealed record PixelMetrics(double? Auroc, double? Ap, double? Pro);

/// <summary>Figures of one kind's images against the good ones.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Count">Its images.</param>
/// <param name="Image">Image level.</param>
/// <param name="Pixel">Pixel level; null without masks.</param>
public sealed record KindMetrics(string Kind, int Count, ImageMetrics Image, PixelMetrics? Pixel);

/// <summary>The outcome of running a model over a test set (spec §9).</summary>
public sealed class EvaluationResult
{
    private EvaluationResult(IReadOnlyList<TestImage> images, float threshold, float pixelThreshold,
        EvaluationOptions options)
    {
        (Images, Threshold, PixelThreshold, Options) = (images, threshold, pixelThreshold, options);
        if (images.FirstOrDefault(image => !float.IsFinite(image.Score)
            || !image.Cells.Values.All(float.IsFinite)) is { } broken)
            throw new MlffAdException(ExitCode.BadModel,
                $"The model gives '{broken.Path}' a score that is not a finite number; train it again or take "
                    + $"another model.");
        Ranking all = Rank(images);
        (Image, ImageRoc, ImagePrecisionRecall) = (Measure(all), all.Roc(), all.PrecisionRecall());
        string[] kinds = [.. images.Select(image => image.Kind).Distinct().Order(StringComparer.Ordinal)];

        PixelScores? pixels = null;
        var rd4ad = new List<(string Kind, double Pro)>();
        if (images.Any(image => image.Mask is not null))
        {
            pixels = new PixelScores();
            foreach (TestImage image in images)
            {
                if (image.IsDefective && image.Mask is null)
                    throw new MlffAdException(ExitCode.BadData,
                        $"'{image.Path}' has no mask although other images have; add it or move the image away.");
                ScoreMap map = PixelsOf(image);
                pixels.Add(image.Kind, map, image.Mask);
                if (options.Pro == ProMethod.Rd4ad && image.Mask is { } mask
                    && Rd4adPro.Of(map, mask, options.ProLimit) is { } pro)
                    rd4ad.Add((image.Kind, pro));
            }
            Ranking ranking = pixels.Rank();
            (Pixel, PixelRoc, PixelPrecisionRecall, ProCurve) =
                (Measure(ranking, rd4ad), ranking.Roc(), ranking.PrecisionRecall(), ranking.ProCurve());
        }

        Kinds = [.. kinds.Select(kind => new KindMetrics(kind, images.Count(image => image.Kind == kind),
            Measure(Rank(images.Where(image => image.Kind == kind || !image.IsDefective))),
            pixels is null ? null : Measure(pixels.Rank(kind), rd4ad.Where(entry => entry.Kind == kind))))];
    }

    /// <summary>Every test image, as given.</summary>
    public IReadOnlyList<TestImage> Images { get; }

    /// <summary>An image is defective above this score.</summary>
    public float Threshold { get; }

    /// <summary>A pixel is defective above this score.</summary>
    public float PixelThreshold { get; }

    /// <summary>What was computed, and at which size.</summary>
    public EvaluationOptions Options { get; }

    /// <summary>Image level, over all kinds.</summary>
    public ImageMetrics Image { get; }

    /// <summary>Pixel level, over all kinds; null without masks.</summary>
    public PixelMetrics? Pixel { get; }

    /// <summary>What should be known of the photographs and masks, a sentence each.</summary>
    public IReadOnlyList<string> Remarks { get; private init; } = [];

    /// <summary>Each kind, the good one included, by name.</summary>
    public IReadOnlyList<KindMetrics> Kinds { get; }

    /// <summary>False-positive rate against recall of images.</summary>
    public IReadOnlyList<CurvePoint> ImageRoc { get; }

    /// <summary>Recall against precision of images.</summary>
    public IReadOnlyList<CurvePoint> ImagePrecisionRecall { get; }

    /// <summary>False-positive rate against recall of pixels; empty without masks.</summary>
    public IReadOnlyList<CurvePoint> PixelRoc { get; } = [];

    /// <summary>Recall against precision of pixels; empty without masks.</summary>
    public IReadOnlyList<CurvePoint> PixelPrecisionRecall { get; } = [];

    /// <summary>False-positive rate of pixels against mean overlap of components (the benchmark's own); empty
    /// without masks.</summary>
    public IReadOnlyList<CurvePoint> ProCurve { get; } = [];

    /// <summary>Computes every figure.</summary>
    /// <exception cref="MlffAdException">A score is not finite (exit code 4), or a defective image lacks its mask
    /// although others have theirs (3).</exception>
    public static EvaluationResult Of(IReadOnlyList<TestImage> images, float threshold, float pixelThreshold,
        EvaluationOptions options,
        IReadOnlyList<string>? remarks = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(options);
        return new(images, threshold, pixelThreshold, options) { Remarks = remarks ?? [] };
    }

    /// <summary>The verdict on an image: defective above the threshold; at it, good.</summary>
    public bool IsFlagged(TestImage image) => image.Score > Threshold;

    /// <summary>The image's pixel scores at the size of evaluation.</summary>
    public ScoreMap PixelsOf(TestImage image) => Options.OriginalResolution
        ? image.Cells.Enlarge(image.Width, image.Height)
        : image.Cells.Enlarge(Options.Side, Options.Side);

    private static Ranking Rank(IEnumerable<TestImage> images)
    {
        TestImage[] list = [.. images];
        return Ranking.Of(Array.ConvertAll(list, image => image.Score),
            Array.ConvertAll(list, image => image.IsDefective));
    }

    private static ImageMetrics Measure(Ranking images)
    {
        BestF1? f1 = images.F1Max();
        return new(images.Auroc(), images.AveragePrecision(), f1?.Value, f1?.Threshold);
    }

    private PixelMetrics Measure(Ranking pixels, IEnumerable<(string Kind, double Pro)> rd4ad) =>
        new(pixels.Auroc(), pixels.AveragePrecision(), Options.Pro == ProMethod.Mvtec
            ? pixels.Pro(Options.ProLimit)
            : rd4ad.Select(entry => (double?)entry.Pro).Average());
}
