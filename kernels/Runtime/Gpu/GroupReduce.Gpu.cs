using System.Numerics;
using ILGPU;

namespace MlffAd.Kernels.Runtime;

/// <summary>An associative operation, as a type argument of a tree.</summary>
internal interface IPair<T> where T : unmanaged
{
    T Of(T a, T b);
}

/// <summary>a + b.</summary>
internal readonly struct Total<T> : IPair<T> where T : unmanaged, IAdditionOperators<T, T, T>
{
    public T Of(T a, T b) => a + b;
}

/// <summary>The greater of two; a, where b is not a number.</summary>
internal readonly struct Highest : IPair<float>
{
    public float Of(float a, float b) => b > a ? b : a;
}

/// <summary>Reductions over a group's threads: one tree in shared memory, which every device has, in
/// a fixed order.</summary>
/// <remarks>Sizes are powers of two. All threads of the group must call, and every thread gets the result of its set.
/// <c>shared</c> has an element a thread; it may be written again after the next barrier.</remarks>
internal static class GroupReduce
{
    /// <summary>Σ over the whole group.</summary>
    public static T Sum<T>(ArrayView<T> shared, T value) where T : unmanaged, IAdditionOperators<T, T, T> =>
        Tree<Total<T>, T>(shared, value, 1, Group.DimX);

    /// <summary>Σ over each column: thread t is in column t mod <paramref name="width"/>.</summary>
    public static T SumOfColumn<T>(ArrayView<T> shared, int width, T value)
        where T : unmanaged, IAdditionOperators<T, T, T> =>
        Tree<Total<T>, T>(shared, value, width, Group.DimX / width);

    /// <summary>Σ over each <paramref name="lanes"/> consecutive threads.</summary>
    public static float SumOfLanes(ArrayView<float> shared, int lanes, float value) =>
        Tree<Total<float>, float>(shared, value, 1, lanes);

    /// <summary>Maximum over the whole group.</summary>
    public static float Max(ArrayView<float> shared, float value) =>
        Tree<Highest, float>(shared, value, 1, Group.DimX);

    /// <summary>The least value of the whole group, and in <paramref name="number"/> its thread's number; of equal
    /// values the one with the least number.</summary>
    public static T Least<T>(ArrayView<T> values, ArrayView<int> numbers, T value, ref int number)
        where T : unmanaged, IComparisonOperators<T, T, bool>
    {
        int t = Group.IdxX;
        Group.Barrier();
        values[t] = value;
        numbers[t] = number;
        for (int step = Group.DimX / 2; step > 0; step /= 2)
        {
            Group.Barrier();
            if (t >= step) continue;
            T other = values[t + step], own = values[t];
            if (!(other < own || (other == own && numbers[t + step] < numbers[t]))) continue;
            values[t] = other;
            numbers[t] = numbers[t + step];
        }
        Group.Barrier();
        number = numbers[0];
        return values[0];
    }

    /// <summary>Reduces sets of <paramref name="count"/> threads that are <paramref name="stride"/> apart.</summary>
    public static T Tree<TPair, T>(ArrayView<T> shared, T value, int stride, int count)
        where TPair : unmanaged, IPair<T> where T : unmanaged
    {
        int t = Group.IdxX, i = t / stride % count;
        Group.Barrier();   // every thread has read the last result
        shared[t] = value;
        for (int step = count / 2; step > 0; step /= 2)
        {
            Group.Barrier();
            if (i < step) shared[t] = default(TPair).Of(shared[t], shared[t + step * stride]);
        }
        Group.Barrier();
        return shared[t - i * stride];
    }

    /// <summary>Columns for a group that works on <paramref name="channels"/>: the least power of two that holds them,
    /// at most <paramref name="limit"/>.</summary>
    public static int Width(int channels, int limit)
    {
        int width = 1;
        while (width < channels && width < limit) width *= 2;
        return width;
    }
}
