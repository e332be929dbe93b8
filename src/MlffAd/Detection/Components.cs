namespace MlffAd.Detection;

/// <summary>A rectangle of whole pixels: those with X ≤ x &lt; X + Width, Y ≤ y &lt; Y + Height.</summary>
public readonly record struct PixelBox(int X, int Y, int Width, int Height);

/// <summary>The 8-connected components of a binary mask, numbered from 1 in the order in which a
/// reader meets them.</summary>
public sealed class Components
{
    private readonly List<int> areas = [];
    private readonly List<PixelBox> boxes = [];

    private Components(int[] labels) => Labels = labels;

    /// <summary>For each pixel, row-major, the number of its component; 0 outside the mask.</summary>
    public int[] Labels { get; }

    /// <summary>How many components there are.</summary>
    public int Count => areas.Count;

    /// <summary>Pixels of component n + 1.</summary>
    public IReadOnlyList<int> Areas => areas;

    /// <summary>The smallest rectangle around component n + 1.</summary>
    public IReadOnlyList<PixelBox> Boxes => boxes;

    /// <summary>Labels the pixels of <paramref name="mask"/> that are not 0; row-major, of
    /// <paramref name="width"/> columns.</summary>
    public static Components Of(ReadOnlySpan<byte> mask, int width)
    {
        int height = mask.Length / width;
        var found = new Components(new int[mask.Length]);
        var pending = new Stack<int>();
        for (int seed = 0; seed < mask.Length; seed++)
            if (mask[seed] != 0 && found.Labels[seed] == 0)
                found.Fill(mask, width, height, seed, pending);
        return found;
    }

    /// <summary>The box of the largest component of the pixels with a score above <paramref name="threshold"/> (the
    /// first of equals), if any.</summary>
    public static PixelBox? LargestAbove(ScoreMap map, float threshold)
    {
        ArgumentNullException.ThrowIfNull(map);
        Components found = Of(Array.ConvertAll(map.Values, score => score > threshold ? (byte)1 : (byte)0), map.Width);
        return found.Count == 0 ? null : found.boxes[found.areas.IndexOf(found.areas.Max())];
    }

    private void Fill(ReadOnlySpan<byte> mask, int width, int height, int seed, Stack<int> pending)
    {
        int label = Count + 1, area = 0;
        var (x0, y0, x1, y1) = (width, height, 0, 0);
        Labels[seed] = label;
        pending.Push(seed);
        while (pending.TryPop(out int at))
        {
            var (y, x) = Math.DivRem(at, width);
            area++;
            (x0, y0, x1, y1) = (Math.Min(x0, x), Math.Min(y0, y), Math.Max(x1, x), Math.Max(y1, y));
            for (int ny = Math.Max(y - 1, 0); ny <= Math.Min(y + 1, height - 1); ny++)
                for (int nx = Math.Max(x - 1, 0); nx <= Math.Min(x + 1, width - 1); nx++)
                {
                    int neighbour = ny * width + nx;
                    if (mask[neighbour] == 0 || Labels[neighbour] != 0) continue;
                    Labels[neighbour] = label;
                    pending.Push(neighbour);
                }
        }
        areas.Add(area);
        boxes.Add(new PixelBox(x0, y0, x1 - x0 + 1, y1 - y0 + 1));
    }
}
