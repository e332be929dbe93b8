using System.Security.Cryptography;
using System.Text;

namespace MlffAd.Data;

/// <summary>What decides which good images are held out.</summary>
public enum SplitBy
{
    /// <summary>The files' contents: copies are on one side, wherever they lie and whatever they are called.</summary>
    Content,

    /// <summary>Their names, as trainings of earlier versions did, and go on to when they are resumed.</summary>
    Name,
}

/// <summary>Keeps some good images out of training, to set the verdict's threshold (spec §8).</summary>
public static class Holdout
{
    /// <summary>Fewest good images that can be split.</summary>
    public const int FewestImages = 8;

    /// <summary>Fewest that a threshold may rest on.</summary>
    public const int FewestHeld = 4;

    /// <summary>Splits good images: of n different ones max(4, ⌈share·n⌉) are held out, those with the smallest SHA-256
    /// of their files, or of their names (UTF-8).</summary>
    /// <param name="good">The good images.</param>
    /// <param name="share"><c>train.holdout</c>; 0 holds none out.</param>
    /// <param name="by">What is hashed. By names, all images count as different.</param>
    /// <returns>Both parts in the order of <paramref name="good"/>. Copies of a held-out image are in neither; adding
    /// an image moves few others from one part to the other.</returns>
    /// <exception cref="MlffAdException">There are fewer than 8 different images, or none would be left to learn from
    /// (exit code 3).</exception>
    public static (IReadOnlyList<ImageItem> Train, IReadOnlyList<ImageItem> Held) Split(IReadOnlyList<ImageItem> good,
        double share,
        SplitBy by = SplitBy.Content)
    {
        if (share == 0) return (good, []);
        var groups = Groups(good, by);
        // In decimals, as the share was written: 0.1·30 in binary is a little more than 3.
        int count = Math.Max(FewestHeld, (int)Math.Ceiling((decimal)share * groups.Count));
        if (groups.Count < FewestImages || count >= groups.Count)
            throw new MlffAdException(ExitCode.BadData,
                $"{Counted(good.Count, groups.Count)} are too few to train on and to set a "
                + $"threshold with (at least {FewestImages}); add some, or give '--holdout 0' and a '--threshold'.");
        var first = groups.Take(count).Select(group => group[0]).ToHashSet();
        var held = groups.Take(count).SelectMany(group => group).ToHashSet();
        return ([.. good.Where(i => !held.Contains(i))], [.. good.Where(first.Contains)]);
    }

    /// <summary>One of each content, in the order of <paramref name="good"/>.</summary>
    public static IReadOnlyList<ImageItem> Different(IReadOnlyList<ImageItem> good)
    {
        var first = Groups(good, SplitBy.Content).Select(group => group[0]).ToHashSet();
        return [.. good.Where(first.Contains)];
    }

    /// <summary>So many images, and how many of them are no copies.</summary>
    internal static string Counted(int images, int different) => images == different
        ? $"{images} good image{(images == 1 ? "" : "s")}"
        : $"{images} good images, {different} of them different,";

    /// <summary>Images in the order of the SHA-256 of their names (UTF-8): as good as chance, and the same
    /// everywhere.</summary>
    internal static IEnumerable<ImageItem> ByName(IEnumerable<ImageItem> images) =>
        images.OrderBy(NameHash, StringComparer.Ordinal);

    /// <summary>Images of one content together, each group in the order given, in the order of their hashes.</summary>
    private static List<List<ImageItem>> Groups(IReadOnlyList<ImageItem> images, SplitBy by)
    {
        var hashes = by == SplitBy.Content ? Copies.Hashes(images) : null;
        return [.. images.GroupBy(image => hashes?[image] ?? NameHash(image))
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => group.ToList())];
    }

    private static string NameHash(ImageItem image) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(image.Name)));
}
