namespace MlffAd.Data;

/// <summary>An image of a data set.</summary>
/// <param name="Path">The file.</param>
/// <param name="Name">Its path in the data set, with '/'.</param>
/// <param name="Kind">The kind of defect; <see cref="DataSet.Good"/> for none.</param>
/// <param name="Mask">Where its mask belongs; null for a good image, or where the data set has no masks.</param>
public sealed record ImageItem(string Path, string Name, string Kind, string? Mask = null);

/// <summary>A folder of images: MVTec AD's layout, or any folder of good images (spec §2.1).</summary>
/// <remarks>Order is by name, ordinal, so that it is the same on every machine. Extensions count in any case;
/// hidden files do not.</remarks>
public sealed class DataSet
{
    /// <summary>The normal kind. Its folders may be called so in any case, or <c>ok</c> or <c>normal</c>.</summary>
    public const string Good = "good";

    private DataSet(string root, bool isMvtec, bool hasMasks)
    {
        (Root, IsMvtec, HasMasks) = (root, isMvtec, hasMasks);
        var found = new FoundImages();
        if (isMvtec)
        {
            foreach (string name in Layout.FoldersIn(Path.Combine(root, "train")).Where(PartNames.IsGood))
                found.AddFolder(root, Path.Combine(root, "train", name), Good);
            Train = [.. found.Images];
            foreach (string name in Layout.FoldersIn(Path.Combine(root, "test")))
                found.AddFolder(root, Path.Combine(root, "test", name), PartNames.IsGood(name) ? Good : name);
            Test = [.. found.Images.Skip(Train.Count)
                .Select(i => i with { Mask = !hasMasks || i.Kind == Good ? null : MaskOf(i) })];
            Aside = FindAside();
        }
        else
        {
            found.AddFolder(root, root, Good);
            (Train, Test) = ([.. found.Images], []);
        }
        (PassedOver, LeftOut) = (found.PassedOver, found.LeftOut);
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

    /// <summary>Images in a data set's <c>train</c>, <c>test</c> or root that are in no folder of its layout: none is
    /// used.</summary>
    public IReadOnlyList<string> Aside { get; } = [];

    /// <summary>What else lies there and is left out, in a sentence; null if there is nothing.</summary>
    public string? LeftOut { get; }

    /// <summary>What should be known of <see cref="PassedOver"/> and <see cref="Aside"/>; null if there is
    /// nothing.</summary>
    public string? Caution => string.Join(' ', new[]
    {
        PassedImage.Caution(PassedOver), SharedMasks,
        Aside.Count == 0 ? null
        : $"{Aside.Count} image{(Aside.Count == 1 ? " is" : "s are")} not used, in neither train/good nor "
            + $"test/KIND: {PassedImage.Named(Aside)}.",
    }.OfType<string>()) is { Length: > 0 } all ? all : null;

    /// <summary>Kinds of the test images, ordinal.</summary>
    public IReadOnlyList<string> Kinds => [.. Test.Select(i => i.Kind).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Defect images whose mask is not there, although there is a <c>ground_truth</c> folder.</summary>
    public IReadOnlyList<ImageItem> MissingMasks => [.. Test.Where(i => i.Mask is not null && !File.Exists(i.Mask))];

    /// <summary>Lists a folder's images; none is opened.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="plain">That all images below it show good parts, whatever its folders are called.</param>
    /// <exception cref="MlffAdException">The folder is not there, holds no image, holds several data sets, or its
    /// folders' names say that not all parts are good (exit code 3).</exception>
    public static DataSet Open(string folder, bool plain = false)
    {
        if (!Directory.Exists(folder)) throw new MlffAdException(ExitCode.BadData, $"There is no folder '{folder}'.");
        bool isMvtec = !plain && Layout.IsMvtec(folder);
        if (!plain) Layout.RequireOne(folder);
        var set = new DataSet(folder, isMvtec, isMvtec && Directory.Exists(Path.Combine(folder, "ground_truth")));
        if (set.Train.Count + set.Test.Count == 0) throw FoundImages.Empty(folder, set.PassedOver);
        if (!plain) Layout.RequireGood(folder, set.Train, depth: isMvtec ? 2 : 0);
        return set;
    }

    /// <summary>What should be known of copies among the images to learn from, and between these and the test's.
    /// Files are read where another is as long.</summary>
    public IReadOnlyList<string> CopyCautions() => Copies.Cautions(this);

    /// <summary>Whether a file that is written would be one of the images of the next run: it lies below the folder,
    /// and is called like an image.</summary>
    public bool WouldHold(string path) => ImageNames.IsRead(path) && OutputFolder.IsBelow(path, Root);

    /// <summary>Refuses a data set without good images to learn from.</summary>
    /// <exception cref="MlffAdException">There are none; it names where they may lie (exit code 3).</exception>
    public void RequireTrain()
    {
        if (Train.Count > 0) return;
        string? other = Layout.FoldersIn(Path.Combine(Root, "train")).FirstOrDefault(PartNames.MayBeGood);
        throw new MlffAdException(ExitCode.BadData, $"'{Root}' has no good images to learn from; they belong in "
            + $"'{Path.Combine("train", Good)}'"
            + (other is null ? "."
            : $": if those in '{Path.Combine("train", other)}' are good, call that folder {Good}."));
    }

    /// <summary>The images that paths name: files as they are, folders with everything below them.
    /// <see cref="FoundImages.Of"/> says what else looks like an image there.</summary>
    /// <exception cref="MlffAdException">A path is not there, or there is no image (exit code 3).</exception>
    public static IReadOnlyList<ImageItem> Find(IEnumerable<string> paths)
    {
        string[] all = [.. paths];
        var found = FoundImages.Of(all);
        return found.Images.Count > 0 || all.Length == 0 ? found.Images
            : throw FoundImages.Empty(all[0], found.PassedOver);
    }

    /// <summary>Refuses a data set that has some masks but not all.</summary>
    /// <exception cref="MlffAdException">Names the first missing mask (exit code 3).</exception>
    public void RequireMasks()
    {
        if (MissingMasks is [var first, ..] missing)
            throw new MlffAdException(ExitCode.BadData, $"The mask '{first.Mask}' of '{first.Path}' is missing"
                + (missing.Count > 1 ? $", and {missing.Count - 1} more are" : "")
                    + "; add it, or take the ground_truth folder away to evaluate images alone.");
    }

    private string? SharedMasks =>
        Test.Where(i => i.Mask is not null).GroupBy(i => i.Mask).FirstOrDefault(g => g.Skip(1).Any()) is { } first
        ? $"{PassedImage.Named([.. first.Select(i => i.Name)])} share a mask: give them names that differ." : null;

    /// <summary>Below ground_truth as the image lies below test.</summary>
    private string MaskOf(ImageItem image)
    {
        string below = Path.GetRelativePath(Path.Combine(Root, "test"), image.Path);
        return Path.Combine(Root, "ground_truth", Path.ChangeExtension(below, null) + "_mask.png");
    }

    private List<string> FindAside()
    {
        var aside = new FoundImages();
        aside.AddFolder(Root, Root, Good, recursive: false);
        foreach (string split in new[] { "train", "test" })
            aside.AddFolder(Root, Path.Combine(Root, split), Good, recursive: false);
        foreach (string name in Layout.FoldersIn(Path.Combine(Root, "train")).Where(name => !PartNames.IsGood(name)))
            aside.AddFolder(Root, Path.Combine(Root, "train", name), Good);
        return [.. aside.Images.Select(image => image.Name)];
    }
}
