namespace MlffAd.Training;

/// <summary>How good images are judged, to set the threshold: never by a memory of themselves.</summary>
internal enum Judging
{
    /// <summary>They are not: a threshold was given.</summary>
    None,

    /// <summary>Each by a memory that is made without it: where there are few.</summary>
    Folds,

    /// <summary>Each by the memory without what it remembers of that image.</summary>
    LeaveOneOut,

    /// <summary>The images held out; the memory has none of their cells.</summary>
    HeldOut,
}

/// <summary>Which good images are remembered and which are judged (spec §14).</summary>
/// <param name="Remembered">Those that cells are drawn from.</param>
/// <param name="Judged">Those that the threshold rests on.</param>
/// <param name="Judging">How.</param>
internal sealed record MemoryImages(IReadOnlyList<ImageItem> Remembered, IReadOnlyList<ImageItem> Judged,
    Judging Judging)
{
    /// <summary>As many held out make a threshold; fewer are judged in turn, and remembered as well.</summary>
    private const int EnoughHeld = 20;

    /// <summary>Fewest that can be judged in turn, fewest that leave enough behind, and most that are judged
    /// so.</summary>
    private const int Fewest = 4, FewestLeftOut = 8, MostLeftOut = 200;

    /// <summary>Images of a lot: their cells are drawn and chosen from together.</summary>
    public const int LotImages = 2000;

    /// <summary>Where others are held out, those of the remembered that are judged as well, each by the memory without
    /// what it remembers of that image.</summary>
    public IReadOnlyList<ImageItem> Others => Judging != Judging.HeldOut ? []
        : InOrder([.. Holdout.ByName(Holdout.Different(Remembered)).Take(MostLeftOut)], Remembered);

    /// <summary>Splits good images. Copies of one image are remembered, and judged once.</summary>
    /// <param name="good">The good images.</param>
    /// <param name="share"><c>train.holdout</c>.</param>
    /// <exception cref="MlffAdException">There are fewer than 4 different ones, and a threshold is wanted (exit code
    /// 3).</exception>
    public static MemoryImages Split(IReadOnlyList<ImageItem> good, double share)
    {
        if (share == 0) return new(good, [], Judging.None);
        var different = Holdout.Different(good);
        if (different.Count < Fewest) throw TooFew(good.Count, different.Count);
        if (different.Count < FewestLeftOut) return new(good, different, Judging.Folds);
        if (share * different.Count > EnoughHeld - 1)
        {
            var (remembered, held) = Holdout.Split(good, share);
            return new(remembered, held, Judging.HeldOut);
        }
        return new(good, InOrder([.. Holdout.ByName(different).Take(MostLeftOut)], good), Judging.LeaveOneOut);
    }

    /// <summary>The same without images that turned out to be unreadable.</summary>
    /// <exception cref="MlffAdException">Too few are left to set a threshold with (exit code 3).</exception>
    public MemoryImages Without(IReadOnlySet<ImageItem> unreadable)
    {
        var left = this with
        {
            Remembered = [.. Remembered.Where(image => !unreadable.Contains(image))],
            Judged = [.. Judged.Where(image => !unreadable.Contains(image))],
        };
        return Judging == Judging.None || left.Judged.Count >= Fewest ? left
            : throw TooFew(left.Judged.Count, left.Judged.Count);
    }

    /// <summary>The remembered images in lots, by their names' hashes, so that each lot has a share of
    /// everything.</summary>
    public static IReadOnlyList<IReadOnlyList<ImageItem>> Lots(IReadOnlyList<ImageItem> images, int most = LotImages)
    {
        int lots = (images.Count + most - 1) / most;
        if (lots == 1) return [images];
        ImageItem[] mixed = [.. Holdout.ByName(images)];
        return [.. Enumerable.Range(0, lots)
            .Select(i => mixed[(mixed.Length * i / lots)..(mixed.Length * (i + 1) / lots)])];
    }

    private static MlffAdException TooFew(int count, int different) => new(ExitCode.BadData,
        $"{Holdout.Counted(count, different)} {(count == 1 ? "is" : "are")} too few to set a threshold with "
        + $"(at least {Fewest}); add some, "
        + "or give '--holdout 0' and a '--threshold'.");

    private static IReadOnlyList<ImageItem> InOrder(HashSet<ImageItem> some, IReadOnlyList<ImageItem> all) =>
        [.. all.Where(some.Contains)];
}
