namespace MlffAd.Data;

/// <summary>Training images decoded once and kept at S×S in memory, 3·S² bytes each (200 KB at 256).</summary>
public sealed class ImageStore
{
    private readonly byte[][] _pixels;

    private ImageStore(int side, IReadOnlyList<ImageItem> items, byte[][] pixels,
        IReadOnlyList<MlffAdException> rejects) =>
        (Side, Items, _pixels, Rejects) = (side, items, pixels, rejects);

    /// <summary>S.</summary>
    public int Side { get; }

    /// <summary>The images that could be read.</summary>
    public IReadOnlyList<ImageItem> Items { get; }

    /// <summary>The files that could not, each with its reason.</summary>
    public IReadOnlyList<MlffAdException> Rejects { get; }

    /// <summary>What is strange about the images, a sentence each.</summary>
    public IReadOnlyList<string> Doubts { get; private init; } = [];

    /// <summary>Image i, <c>[S, S, 3]</c>.</summary>
    public ReadOnlySpan<byte> this[int i] => _pixels[i];

    /// <summary>Reads images; a broken one is skipped.</summary>
    /// <param name="items">The images.</param>
    /// <param name="side">S.</param>
    /// <param name="threads">How many are decoded at a time; 0: one for each processor.</param>
    /// <param name="maxBad">Largest share that may be broken, <c>--max-bad</c>.</param>
    /// <param name="maxPixels">Larger images are refused, <c>--max-pixels</c>.</param>
    /// <param name="onRead">Told of each image as it is read, or of its error.</param>
    /// <param name="bitDepth">As for <see cref="ImageFile.Read"/>, <c>--bit-depth</c>.</param>
    /// <exception cref="MlffAdException">More are broken, or all (exit code 3).</exception>
    public static ImageStore Load(IReadOnlyList<ImageItem> items, int side, int threads = 0, double maxBad = 0.05,
        long maxPixels = ImageFile.MaxPixels, Action<ImageItem, MlffAdException?>? onRead = null, int bitDepth = 16)
    {
        var kept = new List<ImageItem>();
        var pixels = new List<byte[]>();
        var rejects = new Rejects(items.Count, maxBad);
        var doubts = new Doubts(bitDepth);
        foreach (var image in DecodedImage.Ahead(items, side, threads, maxPixels, bitDepth))
        {
            onRead?.Invoke(image.Item, image.Error);
            doubts.Add(image.Item, image.Original);
            if (image.Error is { } error) rejects.Add(error);
            else
            {
                kept.Add(image.Item);
                pixels.Add(image.Resized!.Rgb);
            }
        }
        if (kept.Count == 0) throw new MlffAdException(ExitCode.BadData, "There are no images to learn from.");
        return new(side, kept, [.. pixels], rejects.Errors) { Doubts = doubts.All };
    }
}
