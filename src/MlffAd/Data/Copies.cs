using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace MlffAd.Data;

/// <summary>Files of the same bytes under several names.</summary>
internal static class Copies
{
    /// <summary>The SHA-256 of each image's file; of one that cannot be read, of its name, so that it is nobody's
    /// copy.</summary>
    public static IReadOnlyDictionary<ImageItem, string> Hashes(IEnumerable<ImageItem> images)
    {
        var hashes = new ConcurrentDictionary<ImageItem, string>();
        Parallel.ForEach(images, image => hashes[image] = Hash(image));
        return hashes;
    }

    /// <summary>What should be known of copies: among the images to learn from, and between these and the test's.
    /// Files are read only where another is as long.</summary>
    public static IReadOnlyList<string> Cautions(DataSet set)
    {
        var alike = set.Train.Concat(set.Test).GroupBy(Length).Where(group => group.Key > 0 && group.Skip(1).Any())
            .SelectMany(group => group);
        var hashes = Hashes(alike);
        var (seen, copies, shared) = (new HashSet<string>(), new List<string>(), new List<string>());
        foreach (var image in set.Train)
            if (hashes.TryGetValue(image, out string? hash) && !seen.Add(hash)) copies.Add(image.Name);
        foreach (var image in set.Test)
            if (hashes.TryGetValue(image, out string? hash) && seen.Contains(hash)) shared.Add(image.Name);
        var said = new List<string>();
        if (copies.Count > 0)
            said.Add($"{copies.Count} of {set.Train.Count} images to learn from repeat others: "
                + $"{PassedImage.Named(copies)}; for the threshold each photograph counts once.");
        if (shared.Count > 0)
            said.Add($"{shared.Count} of {set.Test.Count} test images repeat images to learn from: "
                + $"{PassedImage.Named(shared)}; a test of what was learnt says little.");
        return said;
    }

    private static string Hash(ImageItem image)
    {
        try
        {
            if (Length(image) > 0)
            {
                using var stream = File.OpenRead(image.Path);
                return Convert.ToHexString(SHA256.HashData(stream));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(image.Name)));
    }

    private static long Length(ImageItem image) => new FileInfo(image.Path) is { Exists: true } file ? file.Length : 0;
}
