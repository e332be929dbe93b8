using MlffAd.Data;

namespace MlffAd.Detection;

/// <summary>Where each image's heat map goes: the images' folders below their common one are repeated, so that equal names stay apart.</summary>
public static class HeatMapNames
{
    /// <summary>A path for each image, relative, ending in <c>.png</c>, no two alike even where case does not count.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyList<ImageItem> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        string[] paths = [.. items.Select(item => Path.GetFullPath(item.Path))];
        string common = paths.Select(path => Path.GetDirectoryName(path)!).DefaultIfEmpty("").Aggregate(Common);
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return [.. paths.Select(path => Relative(path, common)).Select(path =>
        {
            // a.png; where it is taken, as by the map of a.png when this is of a.jpg: a.jpg.png; where the same image is named again: a.jpg-2.png.
            string name = Path.ChangeExtension(path, ".png");
            if (!taken.Add(name)) for (int n = 1; !taken.Add(name = n == 1 ? $"{path}.png" : $"{path}-{n}.png"); n++) { }
            return name;
        })];
    }

    private static string Common(string a, string b)
    {
        while (a.Length > 0 && !$"{b}/".Replace('\\', '/').StartsWith($"{a.TrimEnd('/', '\\')}/".Replace('\\', '/'), StringComparison.Ordinal)) a = Path.GetDirectoryName(a) ?? "";
        return a;
    }

    /// <summary>The path below the common folder; of images on several drives, below the drive's name.</summary>
    private static string Relative(string path, string common) =>
        common.Length > 0 ? Path.GetRelativePath(common, path) : Path.Combine(Path.GetPathRoot(path)!.Trim('/', '\\', ':'), path[Path.GetPathRoot(path)!.Length..]);
}
