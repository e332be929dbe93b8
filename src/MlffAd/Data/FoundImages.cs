namespace MlffAd.Data;

/// <summary>An image that is not read, or a folder.</summary>
/// <param name="Name">The file or folder, as it should be shown.</param>
/// <param name="Why">Why, with what to do.</param>
/// <param name="IsFolder">Whether it is a folder with whatever it holds.</param>
public sealed record PassedImage(string Name, string Why, bool IsFolder = false)
{
    private const int MostNamed = 5;

    /// <summary>How many there are, and the first of them; null if there are none.</summary>
    internal static string? Caution(IReadOnlyList<PassedImage> all)
    {
        var said = all.Where(image => image.IsFolder).Select(folder => $"'{folder.Name}' is passed over: {folder.Why}.")
            .Take(MostNamed).ToList();
        PassedImage[] images = [.. all.Where(image => !image.IsFolder)];
        if (images.Length > 0)
        {
            string them = images.Length == 1 ? "it" : "them";
            int unnamed = images.Count(image => image.Why == ImageNames.NotUtf8);
            string remedy = unnamed == images.Length ? $"rename {them}"
                : $"convert {them} to PNG{(unnamed > 0 ? ", and rename those whose names are not UTF-8" : "")}";
            said.Insert(0, $"{images.Length} image{(images.Length == 1 ? " is" : "s are")} passed over: "
                + $"{Named([.. images.Select(image => image.Name)])}; {remedy}.");
        }
        return said.Count == 0 ? null : string.Join(' ', said);
    }

    /// <summary>The first of some names, and how many more there are.</summary>
    internal static string Named(IReadOnlyCollection<string> names) =>
        string.Join(", ", names.Take(MostNamed).Select(name => $"'{name}'"))
        + (names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "");
}

/// <summary>What lies in folders: images, and what else looks like one.</summary>
public sealed class FoundImages
{
    private readonly List<ImageItem> _images = [];
    private readonly List<PassedImage> _passedOver = [];

    /// <summary>Images of formats that are read, by their names; none has been opened.</summary>
    public IReadOnlyList<ImageItem> Images => _images;

    /// <summary>Images of other formats, and folders that may not be read.</summary>
    public IReadOnlyList<PassedImage> PassedOver => _passedOver;

    /// <summary>How many files are no images.</summary>
    public int OtherFiles { get; private set; }

    /// <summary>How many files and folders are hidden, and not looked at.</summary>
    public int Hidden { get; private set; }

    /// <summary>How many folders hold pictures of results, such as heat maps, and are not searched.</summary>
    public int OfResults { get; private set; }

    /// <summary>What else lies there and is left out, in a sentence; null if there is nothing.</summary>
    public string? LeftOut
    {
        get
        {
            string[] said =
            [
                .. OtherFiles > 0 ? [$"{OtherFiles} that are no images"] : Array.Empty<string>(),
                .. Hidden > 0 ? [$"{Hidden} hidden"] : Array.Empty<string>(),
                .. OfResults > 0 ? [$"{OfResults} folder{(OfResults == 1 ? "" : "s")} of results"]
                : Array.Empty<string>(),
            ];
            return said.Length == 0 ? null : $"Left out: {string.Join(", ", said)}.";
        }
    }

    /// <summary>What paths name: files, whatever their names, and folders with everything below them.</summary>
    /// <exception cref="MlffAdException">One is not there, or is a folder without an image (exit code 3).</exception>
    public static FoundImages Of(IEnumerable<string> paths)
    {
        var found = new FoundImages();
        foreach (string path in paths) found.Add(path);
        return found;
    }

    /// <summary>A file, whatever its name, whether or not it is there.</summary>
    internal static ImageItem Item(string path) => new(path, WithSlashes(path), DataSet.Good);

