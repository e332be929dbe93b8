namespace MlffAd.Detection;

/// <summary>Where each image's heat map goes: the images' folders below their common one are repeated, so that equal
/// names stay apart.</summary>
public static class HeatMapNames
{
    /// <summary>A path for each image, relative, ending in <c>.png</c>, no two alike even where case
    /// does not count.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyList<ImageItem> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        string[] paths = [.. items.Select(item => Path.GetFullPath(item.Path))];
        string common = paths.Select(path => Path.GetDirectoryName(path)!).DefaultIfEmpty("").Aggregate(Common);
        return Of([.. paths.Select(path => Relative(path, common))], ".png");
    }

    /// <summary>The same for paths that are relative already, with another extension.</summary>
    internal static IReadOnlyList<string> Of(IReadOnlyList<string> paths, string extension)
    {
        // No file is called as a folder is: x.png of x.jpg beside the maps of what lies in x.png/.
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string path in paths)
            for (string? folder = path; (folder = Path.GetDirectoryName(folder)) is { Length: > 0 };) taken.Add(folder);
        return [.. paths.Select(path =>
        {
            // a.png; where it is taken, as by the map of a.png when this is of a.jpg: a.jpg.png; where the same image
            // is named again: a.jpg-2.png.
            string name = Path.ChangeExtension(path, extension);
            for (int n = 1; !taken.Add(name); n++) name = n == 1 ? $"{path}{extension}" : $"{path}-{n}{extension}";
            return name;
        })];
    }

    private static string Common(string a, string b)
    {
        while (a.Length > 0
            && !$"{b}/".Replace('\\', '/')
                .StartsWith($"{a.TrimEnd('/', '\\')}/".Replace('\\', '/'), StringComparison.Ordinal))
            a = Path.GetDirectoryName(a) ?? "";
        return a;
    }

    /// <summary>The path below the common folder; of images on several drives, below the drive's name.</summary>
    private static string Relative(string path, string common) =>
        common.Length > 0
            ? Path.GetRelativePath(common, path)
            : Path.Combine(Path.GetPathRoot(path)!.Trim('/', '\\', ':'), path[Path.GetPathRoot(path)!.Length..]);
}
