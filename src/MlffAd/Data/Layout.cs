namespace MlffAd.Data;

/// <summary>What the folders of a data set say it is, and whether that can be learnt from.</summary>
internal static class Layout
{
    private const int MostNamed = 6;

    /// <summary>Whether a folder is a data set in MVTec AD's layout: it has <c>train/good</c>, or kinds below
    /// <c>test</c>.</summary>
    public static bool IsMvtec(string folder) =>
        FoldersIn(Path.Combine(folder, "train")).Any(PartNames.IsGood) || FoldersIn(Path.Combine(folder, "test")).Any();

    /// <summary>Refuses a folder that holds several data sets, or VisA's layout: it is not known which images are
    /// meant.</summary>
    /// <exception cref="MlffAdException">It names what to give instead (exit code 3).</exception>
    public static void RequireOne(string folder)
    {
        string[] sets = [.. FoldersIn(folder).Where(name => IsMvtec(Path.Combine(folder, name)))];
        if (sets.Length > 0 && !IsMvtec(folder))
            throw Several($"{sets.Length} data set{(sets.Length == 1 ? "" : "s")} ({Listed(sets)})",
                Path.Combine(folder, sets[0]));
        string[] visa = [.. FoldersIn(folder).Where(name => NormalOfVisa(Path.Combine(folder, name)) is not null)];
        if (visa.Length > 0)
            throw Several($"{visa.Length} data set{(visa.Length == 1 ? "" : "s")} in VisA's layout ({Listed(visa)})",
                NormalOfVisa(Path.Combine(folder, visa[0]))!);
        if (NormalOfVisa(folder) is { } normal) throw Several("a data set in VisA's layout", normal);

        MlffAdException Several(string what, string instead) => new(ExitCode.BadData,
            $"'{folder}' holds {what}; give one folder of good parts, such as '{instead}'.");
    }

    /// <summary>Refuses images whose folders or names say that they are no good parts.</summary>
    /// <param name="folder">What was given.</param>
    /// <param name="good">The images that would be taken for good parts; names are relative to the folder.</param>
    /// <param name="depth">Folders of the layout itself, such as <c>train/good</c>, which say nothing.</param>
    /// <exception cref="MlffAdException">It lists the folders and how many images they hold (exit code 3).</exception>
    public static void RequireGood(string folder, IReadOnlyList<ImageItem> good, int depth)
    {
        string[] doubted =
        [
            .. good.Select(image => Doubted(image.Name, depth)).OfType<string>()
                .Concat(BesideGood(good, depth)).GroupBy(name => name).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => $"'{g.Key}' ({Count(g.Count())})"),
        ];
        if (doubted.Length > 0)
            throw new MlffAdException(ExitCode.BadData,
                $"'{folder}' does not look like good parts alone: it has {Listed(doubted)}; "
                + "give the folder of good ones, or --plain if all of these are good parts.");
        var stems = good.Select(image => Path.ChangeExtension(image.Name, null)).ToHashSet(StringComparer.Ordinal);
        string[] masks = [.. stems.Where(stem => PartNames.MaskedStem(stem) is { } of && stems.Contains(of))
            .Order(StringComparer.Ordinal)];
        if (masks.Length > 0)
            throw new MlffAdException(ExitCode.BadData,
                $"'{folder}' holds masks beside photographs: '{masks[0]}' is called as one of "
                + $"'{PartNames.MaskedStem(masks[0])}' ({Count(masks.Length)} so); move them away, or give --plain "
                + "if all are good parts.");
    }

    /// <summary>The names of a folder's folders, ordinal, hidden ones left out.</summary>
    public static IEnumerable<string> FoldersIn(string parent)
    {
        try
        {
            return !Directory.Exists(parent) ? [] : Directory.GetDirectories(parent).Select(d => Path.GetFileName(d)!)
                .Where(name => name[0] != '.').Order(StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.BadData, $"The folder '{parent}' could not be read: {e.Message}", e);
        }
    }

    /// <summary>The uppermost folder of an image whose name says that it holds no good parts; null if none
    /// does.</summary>
    private static string? Doubted(string name, int depth)
    {
        string[] folders = name.Split('/')[..^1];
        for (int i = depth; i < folders.Length; i++)
            if (PartNames.SaysNotGood(folders[i])) return string.Join('/', folders[..(i + 1)]);
        return null;
    }

    /// <summary>The folders of images that lie beside a folder of good ones, at any depth: where one is called good,
    /// the others are kinds of defects.</summary>
    private static IEnumerable<string> BesideGood(IReadOnlyList<ImageItem> images, int depth)
    {
        string[][] folders = [.. images.Select(image => image.Name.Split('/')[..^1])];
        var withGood = folders.SelectMany(parts => Enumerable.Range(depth, Math.Max(0, parts.Length - depth))
            .Where(i => PartNames.IsGood(parts[i])).Select(i => string.Join('/', parts[..i])))
                .ToHashSet(StringComparer.Ordinal);
        foreach (string[] parts in folders)
            for (int i = depth; i < parts.Length; i++)
                if (withGood.Contains(string.Join('/', parts[..i])) && !PartNames.MayBeGood(parts[i])
                    && !PartNames.SaysNotGood(parts[i]))
                {
                    yield return string.Join('/', parts[..(i + 1)]);
                    break;
                }
    }

    private static string? NormalOfVisa(string folder) =>
        Path.Combine(folder, "Data", "Images", "Normal") is var normal && Directory.Exists(normal) ? normal : null;

    private static string Listed(string[] names) => string.Join(", ", names.Take(MostNamed))
        + (names.Length > MostNamed ? $" and {names.Length - MostNamed} more" : "");

    private static string Count(int images) => images == 1 ? "1 image" : $"{images} images";
}
