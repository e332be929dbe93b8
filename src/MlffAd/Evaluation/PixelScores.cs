namespace MlffAd.Evaluation;

/// <summary>Collects the pixels of all test images, image by image, and ranks them over all kinds, or of one kind
/// against the good images.</summary>
/// <remarks>8 bytes a pixel. Each pixel carries a label: its component of defect, or the good part of its image's kind;
/// so one sort serves every kind.</remarks>
public sealed class PixelScores
{
    /// <summary>Most pixels that are ranked, 8 bytes each.</summary>
    public const long MostPixels = 1L << 28;

    private readonly List<(string Kind, int Area)> labels = []; // area 0: the good pixels of the kind
    private readonly Dictionary<string, uint> goodLabels = [];
    private ulong[] entries = [];
    private int count;
    private bool sorted;

    /// <summary>Adds an image's pixels.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="map">Its score at every pixel.</param>
    /// <param name="mask">1 where the defect is, 0 elsewhere, row-major, of the map's size; null
    /// for a good image.</param>
    /// <exception cref="ArgumentException">The sizes differ, or a score is not a number.</exception>
    /// <exception cref="MlffAdException">There are more pixels than can be ranked (exit code 3).</exception>
    public void Add(string kind, ScoreMap map, byte[]? mask)
    {
        ArgumentNullException.ThrowIfNull(map);
        float[] scores = map.Values;
        if (mask is not null && mask.Length != scores.Length)
            throw new ArgumentException($"The mask has {mask.Length} pixels, the map {scores.Length}.", nameof(mask));
        if (!goodLabels.TryGetValue(kind, out uint good))
        {
            goodLabels[kind] = good = (uint)labels.Count;
            labels.Add((kind, 0));
        }
        uint before = (uint)labels.Count - 1; // components are numbered from 1
        Components? found = mask is null ? null : Components.Of(mask, map.Width);
        foreach (int area in found?.Areas ?? []) labels.Add((kind, area));
        Require(count + (long)scores.Length);
        if (count + scores.Length > entries.Length)
            Array.Resize(ref entries, (int)Math.Min(Math.Max(2L * entries.Length, count + scores.Length), MostPixels));
        for (int i = 0; i < scores.Length; i++)
            entries[count++] = ThresholdWalk.Entry(scores[i], found is null || found.Labels[i] == 0
                ? good
                : before + (uint)found.Labels[i]);
        sorted = false;
    }

    /// <summary>Refuses more pixels than can be ranked.</summary>
    /// <exception cref="MlffAdException">There are more (exit code 3).</exception>
    internal static void Require(long pixels)
    {
        if (pixels > MostPixels)
            throw new MlffAdException(ExitCode.BadData, string.Create(CultureInfo.InvariantCulture,
                $"The test images have {pixels:#,0} pixels or more, and at most {MostPixels:#,0} are ranked; take "
                + $"--resolution network, or fewer images."));
    }

    /// <summary>All pixels, or those of <paramref name="kind"/> and of the good images (spec §9). Valid until the next
    /// <see cref="Add"/>.</summary>
    public Ranking Rank(string? kind = null)
    {
        if (!sorted) Array.Sort(entries, 0, count);
        sorted = true;
        return new Ranking(entries.AsMemory(0, count), [.. labels.Select(Share)]);

        double Share((string Kind, int Area) label) =>
            kind is not null && label.Kind != kind && label.Kind != TestImage.Good ? -1 : label.Area == 0
                ? 0
                : 1.0 / label.Area;
    }
}
