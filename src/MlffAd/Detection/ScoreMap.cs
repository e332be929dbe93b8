namespace MlffAd.Detection;

/// <summary>Anomaly scores on a grid: the network's cells (M×M), or pixels after <see cref="Enlarge"/>. Higher is
/// more anomalous.</summary>
public sealed class ScoreMap
{
    /// <summary>A map over <paramref name="values"/>, row-major, which it keeps.</summary>
    /// <exception cref="ArgumentException">The values do not fill the grid.</exception>
    public ScoreMap(int width, int height, float[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (width < 1 || height < 1 || values.Length != (long)width * height)
            throw new ArgumentException($"A map of {width}×{height} needs that many values, not {values.Length}.",
                nameof(values));
        (Width, Height, Values) = (width, height, values);
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>The scores, row-major.</summary>
    public float[] Values { get; }

    /// <summary>The map that an image's score is read from, of the same cells; null: this one.</summary>
    public ScoreMap? Deciding { get; init; }

    /// <summary>The largest score: at S×S the score of the image (equation 9). NaN if any score is.</summary>
    public float Max()
    {
        float max = Values[0];
        foreach (float value in Values) max = MathF.Max(max, value);
        return max;
    }

    /// <summary>An image's score, of its cells: their largest pixel at S×S (equation 9), or for a memory with
    /// <c>memory.readout</c> k the mean of the k largest cells.</summary>
    public float Readout(Config config)
    {
        if (Deciding is { } other) return other.Readout(config);
        int largest = config.HasMemory ? config.Memory.Readout : 0;
        if (largest == 0) return Enlarge(config.ImageSize, config.ImageSize).Max();
        float[] sorted = [.. Values];
        Array.Sort(sorted);
        // Sorting puts what is not a number first.
        return float.IsNaN(sorted[0]) ? float.NaN
            : (float)sorted.AsSpan(sorted.Length - largest).ToArray().Average(v => (double)v);
    }

    /// <summary>The map at another size, bilinear between cell centres: pixel i lies at (i+½)·in/out − ½, clamped to
    /// the outer cells' centres (spec §6). For scores at a photograph's own size, enlarge the cells
    /// straight to it.</summary>
    public ScoreMap Enlarge(int width, int height)
    {
        var (left, right, tx) = Taps(Width, width);
        var (top, bottom, ty) = Taps(Height, height);
        var pixels = new float[checked(width * height)];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<float> above = Values.AsSpan(top[y] * Width, Width);
            ReadOnlySpan<float> below = Values.AsSpan(bottom[y] * Width, Width);
            Span<float> row = pixels.AsSpan(y * width, width);
            for (int x = 0; x < row.Length; x++)
            {
                float a = above[left[x]] + tx[x] * (above[right[x]] - above[left[x]]);
                float b = below[left[x]] + tx[x] * (below[right[x]] - below[left[x]]);
                row[x] = a + ty[y] * (b - a);
            }
        }
        return new ScoreMap(width, height, pixels);
    }

    /// <summary>For each output position, the two cells it lies between and its share of the way
    /// to the second.</summary>
    private static (int[] First, int[] Second, float[] Share) Taps(int cells, int length)
    {
        var (first, second, share) = (new int[length], new int[length], new float[length]);
        for (int i = 0; i < length; i++)
        {
            double at = Math.Clamp((i + 0.5) * cells / length - 0.5, 0, cells - 1);
            first[i] = (int)at;
            second[i] = Math.Min(first[i] + 1, cells - 1);
            share[i] = (float)(at - first[i]);
        }
        return (first, second, share);
    }
}
