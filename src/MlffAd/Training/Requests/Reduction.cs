namespace MlffAd.Training;

/// <summary>Photographs that are much larger than they are seen.</summary>
/// <param name="Width">Columns of the photograph in the middle, by pixels.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Differ">Whether others have other sizes.</param>
/// <param name="Side">S: they are seen at S×S.</param>
internal sealed record Reduction(int Width, int Height, bool Differ, int Side)
{
    /// <summary>Photographs that are looked at, and the largest <c>imageSize</c>.</summary>
    private const int Looked = 100, Largest = 4096;

    /// <summary>Pixels of a photograph in a seen one from which on it is said: 3 × 3.</summary>
    private const double Much = 9;

    /// <summary>Pixels of a photograph in a seen one, which is their mean (spec §2.2): a defect of fewer is fainter
    /// there than it is, and the more so in a cell, of 64 seen pixels.</summary>
    public double Pixels => (double)Width * Height / Side / Side;

    /// <summary>The size that sees four times as much.</summary>
    public int Larger => 2 * Side;

    /// <summary>Looks at the headers of photographs; what cannot be read is passed over.</summary>
    /// <returns>Null where little is lost, or no larger size shows more.</returns>
    public static Reduction? Of(IReadOnlyList<ImageItem> photographs, int side, long maxPixels)
    {
        var sizes = new List<(int Width, int Height)>();
        foreach (var photograph in Holdout.ByName(photographs).Take(Looked))
        {
            try { sizes.Add(ImageFile.ReadHeader(photograph.Path, maxPixels)); }
            catch (MlffAdException) { }
        }
        if (sizes.Count == 0) return null;
        // Of an even number the smaller of both in the middle: half of them are that large at least.
        sizes.Sort((a, b) => ((long)a.Width * a.Height).CompareTo((long)b.Width * b.Height));
        var (width, height) = sizes[(sizes.Count - 1) / 2];
        var reduction = new Reduction(width, height, sizes.Distinct().Count() > 1, side);
        return reduction.Pixels >= Much && reduction.Larger <= Math.Min(Largest, Math.Min(width, height)) ? reduction
            : null;
    }

    /// <summary>What may be lost, and what seeing more would take, in a sentence.</summary>
    /// <param name="time">What learning takes, and would take at most; null where it has a limit.</param>
    /// <param name="bytes">The device's memory that it would take more, about.</param>
    public string InWords((TimeSpan Now, TimeSpan Then)? time, long bytes)
    {
        string taken = time is { } t
            ? $"at most about {Duration.Text(t.Then)} instead of {Duration.Text(t.Now)}, " : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"{(Differ ? "Half of the photographs are at least" : "The photographs are")} {Width} × {Height} and are "
            + $"seen at {Side} × {Side}, where a defect of fewer than {Pixels:0} pixels may vanish: --image-size "
            + $"{Larger} sees four times as much and takes up to four times as long for each photograph (to learn, "
            + $"{taken}in about {bytes / 1e9:0.0#} GB more memory).");
    }
}
