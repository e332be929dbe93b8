using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>Reductions over the threads of a group, through shared memory, as trees of fixed shape: the same bits each time. The group's size is a
/// power of two, and all of its threads must call.</summary>
internal static class GroupReduce
{
    /// <summary>Sum of every thread's <paramref name="value"/>, given to all; <paramref name="shared"/> holds one float a thread.</summary>
    public static float Sum(ArrayView<float> shared, float value) => Sum(shared, value, Group.DimX);

    /// <summary>The same over each <paramref name="lanes"/> consecutive threads (a power of two) by themselves.</summary>
    public static float Sum(ArrayView<float> shared, float value, int lanes)
    {
        int t = Group.IdxX, lane = t % lanes;
        shared[t] = value;
        Group.Barrier();
        for (int step = lanes / 2; step > 0; step /= 2)
        {
            if (lane < step) shared[t] += shared[t + step];
            Group.Barrier();
        }
        float sum = shared[t - lane];
        Group.Barrier();
        return sum;
    }

    /// <summary>The lowest of <c>sign·m</c> over a region's rows and the first cell that attains it; sign −1 finds the highest.</summary>
    /// <returns>The cell; its value is to be read from m.</returns>
    public static int FirstLowest(ArrayView<float> values, ArrayView<int> cells, GpuRows m, int first, int count, float sign)
    {
        int t = Group.IdxX, at = 0;
        float lowest = float.PositiveInfinity;
        for (int i = t; i < count; i += Group.DimX)
        {
            float v = sign * m[first + i, 0];
            if (v < lowest)
            {
                lowest = v;
                at = i;
            }
        }
        values[t] = lowest;
        cells[t] = at;
        Group.Barrier();
        for (int step = Group.DimX / 2; step > 0; step /= 2)
        {
            if (t < step && (values[t + step] < values[t] || (values[t + step] == values[t] && cells[t + step] < cells[t])))
            {
                values[t] = values[t + step];
                cells[t] = cells[t + step];
            }
            Group.Barrier();
        }
        at = cells[0];
        Group.Barrier();
        return at;
    }
}
