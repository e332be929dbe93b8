using System.Runtime.InteropServices;
using ILGPU;

namespace MlffAd.Kernels;

public static partial class KCentre
{
    /// <summary>Threads of a group.</summary>
    private const int GroupSize = 256;

    /// <summary>Choices per readback.</summary>
    private const int Together = 64;

    /// <summary>Operands of a choice: the pool's vectors against a row of <paramref name="Centre"/>.</summary>
    /// <param name="Centre">The mean, or the pool.</param>
    /// <param name="Tiled">The pool in tiles.</param>
    /// <param name="Squares">Each vector's squared distance to its nearest chosen one.</param>
    /// <param name="Parts">Each group's least value.</param>
    /// <param name="PartRows">The row of that value.</param>
    /// <param name="Chosen">The rows chosen.</param>
    /// <param name="Radii">The radii.</param>
    /// <param name="Counters">Counters of <see cref="LastGroup"/>.</param>
    /// <param name="Rows">Vectors.</param>
    /// <param name="Width">Numbers per vector.</param>
    /// <param name="Step">Index of the choice that is the centre; −1 for the mean, whose nearest vector is
    /// chosen.</param>
    internal readonly record struct ChoiceArgs(GpuRows Centre, GpuRows Tiled, ArrayView<double> Squares,
        ArrayView<double> Parts, ArrayView<int> PartRows, ArrayView<int> Chosen, ArrayView<float> Radii,
        ArrayView<int> Counters, int Rows, int Width, int Step);

    internal readonly record struct MeanArgs(GpuRows Pool, GpuRows Mean, int Rows, int Width);

    private static readonly GpuKernel<MeanArgs> MeanLauncher = new("memory.kcentre.mean", MeanBody, float64: true);

    private static readonly GpuKernel<ChoiceArgs> ChoiceLauncher = new("memory.kcentre", ChoiceBody, GroupSize,
        GroupSize * (sizeof(double) + sizeof(int)) + sizeof(float), float64: true);

    static partial void ChooseGpu(
        Tensor pool, int count, Action<int>? onChosen, CancellationToken stop, ref Coreset? chosen)
    {
        var device = pool.Device;
        int groups = (pool.Rows + GroupSize - 1) / GroupSize;
        using var packed = PackedVectors.Pack(pool);
        using Tensor mean = Tensor.Rent(device, Shape.Of(pool.C), "mean"),
            squares = Tensor.Rent(device, Shape.Of(1, pool.Rows, 2), "squared distances"),
            parts = Tensor.Rent(device, Shape.Of(1, groups, 2), "parts"),
            partRows = Tensor.Rent(device, Shape.Of(groups), "rows"),
            indices = Tensor.Rent(device, Shape.Of(count + 1), "indices"),
            radii = Tensor.Rent(device, Shape.Of(count), "radii");
        MeanLauncher.LaunchItems(device, pool.C, new(pool.Gpu, mean.Gpu, pool.Rows, pool.C));
        ChoiceArgs p = new(Centre: mean.Gpu, Tiled: packed.Tiled!.Gpu, Squares: squares.Gpu.Data.Cast<double>(),
            Parts: parts.Gpu.Data.Cast<double>(), PartRows: partRows.Gpu.Data.Cast<int>(),
            Chosen: indices.Gpu.Data.Cast<int>(), Radii: radii.Gpu.Data, Counters: ((GpuDevice)device).Counters,
            Rows: pool.Rows, Width: pool.C, Step: -1);
        ChoiceLauncher.Launch(device, groups, p);
        for (int begin = 0, end; ; begin = end)
        {
            stop.ThrowIfCancellationRequested();
            end = Math.Min(begin + Together, count);
            for (int step = begin; step < end; step++)
                ChoiceLauncher.Launch(device, groups, p with { Centre = pool.Gpu, Step = step });
            int covered = Array.IndexOf(radii.Slice(begin, end - begin).ToArray(), 0);
            if (covered >= 0) count = end = begin + covered + 1;
            onChosen?.Invoke(end);
            if (end < count) continue;
            int[] rows = MemoryMarshal.Cast<float, int>(indices.Slice(0, count).ToArray()).ToArray();
            chosen = new(rows, radii.Slice(0, count).ToArray());
            return;
        }
    }

    /// <summary>One thread per column, summed in row order.</summary>
    private static void MeanBody(MeanArgs p)
    {
        int k = Grid.GlobalIndex.X;
        if (k >= p.Width) return;
        double sum = 0;
        for (int i = 0; i < p.Rows; i++) sum += p.Pool[i, k];
        p.Mean[0, k] = (float)(sum / p.Rows);
    }

    /// <summary>One thread per vector. Minimises the squared distance to the mean, or the negated one to the nearest
    /// choice; the last group to finish reduces over all groups.</summary>
    private static void ChoiceBody(ChoiceArgs p)
    {
        var values = SharedMemory.Allocate<double>(GroupSize);
        var rows = SharedMemory.Allocate<int>(GroupSize);
        var come = SharedMemory.Allocate<float>(1);
        int i = Grid.GlobalIndex.X, t = Group.IdxX, row = i;
        double value = double.PositiveInfinity;
        if (i < p.Rows)
        {
            int centre = 0;
            if (p.Step >= 0) centre = p.Chosen[p.Step];
            if (p.Step > 0) value = p.Squares[i];
            double square = PackedVectors.SquaredDistance(p.Centre, centre, p.Tiled, i, p.Width, limit: value);
            if (square < value) value = square;
            p.Squares[i] = value;
            if (p.Step >= 0) value = -value;
        }
        value = GroupReduce.Least(values, rows, value, ref row);
        if (t == 0)
        {
            p.Parts[Grid.IdxX] = value;
            p.PartRows[Grid.IdxX] = row;
        }
        bool last = LastGroup.HasCome(come, p.Counters, 0, Grid.DimX);
        int parts = last ? Grid.DimX : 0;
        value = double.PositiveInfinity;
        row = p.Rows;
        for (int part = t; part < parts; part += GroupSize)
        {
            if (!(p.Parts[part] < value)) continue;
            value = p.Parts[part];
            row = p.PartRows[part];
        }
        value = GroupReduce.Least(values, rows, value, ref row);
        if (!last || t != 0) return;
        p.Chosen[p.Step + 1] = row;
        if (p.Step >= 0) p.Radii[p.Step] = (float)Math.Sqrt(-value);
    }
}
