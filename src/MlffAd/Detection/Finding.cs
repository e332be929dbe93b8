namespace MlffAd.Detection;

/// <summary>What is said of a photograph, by a <see cref="Detector"/>.</summary>
public sealed class Finding
{
    private readonly ExitCode _fault;
    private readonly ColourScale? _scale;
    private RgbImage? _photograph;
    private ScoreMap? _pixels;

    private Finding(string path, string error, ExitCode fault) => (Path, Error, _fault) = (path, error, fault);

    private Finding(ScoredImage image, float threshold, float pixelThreshold, ColourScale scale)
    {
        (Path, Score, Cells) = (image.Item.Name, image.Score, image.Cells);
        (_photograph, _scale) = (image.Original, scale);
        IsDefect = image.Score > threshold;
        // No pixel is above its threshold where no cell is: pixels lie between cells.
        if (image.Cells!.Max() > pixelThreshold)
            Box = Components.LargestAbove(PixelsOf(image.Original!), pixelThreshold);
    }

    /// <summary>The photograph's file or name, as it should be shown.</summary>
    public string Path { get; }

    /// <summary>Its score; null if it was not judged.</summary>
    public float? Score { get; }

    /// <summary>Whether the score is above the threshold; at it, the photograph is good. False, too, of what was not
    /// judged: only <see cref="Verdict"/> and <see cref="Code"/> tell that from a good part.</summary>
    public bool IsDefect { get; }

    /// <summary><c>good</c>, <c>defect</c>, or <c>unreadable</c> of what was not judged.</summary>
    public string Verdict => Error is not null ? "unreadable" : IsDefect ? "defect" : "good";

    /// <summary>In pixels of the photograph, the box of the largest 8-connected region above the pixel threshold; null
    /// if there is none. A good photograph may have one: its threshold is another than a pixel's.</summary>
    public PixelBox? Box { get; }

    /// <summary>Why it was not judged, in a sentence; null if it was.</summary>
    public string? Error { get; }

    /// <summary>What <c>mlffad detect</c> exits with after this photograph alone: 0 of a good one, 1 of a defect, 3 of
    /// what could not be read, and 4 where the model gives a score that is no finite number.</summary>
    public ExitCode Code => Error is not null ? _fault : IsDefect ? ExitCode.Defect : ExitCode.Success;

    /// <summary>Scores of the network's cells; null if it was not judged. <see cref="ScoreMap.Enlarge"/> brings them to
    /// the photograph's size.</summary>
    public ScoreMap? Cells { get; }

    /// <summary>Draws the photograph, coloured where pixels are above their threshold, as
    /// <c>mlffad detect --heatmaps</c> does; nothing is drawn before it is asked for.</summary>
    /// <exception cref="InvalidOperationException">It was not judged; or it is of a sequence that has gone on, and the
    /// photograph is no longer in memory.</exception>
    public RgbImage DrawHeatMap() => DrawHeatMap(_photograph ?? throw new InvalidOperationException(Cells is null
        ? $"'{Path}' was not judged, so it has no heat map."
        : $"The photograph '{Path}' is no longer in memory: draw its heat map before the next finding is asked for, "
            + "or give the photograph again."));

    /// <summary>Draws the heat map on the photograph given, of any size.</summary>
    /// <exception cref="InvalidOperationException">It was not judged.</exception>
    public RgbImage DrawHeatMap(RgbImage photograph)
    {
        ArgumentNullException.ThrowIfNull(photograph);
        if (Cells is null) throw new InvalidOperationException($"'{Path}' was not judged, so it has no heat map.");
        return HeatMap.Overlay(photograph, PixelsOf(photograph), _scale!);
    }

    /// <summary>Judges a scored photograph.</summary>
    /// <param name="image">The photograph, or why it could not be read.</param>
    /// <param name="threshold">A photograph is defective above this score.</param>
    /// <param name="pixelThreshold">A pixel is defective above this score.</param>
    /// <param name="scale">The heat map's colours.</param>
    internal static Finding Of(ScoredImage image, float threshold, float pixelThreshold, ColourScale scale)
    {
        if (image.Error is { } error) return new(image.Item.Name, error.Message, ExitCode.BadData);
        if (!float.IsFinite(image.Score) || !image.Cells!.Values.All(float.IsFinite))
            return new(image.Item.Name, NotFinite(image.Item.Name).Message, ExitCode.BadModel);
        return new(image, threshold, pixelThreshold, scale);
    }

    /// <summary>What is said of an image that is passed over: nothing good.</summary>
    internal static Finding NotJudged(PassedImage image) =>
        new(image.Name, $"'{image.Name}' was not judged: {image.Why}.", ExitCode.BadData);

    internal static MlffAdException NotFinite(string path) =>
        new(ExitCode.BadModel, $"The model gives '{path}' a score that is not a finite number; "
            + "train it again or take another model.");

    /// <summary>Lets go of the photograph and of whatever has its size.</summary>
    internal void LetGo() => (_photograph, _pixels) = (null, null);

    /// <summary>Scores at a photograph's size, kept for the one that was judged.</summary>
    private ScoreMap PixelsOf(RgbImage photograph) => ReferenceEquals(photograph, _photograph)
        ? _pixels ??= Cells!.Enlarge(photograph.Width, photograph.Height)
        : Cells!.Enlarge(photograph.Width, photograph.Height);
}
