namespace MlffAd.Data;

/// <summary>An image of a data set.</summary>
/// <param name="Path">The file.</param>
/// <param name="Name">Its path in the data set, with '/'.</param>
/// <param name="Kind">The kind of defect; <see cref="DataSet.Good"/> for none.</param>
/// <param name="Mask">Where its mask belongs; null for a good image, or where the data set has no masks.</param>
public sealed record ImageItem(string Path, string Name, string Kind, string? Mask = null);

/// <summary>A folder of images: MVTec AD's layout, or any folder of good images (spec §2.1).</summary>
/// <remarks>Order is by name, ordinal, so that it is the same on every machine. Extensions count in any case; hidden files do not.</remarks>
public sealed class DataSet
{
    /// <summary>The normal kind.</summary>
    public const string Good = "good";

    private DataSet(string root, bool isMvtec, bool hasMasks, IReadOnlyList<ImageItem> train, IReadOnlyList<ImageItem> test) =>
        (Root, IsMvtec, HasMasks, Train, Test) = (root, isMvtec, hasMasks, train, test);

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>Whether it has MVTec's sub-folders; a plain folder has good images alone.</summary>
    public bool IsMvtec { get; }

    /// <summary>Whether there is a <c>ground_truth</c> folder.</summary>
    public bool HasMasks { get; }

    /// <summary>The good images to learn from.</summary>
    public IReadOnlyList<ImageItem> Train { get; }

    /// <summary>The test images of all kinds.</summary>
    public IReadOnlyList<ImageItem> Test { get; }

    /// <summary>Kinds of the test images, ordinal.</summary>
    public IReadOnlyList<string> Kinds => [.. Test.Select(i => i.Kind).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Defect images whose mask is not there, although there is a <c>ground_truth</c> folder.</summary>
    public IReadOnlyList<ImageItem> MissingMasks => [.. Test.Where(i => i.Mask is not null && !File.Exists(i.Mask))];

    /// <summary>Lists a folder's images; none is opened.</summary>
    /// <exception cref="MlffAdException">The folder is not there or holds no image (exit code 3).</exception>
    public static DataSet Open(string folder)
    {
        if (!Directory.Exists(folder)) throw new MlffAdException(ExitCode.BadData, $"There is no folder '{folder}'.");
        string train = Path.Combine(folder, "train", Good), test = Path.Combine(folder, "test"), truth = Path.Combine(folder, "ground_truth");
        bool isMvtec = Directory.Exists(train) || Directory.Exists(test), hasMasks = isMvtec && Directory.Exists(truth);
        var set = isMvtec
            ? new DataSet(folder, true, hasMasks, List(folder, train, Good, recursive: false), [.. ListTest(folder, test, hasMasks ? truth : null)])
            : new DataSet(folder, false, false, List(folder, folder, Good, recursive: true), []);
        if (set.Train.Count + set.Test.Count == 0) throw Empty(folder);
        return set;
    }

    /// <summary>The images that paths name: files as they are, folders with everything below them.</summary>
    /// <exception cref="MlffAdException">A path is not there, or a folder holds no image (exit code 3).</exception>
    public static IReadOnlyList<ImageItem> Find(IEnumerable<string> paths)
    {
        var found = new List<ImageItem>();
        foreach (string path in paths)
        {
            if (File.Exists(path)) found.Add(new(path, path.Replace('\\', '/'), Good));
            else if (!Directory.Exists(path)) throw new MlffAdException(ExitCode.BadData, $"There is no file or folder '{path}'.");
            else
            {
                var inside = List(path, path, Good, recursive: true);
                if (inside.Count == 0) throw Empty(path);
                found.AddRange(inside.Select(i => i with { Name = Path.Combine(path, i.Name).Replace('\\', '/') }));
            }
        }
        return found;
    }

    /// <summary>Refuses a data set with masks of which some are missing.</summary>
    /// <exception cref="MlffAdException">Names the first missing mask (exit code 3).</exception>
    public void RequireMasks()
    {
        if (MissingMasks is [var first, ..] missing)
            throw new MlffAdException(ExitCode.BadData, $"The mask '{first.Mask}' of '{first.Path}' is missing"
                + (missing.Count > 1 ? $", and {missing.Count - 1} more are" : "") + "; add it, or take the ground_truth folder away to evaluate images alone.");
    }

    private static IEnumerable<ImageItem> ListTest(string root, string test, string? truth)
    {
        if (!Directory.Exists(test)) return [];
        var kinds = Directory.GetDirectories(test).Select(d => Path.GetFileName(d)!).Where(k => k[0] != '.').Order(StringComparer.Ordinal);
        return kinds.SelectMany(kind => List(root, Path.Combine(test, kind), kind, recursive: false).Select(i => i with
        {
            Mask = truth is null || kind == Good ? null : Path.Combine(truth, kind, Path.GetFileNameWithoutExtension(i.Path) + "_mask.png"),
        }));
    }

    private static List<ImageItem> List(string root, string folder, string kind, bool recursive)
    {
        if (!Directory.Exists(folder)) return [];
        // The default options skip hidden files, such as the "._" twins that some systems leave beside an image.
        var options = new EnumerationOptions { RecurseSubdirectories = recursive, IgnoreInaccessible = false };
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*", options)
                .Where(path => ImageFile.Extensions.Contains(Path.GetExtension(path).ToLowerInvariant()))
                .Select(path => new ImageItem(path, Path.GetRelativePath(root, path).Replace('\\', '/'), kind))
                .OrderBy(item => item.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.BadData, $"The folder '{folder}' could not be read: {e.Message}", e);
        }
    }

    private static MlffAdException Empty(string folder) =>
        new(ExitCode.BadData, $"The folder '{folder}' holds no images ({string.Join(", ", ImageFile.Extensions)}).");
}
