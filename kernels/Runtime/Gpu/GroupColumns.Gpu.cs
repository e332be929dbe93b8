using ILGPU;

namespace MlffAd.Kernels.Runtime;

/// <summary>Sums and maxima over a group's threads: trees in shared memory, which every device has, in a fixed order.</summary>
/// <remarks>The group's size and the width are powers of two. All threads of the group must call. Thread t belongs to column t mod width;
/// every thread gets its column's result. Width 1 reduces the whole group.</remarks>
internal static class GroupColumns
{
    /// <summary>Σ of each column's values.</summary>
    public static float Sum(ArrayView<float> shared, int width, float value)
    {
        int t = Group.IdxX;
        Group.Barrier();   // the last result has been read by all
        shared[t] = value;
        for (int s = Group.DimX / 2; s >= width; s >>= 1)
        {
            Group.Barrier();
            if (t < s) shared[t] += shared[t + s];
        }
        Group.Barrier();
        return shared[t % width];
    }

    /// <summary>Σ of each column's values, four columns side by side.</summary>
    public static Four Sum(ArrayView<Four> shared, int width, Four value)
    {
        int t = Group.IdxX;
        Group.Barrier();   // the last result has been read by all
        shared[t] = value;
        for (int s = Group.DimX / 2; s >= width; s >>= 1)
        {
            Group.Barrier();
            if (t < s) shared[t] += shared[t + s];
        }
        Group.Barrier();
        return shared[t % width];
    }

    /// <summary>Maximum over the whole group.</summary>
    public static float Max(ArrayView<float> shared, float value)
    {
        int t = Group.IdxX;
        Group.Barrier();
        shared[t] = value;
        for (int s = Group.DimX / 2; s > 0; s >>= 1)
        {
            Group.Barrier();
            if (t < s && shared[t + s] > shared[t]) shared[t] = shared[t + s];
        }
        Group.Barrier();
        return shared[0];
    }

    /// <summary>Columns for a group that works on <paramref name="channels"/>: the least power of two that holds them, at most <paramref name="limit"/>.</summary>
    public static int Width(int channels, int limit)
    {
        int width = 1;
        while (width < channels && width < limit) width *= 2;
        return width;
    }
}
