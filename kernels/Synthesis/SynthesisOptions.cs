namespace MlffAd.Kernels;

/// <summary>Options of a run's pseudo anomalies (spec §2.4, §2.6, §2.8).</summary>
public sealed class SynthesisOptions
{
    /// <summary>Side of a cell in pixels.</summary>
    internal const int Cell = 8;

    /// <summary>Most draws before an image stays good.</summary>
    public const int Draws = 20;

    /// <summary>Prepares the blur and converts limits to integers.</summary>
    /// <param name="side">S, a multiple of 8; of 64, where a device makes the images.</param>
    /// <param name="radius">Radius of confetti's blur, in pixels.</param>
    /// <param name="sigma">Its standard deviation, in pixels.</param>
    /// <param name="darkBelow">Grey level, 0…1, up to which confetti makes a pixel brighter instead of darker.</param>
    /// <param name="minChange">Least change of a channel that makes a pixel anomalous.</param>
    /// <param name="minPixels">Fewest anomalous pixels of a draw; with fewer, the next draw is tried.</param>
    /// <param name="minShare">Share of a cell's pixels above which the cell is anomalous.</param>
    public SynthesisOptions(int side, int radius, double sigma, double darkBelow, int minChange, double minPixels,
        double minShare)
    {
        if (side % Cell != 0) throw new ArgumentException($"The side {side} is no multiple of {Cell}.", nameof(side));
        double[] bell = [.. Enumerable.Range(-radius, 2 * radius + 1)
            .Select(d => Math.Exp(-0.5 * d * d / (sigma * sigma)))];
        (Side, Radius, MinChange) = (side, radius, minChange);
        Taps = [.. bell.Select(w => (float)(w / bell.Sum()))];
        DarkSum = (int)Math.Floor(3 * 255 * darkBelow);
        MinPixels = (int)Math.Ceiling(minPixels);
        CellLimit = (int)Math.Floor(minShare * Cell * Cell);
    }

    /// <summary>S.</summary>
    public int Side { get; }

    internal int Radius { get; }

    /// <summary>The blur's weights, 2·radius + 1.</summary>
    internal float[] Taps { get; }

    /// <summary>Largest sum of a dark pixel's channels.</summary>
    internal int DarkSum { get; }

    internal int MinChange { get; }

    internal int MinPixels { get; }

    /// <summary>Most anomalous pixels of a cell that is good.</summary>
    internal int CellLimit { get; }

    internal int Cells => Side / Cell * (Side / Cell);

    internal int Pixels => Side * Side;

    /// <summary>Marks the pixels in which some channel changed enough.</summary>
    /// <param name="before"><c>[S, S, 3]</c>.</param>
    /// <param name="after">The same, changed.</param>
    /// <param name="mask">Receives <c>[S, S]</c>: 1 where it did, else 0.</param>
    /// <returns>Whether they are enough for an anomaly.</returns>
    public bool Mark(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after, Span<byte> mask)
    {
        int changed = 0;
        for (int i = 0, p = 0; i < mask.Length; i++, p += 3)
        {
            bool isMarked = Math.Abs(after[p] - before[p]) >= MinChange
                || Math.Abs(after[p + 1] - before[p + 1]) >= MinChange
                || Math.Abs(after[p + 2] - before[p + 2]) >= MinChange;
            mask[i] = isMarked ? (byte)1 : (byte)0;
            changed += mask[i];
        }
        return changed >= MinPixels;
    }
}
