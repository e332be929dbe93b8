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
    /// <summary>The normal kind. Its folders may be called so in any case, or <c>ok</c> or <c>normal</c>.</summary>
    public const string Good = "good";

    private static readonly string[] NamesOfGood = [Good, "ok", "normal"];

    private DataSet(string root, bool isMvtec, bool hasMasks)
    {
        (Root, IsMvtec, HasMasks) = (root, isMvtec, hasMasks);
        var found = new FoundImages();
        if (isMvtec)
        {
            string train = Path.Combine(root, "train"), test = Path.Combine(root, "test");
            string truth = Path.Combine(root, "ground_truth");
            foreach (string name in FoldersIn(train).Where(IsGood))
                found.AddFolder(root, Path.Combine(train, name), Good, recursive: false);
            Train = [.. found.Images];
            foreach (string name in FoldersIn(test))
                found.AddFolder(root, Path.Combine(test, name), IsGood(name) ? Good : name, recursive: false);
            Test = [.. found.Images.Skip(Train.Count).Select(i => i with
            {
                Mask = !hasMasks || i.Kind == Good ? null
                    : Path.Combine(truth, i.Kind, Path.GetFileNameWithoutExtension(i.Path) + "_mask.png"),
            })];
        }
        else
        {
            found.AddFolder(root, root, Good, recursive: true);
            (Train, Test) = ([.. found.Images], []);
        }
        PassedOver = found.PassedOver;
    }

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

    /// <summary>Images of formats that are not read, and why; they lie beside those that are.</summary>
    public IReadOnlyList<PassedImage> PassedOver { get; }

    /// <summary>What should be known of <see cref="PassedOver"/>; null if there are none.</summary>
    public string? Caution => PassedImage.Caution(PassedOver);

    /// <summary>Kinds of the test images, ordinal.</summary>
    public IReadOnlyList<string> Kinds => [.. Test.Select(i => i.Kind).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Defect images whose mask is not there, although there is a <c>ground_truth</c> folder.</summary>
    public IReadOnlyList<ImageItem> MissingMasks => [.. Test.Where(i => i.Mask is not null && !File.Exists(i.Mask))];

    /// <summary>Lists a folder's images; none is opened.</summary>
    /// <exception cref="MlffAdException">The folder is not there or holds no image (exit code 3).</exception>
    public static DataSet Open(string folder)
    {
        if (!Directory.Exists(folder)) throw new MlffAdException(ExitCode.BadData, $"There is no folder '{folder}'.");
        bool isMvtec = FoldersIn(Path.Combine(folder, "train")).Any(IsGood) || Directory.Exists(Path.Combine(folder, "test"));
        var set = new DataSet(folder, isMvtec, isMvtec && Directory.Exists(Path.Combine(folder, "ground_truth")));
        return set.Train.Count + set.Test.Count > 0 ? set : throw FoundImages.Empty(folder, set.PassedOver);
    }

    /// <summary>The images that paths name: files as they are, folders with everything below them.
    /// <see cref="FoundImages.Of"/> says what else looks like an image there.</summary>
    /// <exception cref="MlffAdException">A path is not there, or there is no image (exit code 3).</exception>
    public static IReadOnlyList<ImageItem> Find(IEnumerable<string> paths)
    {
        string[] all = [.. paths];
        var found = FoundImages.Of(all);
        return found.Images.Count > 0 || all.Length == 0 ? found.Images : throw FoundImages.Empty(all[0], found.PassedOver);
    }

    /// <summary>Refuses a data set with masks of which some are missing.</summary>
    /// <exception cref="MlffAdException">Names the first missing mask (exit code 3).</exception>
    public void RequireMasks()
    {
        if (MissingMasks is [var first, ..] missing)
            throw new MlffAdException(ExitCode.BadData, $"The mask '{first.Mask}' of '{first.Path}' is missing"
                + (missing.Count > 1 ? $", and {missing.Count - 1} more are" : "") + "; add it, or take the ground_truth folder away to evaluate images alone.");
    }

    private static bool IsGood(string folder) => NamesOfGood.Contains(folder, StringComparer.OrdinalIgnoreCase);

    private static IEnumerable<string> FoldersIn(string parent) => !Directory.Exists(parent) ? []
        : Directory.GetDirectories(parent).Select(d => Path.GetFileName(d)!).Where(k => k[0] != '.').Order(StringComparer.Ordinal);
}
