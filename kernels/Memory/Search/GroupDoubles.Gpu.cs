using ILGPU;

namespace MlffAd.Kernels;

/// <summary>Reductions of float64 over a group's threads, as <see cref="Runtime.GroupColumns"/>'s of float32: trees of
/// fixed shape. The group's size is a power of two, and all of its threads must call; shared memory holds a number
/// for each.</summary>
internal static class GroupDoubles
{
    /// <summary>Sum of every thread's <paramref name="value"/>, given to all.</summary>
    public static double Sum(ArrayView<double> shared, double value)
    {
        int t = Group.IdxX;
        Group.Barrier();   // the last result has been read by all
        shared[t] = value;
        for (int s = Group.DimX / 2; s > 0; s >>= 1)
        {
            Group.Barrier();
            if (t < s) shared[t] += shared[t + s];
        }
        Group.Barrier();
        return shared[0];
    }

    /// <summary>The least of every thread's <paramref name="value"/>, given to all, with its <paramref name="number"/>;
    /// of equals the lowest.</summary>
    public static double Least(ArrayView<double> values, ArrayView<int> numbers, double value, ref int number)
    {
        int t = Group.IdxX;
        Group.Barrier();
        values[t] = value;
        numbers[t] = number;
        for (int s = Group.DimX / 2; s > 0; s >>= 1)
        {
            Group.Barrier();
            if (t >= s) continue;
            double other = values[t + s], own = values[t];
            if (!(other < own || (other == own && numbers[t + s] < numbers[t]))) continue;
            values[t] = other;
            numbers[t] = numbers[t + s];
        }
        Group.Barrier();
        number = numbers[0];
        return values[0];
    }
}
