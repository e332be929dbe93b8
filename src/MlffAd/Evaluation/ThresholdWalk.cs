namespace MlffAd.Evaluation;

/// <summary>Goes through the distinct scores from the highest down; after each step the counts are those of "score ≥
/// <see cref="Threshold"/>".</summary>
/// <remarks>An entry is <c>key &lt;&lt; 32 | label</c>. The key orders as the score does, so one sort of plain integers
/// serves every metric: 8 bytes a pixel. A label's share is what one of its members adds to <see cref="Covered"/>: 0
/// marks good ones, a negative share takes no part.</remarks>
internal ref struct ThresholdWalk(ReadOnlySpan<ulong> ascending, ReadOnlySpan<double> shares)
{
    private readonly ReadOnlySpan<ulong> entries = ascending;
    private readonly ReadOnlySpan<double> shares = shares;
    private int left = ascending.Length;

    public uint Key { get; private set; }
    public readonly float Threshold => Score(Key);

    /// <summary>Defective and good members with a score ≥ the threshold.</summary>
    public long Positives { get; private set; }
    public long Negatives { get; private set; }

    /// <summary>Sum of the shares of those members: over components, the sum of their covered parts.</summary>
    public double Covered { get; private set; }

    public bool Next()
    {
        bool found = false;
        for (; left > 0; left--)
        {
            ulong entry = entries[left - 1];
            double share = shares[(int)(uint)entry];
            if (share < 0) continue;
            uint key = (uint)(entry >> 32);
            if (found && key != Key) break;
            (found, Key) = (true, key);
            if (share > 0) { Positives++; Covered += share; }
            else Negatives++;
        }
        return found;
    }

    /// <summary>Floats compare like their bits once the sign is turned over, and all bits of negative ones. Adding 0
    /// makes −0 equal to 0.</summary>
    public static ulong Entry(float score, uint label)
    {
        if (float.IsNaN(score)) throw new ArgumentException("A score is not a number.", nameof(score));
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        return (ulong)(bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits) << 32 | label;
    }

    private static float Score(uint key) => BitConverter.UInt32BitsToSingle(key >> 31 == 1 ? key & 0x7FFF_FFFF : ~key);
}
