using ILGPU;

namespace MlffAd.Kernels;

/// <summary>Lowest and highest similarity of one region, by one group; the GPU's <see cref="HostRange"/>.</summary>
internal static class GroupRange
{
    /// <summary>Finds and writes the range; returns the levels on it to every thread.</summary>
    public static Levels Find(GpuRows m, GpuRows range, int region, int cells, Quantization q, ArrayView<float> values,
        ArrayView<int> places)
    {
        int lo = FirstLowest(values, places, m, region * cells, cells, 1);
        int hi = FirstLowest(values, places, m, region * cells, cells, -1);
        float low = m[region * cells + lo, 0], high = m[region * cells + hi, 0];
        if (Group.IdxX == 0)
        {
            range[region, 0] = low;
            range[region, 1] = high;
            range[region, 2] = lo;
            range[region, 3] = hi;
        }
        return new Levels(q, low, high);
    }

    /// <summary>Adds dlo and dhi at the positions of lo and hi. The thread that wrote a position adds to it, so no
    /// barrier is needed.</summary>
    public static void Spread(GpuRows range, int region, int cells, float dLo, float dHi, GpuRows dm)
    {
        int lo = (int)range[region, 2], hi = (int)range[region, 3];
        if (lo % Group.DimX == Group.IdxX) dm[region * cells + lo, 0] += dLo;
        if (hi % Group.DimX == Group.IdxX) dm[region * cells + hi, 0] += dHi;
    }

    /// <summary>First cell of a region with the lowest <c>sign·m</c>; sign −1 finds the highest.</summary>
    private static int FirstLowest(
        ArrayView<float> values, ArrayView<int> cells, GpuRows m, int first, int count, float sign)
    {
        int at = 0;
        float lowest = float.PositiveInfinity;
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            float v = sign * m[first + i, 0];
            if (v < lowest)
            {
                lowest = v;
                at = i;
            }
        }
        GroupReduce.Least(values, cells, lowest, ref at);
        Group.Barrier();   // callers write both next
        return at;
    }
}
