namespace MlffAd.Kernels;

/// <summary>Lowest and highest similarity of one region, on the host. A region is <c>cells</c> consecutive rows of m;
/// <c>range[region]</c> is (lo, hi, first position of lo, first position of hi), positions counted
/// within the region.</summary>
internal static class HostRange
{
    /// <summary>Finds and writes the range; returns the levels on it.</summary>
    public static Levels Find(HostRows m, int region, int cells, Quantization q, HostRows range)
    {
        float lo = float.PositiveInfinity, hi = float.NegativeInfinity;
        int argLo = 0, argHi = 0;
        for (int i = 0; i < cells; i++)
        {
            float v = m[region * cells + i, 0];
            if (v < lo) (lo, argLo) = (v, i);
            if (v > hi) (hi, argHi) = (v, i);
        }
        (range[region, 0], range[region, 1], range[region, 2], range[region, 3]) = (lo, hi, argLo, argHi);
        return new Levels(q, lo, hi);
    }

    /// <summary>The levels on a known range.</summary>
    public static Levels Levels(HostRows range, int region, Quantization q) =>
        new(q, range[region, 0], range[region, 1]);

    /// <summary>Adds dlo and dhi at the positions of lo and hi.</summary>
    public static void Spread(HostRows range, int region, int cells, double dLo, double dHi, HostRows dm)
    {
        dm[region * cells + (int)range[region, 2], 0] += (float)dLo;
        dm[region * cells + (int)range[region, 3], 0] += (float)dHi;
    }
}
