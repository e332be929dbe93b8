namespace MlffAd.Data;

/// <summary>What a stream of random numbers is for: streams of different purposes are independent.</summary>
public enum RngPurpose
{
    /// <summary>Initial weights; the index is the tensor's.</summary>
    Weights = 1,

    /// <summary>Which entries of an epoch become pseudo-anomalous, and of what kind.</summary>
    Selection = 2,

    /// <summary>The order of an epoch.</summary>
    Order = 3,

    /// <summary>Augmentation; the index is the entry's place in the repeated list.</summary>
    Augmentation = 4,

    /// <summary>Pseudo anomalies; the index is the entry's place in the repeated list.</summary>
    Anomaly = 5,

    /// <summary>The demo's own pictures; the index is the picture's.</summary>
    Demo = 6,

    /// <summary>Which cells of good images a memory draws; the index is the cell's.</summary>
    Memory = 7,

    /// <summary>Pseudo anomalies that a model's quality is measured with; the epoch is the image's contents, the index
    /// the anomaly's.</summary>
    Quality = 8,
}

/// <summary>Random numbers from a counter: block i of a stream is Philox4x32-10 of (i, purpose, epoch, index)
/// under the seed.</summary>
/// <remarks>A stream depends on its key alone, not on what was drawn before or on which thread, so prefetching changes
/// nothing (spec §2.7). Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (2011).</remarks>
public sealed class Rng(long seed, RngPurpose purpose, int epoch = 0, int index = 0)
{
    private readonly uint[] _block = new uint[4];
    private uint _next;
    private int _left;
    private double? _spare;

    /// <summary>32 random bits.</summary>
    public uint Bits()
    {
        if (_left == 0)
        {
            (_block[0], _block[1], _block[2], _block[3]) = (_next++, (uint)purpose, (uint)epoch, (uint)index);
            Philox(_block, (uint)seed, (uint)(seed >> 32));
            _left = 4;
        }
        return _block[4 - _left--];
    }

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double Uniform() => ((ulong)Bits() << 21 | Bits() >> 11) * (1.0 / (1L << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(double low, double high) => low + (high - low) * Uniform();

    /// <summary>Uniform among 0 … count − 1, without bias: draws that would favour some numbers are repeated.</summary>
    public int Below(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        uint n = (uint)count, unfair = (0 - n) % n;
        ulong product;
        do product = (ulong)Bits() * n; while ((uint)product < unfair);
        return (int)(product >> 32);
    }

    /// <summary>True with probability <paramref name="p"/>.</summary>
    public bool Bernoulli(double p) => Uniform() < p;

    /// <summary>Standard normal (Box and Muller's pairs).</summary>
    public double Normal()
    {
        if (_spare is { } spare)
        {
            _spare = null;
            return spare;
        }
        double radius = Math.Sqrt(-2 * Math.Log(1 - Uniform())), angle = 2 * Math.PI * Uniform();
        _spare = radius * Math.Sin(angle);
        return radius * Math.Cos(angle);
    }

    /// <summary>Poisson with the given mean: how many uniform factors keep their product above e^−mean (Knuth), 32 of
    /// the mean at a time.</summary>
    public int Poisson(double mean)
    {
        int count = 0;
        for (; mean > 0; mean -= 32)
        {
            double end = Math.Exp(-Math.Min(mean, 32));
            for (double product = 1 - Uniform(); product > end; product *= 1 - Uniform()) count++;
        }
        return count;
    }

    /// <summary>Every order equally likely.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Ten rounds over a counter of four words, in place.</summary>
    internal static void Philox(Span<uint> c, uint key0, uint key1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = 0xD2511F53ul * c[0], p1 = 0xCD9E8D57ul * c[2];
            (c[0], c[1], c[2], c[3]) =
                ((uint)(p1 >> 32) ^ c[1] ^ key0, (uint)p1, (uint)(p0 >> 32) ^ c[3] ^ key1, (uint)p0);
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }
    }
}
