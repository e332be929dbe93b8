using System.Security.Cryptography;
using System.Text;

namespace MlffAd.Data;

/// <summary>Keeps some good images out of training, to set the verdict's threshold (spec §8).</summary>
public static class Holdout
{
    /// <summary>Fewest good images that can be split.</summary>
    public const int FewestImages = 8;

    /// <summary>Fewest that a threshold may rest on.</summary>
    public const int FewestHeld = 4;

    /// <summary>Splits good images: max(4, ⌈share·n⌉) are held out, those with the smallest SHA-256 of their names (UTF-8).</summary>
    /// <param name="good">The good images.</param>
    /// <param name="share"><c>train.holdout</c>; 0 holds none out.</param>
    /// <returns>Both parts in the order of <paramref name="good"/>; adding an image moves few others from one part to the other.</returns>
    /// <exception cref="MlffAdException">There are fewer than 8 images, or none would be left to learn from (exit code 3).</exception>
    public static (IReadOnlyList<ImageItem> Train, IReadOnlyList<ImageItem> Held) Split(IReadOnlyList<ImageItem> good, double share)
    {
        if (share == 0) return (good, []);
        // In decimals, as the share was written: 0.1·30 in binary is a little more than 3.
        int count = Math.Max(FewestHeld, (int)Math.Ceiling((decimal)share * good.Count));
        if (good.Count < FewestImages || count >= good.Count)
            throw new MlffAdException(ExitCode.BadData, $"{good.Count} good images are too few to train on and to set a threshold with (at least {FewestImages}); "
                + "add some, or give '--holdout 0' and a '--threshold'.");
        var held = ByName(good).Take(count).ToHashSet();
        return ([.. good.Where(i => !held.Contains(i))], [.. good.Where(held.Contains)]);
    }

    /// <summary>Images in the order of the SHA-256 of their names (UTF-8): as good as chance, and the same
    /// everywhere.</summary>
    internal static IEnumerable<ImageItem> ByName(IEnumerable<ImageItem> images) =>
        images.OrderBy(i => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(i.Name))),
            StringComparer.Ordinal);
}
