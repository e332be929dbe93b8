namespace MlffAd.Data;

/// <summary>An image that was read, or why it could not be.</summary>
/// <param name="Item">The image.</param>
/// <param name="Original">At its own size, upright; null if broken.</param>
/// <param name="Resized">At S×S; null if broken.</param>
/// <param name="Error">Names the file and what is wrong with it; null if it was read.</param>
public sealed record DecodedImage(ImageItem Item, RgbImage? Original, RgbImage? Resized, MlffAdException? Error)
{
    /// <summary>Decodes and resizes images on background threads, a few ahead of the caller, in the order given.</summary>
    /// <param name="items">The images.</param>
    /// <param name="side">S.</param>
    /// <param name="threads">How many are decoded at a time; 0: one for each processor.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    public static IEnumerable<DecodedImage> Ahead(IEnumerable<ImageItem> items, int side, int threads = 0, long maxPixels = ImageFile.MaxPixels)
    {
        int ahead = threads > 0 ? threads : Environment.ProcessorCount;
        var started = new Queue<Task<DecodedImage>>();
        foreach (var item in items)
        {
            started.Enqueue(Task.Run(() => Decode(item, side, maxPixels)));
            if (started.Count > ahead) yield return started.Dequeue().GetAwaiter().GetResult();
        }
        while (started.TryDequeue(out var task)) yield return task.GetAwaiter().GetResult();
    }

    private static DecodedImage Decode(ImageItem item, int side, long maxPixels)
    {
        try
        {
            var original = ImageFile.Read(item.Path, maxPixels);
            return new(item, original, original.Resize(side, side), null);
        }
        catch (MlffAdException e) { return new(item, null, null, e); }
    }
}
