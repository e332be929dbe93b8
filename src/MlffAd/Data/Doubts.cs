namespace MlffAd.Data;

/// <summary>What is strange about images while they are read, each image once.</summary>
/// <param name="bitDepth">How they are read: what a 16-bit file does not use is known at 16 alone.</param>
internal sealed class Doubts(int bitDepth)
{
    private readonly HashSet<string> _seen = [];
    private readonly Dictionary<string, List<string>> _names = [];

    /// <summary>An image that was read; null for one that could not be.</summary>
    public void Add(ImageItem item, RgbImage? image)
    {
        if (image is null || bitDepth != 16 || !_seen.Add(item.Path)) return;
        if (Exposure.Doubt(item.Path, image) is not { } doubt) return;
        if (!_names.TryGetValue(doubt, out var names)) _names[doubt] = names = [];
        names.Add(item.Name);
    }

    /// <summary>A sentence for each kind of doubt.</summary>
    public IReadOnlyList<string> All =>
    [
        .. _names.Select(kind => $"{(kind.Value.Count > 1 ? $"{kind.Value.Count} images, " : "")}"
            + $"{PassedImage.Named(kind.Value)}{(kind.Value.Count > 1 ? ": each" : "")} {kind.Key}."),
    ];
}
