namespace MlffAd.Reporting;

/// <summary>A titled table of names and values at the end of the page, such as the configuration.</summary>
public sealed record ReportFacts(string Title, IReadOnlyList<(string Name, string Value)> Rows);

/// <summary>What <see cref="HtmlReport"/> shows.</summary>
/// <param name="Title">The product or data set.</param>
/// <param name="Result">The evaluation.</param>
/// <param name="Photo">Reads a test image, at any size; called once for each picture shown.</param>
public sealed record Report(string Title, EvaluationResult Result, Func<TestImage, RgbImage> Photo)
{
    /// <summary>Configuration, training and file facts.</summary>
    public IReadOnlyList<ReportFacts> Facts { get; init; } = [];

    /// <summary>The colours of the heat maps; a network's, unless said.</summary>
    public ColourScale Scale { get; init; } = new(Result.PixelThreshold);

    /// <summary>The training losses; none, no plot.</summary>
    public IReadOnlyList<LossPoint> Losses { get; init; } = [];

    /// <summary>The largest number of pictures in the gallery; errors come first.</summary>
    public int GalleryLimit { get; init; } = 200;
}