    private void Add(string path)
    {
        if (File.Exists(path))
        {
            _images.Add(Item(path));
            return;
        }
        if (!Directory.Exists(path))
            throw new MlffAdException(ExitCode.BadData, $"There is no file or folder '{path}'.");
        var inside = new FoundImages();
        inside.AddFolder(path, path, DataSet.Good);
        if (inside._images.Count + inside._passedOver.Count == 0) throw Empty(path, []);
        _images.AddRange(inside._images.Select(i => i with { Name = Below(i.Name) }));
        _passedOver.AddRange(inside._passedOver.Select(i => i with { Name = Below(i.Name) }));
        OtherFiles += inside.OtherFiles;
        Hidden += inside.Hidden;
        OfResults += inside.OfResults;

        string Below(string name) => WithSlashes(Path.Combine(path, name));
    }

    /// <summary>Adds what a folder and those below it hold, if it is there, in the order of names: each folder once,
    /// however many links lead to it. A folder below that may not be read is passed over.</summary>
    /// <param name="root">Names are relative to it.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="kind">The images' kind.</param>
    /// <param name="recursive">Whether folders below count.</param>
    /// <exception cref="MlffAdException">The folder itself may not be read (exit code 3).</exception>
    internal void AddFolder(string root, string folder, string kind, bool recursive = true)
    {
        if (!Directory.Exists(folder))
        {
            if (ImageNames.IsUnreachable(folder)) PassOver(folder);
            return;
        }
        var (files, seen) = (new List<FileInfo>(), new HashSet<FileIdentity> { FileIdentity.Of(folder) });
        var waiting = new Queue<DirectoryInfo>([new DirectoryInfo(folder)]);
        while (waiting.TryDequeue(out var directory))
        {
            try { Look(directory); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (directory.FullName == Path.GetFullPath(folder))
                    throw new MlffAdException(ExitCode.BadData, $"The folder '{folder}' could not be read: {e.Message}",
                        e);
                _passedOver.Add(
                    new(NameOf(directory), $"the folder could not be read ({e.Message.TrimEnd('.')})", true));
            }
        }
        foreach (var (path, name) in files.Select(file => (Path.Combine(root, Below(file)), NameOf(file)))
            .OrderBy(file => file.Item2, StringComparer.Ordinal))
        {
            if (ImageNames.IsRead(path)) _images.Add(new(path, name, kind));
            else if (ImageNames.WhyPassedOver(path) is { } why) _passedOver.Add(new(name, why));
            else OtherFiles++;
        }

        void Look(DirectoryInfo directory)
        {
            // In the order of names, so that of two links to a folder always the same counts.
            foreach (var entry in directory.EnumerateFileSystemInfos().OrderBy(e => e.Name, StringComparer.Ordinal))
            {
                if (ImageNames.IsUnreachable(entry.FullName))
                {
                    if (entry is DirectoryInfo ? recursive
                        : ImageNames.MayBeImage(entry.FullName)) PassOver(entry.FullName);
                    continue;
                }
                // Hidden are also the "._" twins that some systems leave beside an image.
                if ((entry.Attributes & (FileAttributes.Hidden | FileAttributes.System)) != 0) Hidden++;
                else if (entry is FileInfo file) files.Add(file);
                else if (OutputFolder.IsMarked(entry.FullName)) OfResults++;
                else if (recursive && seen.Add(FileIdentity.Of(entry.FullName))) waiting.Enqueue((DirectoryInfo)entry);
            }
        }

        void PassOver(string path) =>
            _passedOver.Add(new(WithSlashes(Path.GetRelativePath(root, path)), ImageNames.NotUtf8));

        string Below(FileSystemInfo entry) => Path.GetRelativePath(Path.GetFullPath(root), entry.FullName);

        string NameOf(FileSystemInfo entry) => WithSlashes(Below(entry));
    }

    /// <summary>A backslash separates folders on Windows alone; elsewhere it is a letter of a name.</summary>
    private static string WithSlashes(string path) => path.Replace(Path.DirectorySeparatorChar, '/');

    internal static MlffAdException Empty(string folder, IReadOnlyList<PassedImage> passedOver) => new(ExitCode.BadData,
        $"The folder '{folder}' holds no images ({string.Join(", ", ImageNames.Read)})."
        + (PassedImage.Caution(passedOver) is { } caution ? " " + caution : ""));
}
