namespace MlffAd.Kernels;

/// <summary>Result of <see cref="KCentre"/>.</summary>
/// <param name="Indices">Rows of the pool, in the order of choice; a prefix is the result for a smaller count.</param>
/// <param name="Radii">After each choice, the largest distance of a pool vector to its nearest chosen one.</param>
public sealed record Coreset(int[] Indices, float[] Radii);

/// <summary>Greedy choice of vectors that cover a pool, each the furthest from all before it (spec §14).</summary>
/// <remarks><c>c_1 = argmin_i ‖x_i − x̄‖</c>, x̄ the pool's mean in float64, rounded to float32;
/// <c>c_{k+1} = argmax_i min_{l ≤ k} ‖x_i − x_{c_l}‖</c>, ties go to the lowest index. The radius after k choices is
/// that largest distance; it is at most twice that of the best k vectors (Gonzalez, Theoretical Computer Science 38,
/// 1985). Distances are those of <see cref="NearestVector"/>: float64 sums of squared differences, in order. Stops
/// early once every vector is at distance 0 from a chosen one. The result is the plain loop's on any number of threads.
/// <para>FLOP of the plain loop: 3·N·K·D; bytes: 4·N·D per choice. The host computes far less: bounds rule out most
/// vectors.</para></remarks>
public static partial class KCentre
{
    private static readonly Kernel ChooseKernel = new("memory.kcentre");

    /// <summary>Chooses at most K vectors.</summary>
    /// <param name="pool">N rows of D ≤ <see cref="NearestVector.MaxWidth"/> finite numbers, contiguous.</param>
    /// <param name="count">Number to choose, K.</param>
    /// <param name="onChosen">Called now and then with the number chosen.</param>
    /// <param name="stop">Cancels with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The pool is too wide, not contiguous or not finite.</exception>
    public static Coreset Choose(
        Tensor pool, int count, Action<int>? onChosen = null, CancellationToken stop = default)
    {
        Shape.Require("memory.kcentre", pool.C <= NearestVector.MaxWidth && pool.IsContiguous,
            $"the pool has rows of at most {NearestVector.MaxWidth} numbers, without gaps", pool);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        count = Math.Min(count, pool.Rows);
        using var _ = ChooseKernel.Begin(pool, 3 * pool.Count * count, pool.Bytes * count);
        if (pool.Device.IsHost) return ChooseHost(pool, count, onChosen, stop);
        Coreset? chosen = null;
        ChooseGpu(pool, count, onChosen, stop, ref chosen);
        return chosen!;
    }

    static partial void ChooseGpu(
        Tensor pool, int count, Action<int>? onChosen, CancellationToken stop, ref Coreset? chosen);

    /// <summary>The mean from float64 sums, rounded to float32.</summary>
    internal static float[] Mean(ReadOnlySpan<double> sums, int rows)
    {
        float[] mean = new float[sums.Length];
        for (int k = 0; k < mean.Length; k++) mean[k] = (float)(sums[k] / rows);
        return mean;
    }
}
