namespace MlffAd.Data;

/// <summary>An image that was read, or why it could not be.</summary>
/// <param name="Item">The image.</param>
/// <param name="Original">At its own size, upright; null if broken.</param>
/// <param name="Resized">At S×S; null if broken.</param>
/// <param name="Error">Names the file and what is wrong with it; null if it was read.</param>
public sealed record DecodedImage(ImageItem Item, RgbImage? Original, RgbImage? Resized, MlffAdException? Error)
{
    /// <summary>Decodes and resizes images on background threads, a few ahead of the caller, in the order given: as
    /// many as a quarter of the memory has room for, one at least.</summary>
    /// <param name="items">The images.</param>
    /// <param name="side">S.</param>
    /// <param name="threads">How many are decoded at a time; 0: one for each processor.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    /// <param name="bitDepth">As for <see cref="ImageFile.Read"/>.</param>
    public static IEnumerable<DecodedImage> Ahead(IEnumerable<ImageItem> items, int side, int threads = 0,
        long maxPixels = ImageFile.MaxPixels, int bitDepth = 16) =>
        Ahead(items, item => ImageFile.Footprint(item.Path, maxPixels), item => Decode(item, side, maxPixels, bitDepth),
            threads, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);

    /// <summary>As above, by the bytes that an image takes, what decodes it, and how many bytes there are.</summary>
    internal static IEnumerable<DecodedImage> Ahead(IEnumerable<ImageItem> items, Func<ImageItem, long> footprint,
        Func<ImageItem, DecodedImage> decode, int threads, long budget)
    {
        int ahead = threads > 0 ? threads : Environment.ProcessorCount;
        var started = new Queue<(Task<DecodedImage> Image, long Bytes)>();
        long taken = 0;
        foreach (var item in items)
        {
            long bytes = footprint(item);
            while (started.Count > 0 && taken + bytes > budget) yield return Next();
            started.Enqueue((Task.Run(() => decode(item)), bytes));
            taken += bytes;
            if (started.Count > ahead) yield return Next();
        }
        while (started.Count > 0) yield return Next();

        DecodedImage Next()
        {
            var (image, bytes) = started.Dequeue();
            taken -= bytes;
            return image.GetAwaiter().GetResult();
        }
    }

    private static DecodedImage Decode(ImageItem item, int side, long maxPixels, int bitDepth)
    {
        try
        {
            var original = ImageFile.Read(item.Path, maxPixels, bitDepth);
            return new(item, original, original.Resize(side, side), null);
        }
        catch (MlffAdException e) { return new(item, null, null, e); }
        catch (OutOfMemoryException e) { return new(item, null, null, ImageFile.TooLargeForMemory(item.Path, e)); }
    }
}
