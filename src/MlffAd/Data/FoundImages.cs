namespace MlffAd.Data;

/// <summary>An image that is not read.</summary>
/// <param name="Name">The file, as it should be shown.</param>
/// <param name="Why">Why, with what to do.</param>
public sealed record PassedImage(string Name, string Why)
{
    private const int MostNamed = 5;

    /// <summary>How many there are, and the first of them; null if there are none.</summary>
    internal static string? Caution(IReadOnlyList<PassedImage> all)
    {
        if (all.Count == 0) return null;
        string names = string.Join(", ", all.Take(MostNamed).Select(image => $"'{image.Name}'"));
        string rest = all.Count > MostNamed ? $" and {all.Count - MostNamed} more" : "";
        return $"{all.Count} image{(all.Count == 1 ? " is" : "s are")} passed over: {names}{rest}; convert "
            + $"{(all.Count == 1 ? "it" : "them")} to PNG.";
    }
}

/// <summary>What lies in folders: images, and what else looks like one.</summary>
public sealed class FoundImages
{
    private readonly List<ImageItem> _images = [];
    private readonly List<PassedImage> _passedOver = [];

    /// <summary>Images of formats that are read, by their names; none has been opened.</summary>
    public IReadOnlyList<ImageItem> Images => _images;

    /// <summary>Images of other formats.</summary>
    public IReadOnlyList<PassedImage> PassedOver => _passedOver;

    /// <summary>What paths name: files, whatever their names, and folders with everything below them.</summary>
    /// <exception cref="MlffAdException">One is not there, or is a folder without an image (exit code 3).</exception>
    public static FoundImages Of(IEnumerable<string> paths)
    {
        var found = new FoundImages();
        foreach (string path in paths) found.Add(path);
        return found;
    }

    private void Add(string path)
    {
        if (File.Exists(path))
        {
            _images.Add(new(path, path.Replace('\\', '/'), DataSet.Good));
            return;
        }
        if (!Directory.Exists(path)) throw new MlffAdException(ExitCode.BadData, $"There is no file or folder '{path}'.");
        var inside = new FoundImages();
        inside.AddFolder(path, path, DataSet.Good, recursive: true);
        if (inside._images.Count + inside._passedOver.Count == 0) throw Empty(path, []);
        _images.AddRange(inside._images.Select(i => i with { Name = Below(i.Name) }));
        _passedOver.AddRange(inside._passedOver.Select(i => i with { Name = Below(i.Name) }));

        string Below(string name) => Path.Combine(path, name).Replace('\\', '/');
    }

    /// <summary>Adds what a folder holds, if it is there, in the order of names.</summary>
    /// <param name="root">Names are relative to it.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="kind">The images' kind.</param>
    /// <param name="recursive">Whether folders below count.</param>
    /// <exception cref="MlffAdException">It cannot be read (exit code 3).</exception>
    internal void AddFolder(string root, string folder, string kind, bool recursive)
    {
        if (!Directory.Exists(folder)) return;
        // The default options skip hidden files, such as the "._" twins that some systems leave beside an image.
        var options = new EnumerationOptions { RecurseSubdirectories = recursive, IgnoreInaccessible = false };
        try
        {
            var files = Directory.EnumerateFiles(folder, "*", options)
                .Select(path => (Path: path, Name: Path.GetRelativePath(root, path).Replace('\\', '/')))
                .OrderBy(file => file.Name, StringComparer.Ordinal);
            foreach (var (path, name) in files)
            {
                if (ImageNames.IsRead(path)) _images.Add(new(path, name, kind));
                else if (ImageNames.WhyPassedOver(path) is { } why) _passedOver.Add(new(name, why));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.BadData, $"The folder '{folder}' could not be read: {e.Message}", e);
        }
    }

    internal static MlffAdException Empty(string folder, IReadOnlyList<PassedImage> passedOver) => new(ExitCode.BadData,
        $"The folder '{folder}' holds no images ({string.Join(", ", ImageNames.Read)})."
        + (PassedImage.Caution(passedOver) is { } caution ? " " + caution : ""));
}
