using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>The passes over maps again, four channels at a time (16 bytes, or 8 of BF16): for maps and vectors whose channels come in fours, as all but the counts' do. A thread keeps its four channels for all rows of its
/// block, so what follows from the channel is worked out once. Results are those of the plain bodies, but for the order of the sums. Vectors and sums are float32 always.</summary>
public static partial class BatchNorm
{
    /// <summary>Fours of a group: a row of them is 512 bytes.</summary>
    private const int MostAcross = 32;

    /// <summary>A plain body's operands, and the groups' part of the map: group (b, k) does block b's rows of fours k·Across …</summary>
    internal readonly record struct WideArgs<TArgs>(TArgs Plain, int Rows, int BlockRows, int Across) where TArgs : struct;

    private static class WideStatistics<TMaps> where TMaps : unmanaged, IChannels<Four>
    {
        public static readonly GpuKernel<WideArgs<BatchNormRowArgs>> Moments = new("batchnorm.statistics.wide", MomentsWideBody<TMaps>, GroupSize, 4 * SharedBytes);
    }

    private static class WideLauncher<TFunction, TMaps> where TFunction : unmanaged, IFunction where TMaps : unmanaged, IChannels<Four>
    {
        public static readonly GpuKernel<WideArgs<BatchNormApplyArgs>> Apply = new("batchnorm.apply.wide", ApplyWideBody<TFunction, TMaps>, GroupSize);
        public static readonly GpuKernel<WideArgs<BatchNormRowArgs>> Sums = new("batchnorm.gradient.sums.wide", SumsWideBody<TFunction, TMaps>, GroupSize, 4 * SharedBytes);
        public static readonly GpuKernel<WideArgs<BatchNormElementArgs>> Elements = new("batchnorm.gradient.elements.wide", ElementsWideBody<TFunction, TMaps>, GroupSize);
    }

    private static void LaunchWide<TArgs>(GpuKernel<WideArgs<TArgs>> kernel, Tensor x, in TArgs args) where TArgs : struct
    {
        int across = GroupColumns.Width(x.C / 4, MostAcross), fours = x.C / 4;
        kernel.Launch(x.Device, new Index3D(Blocks(x), (fours + across - 1) / across, 1), new(args, x.Rows, BlockRows(x), across));
    }

    private static void ApplyWideBody<TFunction, TMaps>(WideArgs<BatchNormApplyArgs> a) where TFunction : unmanaged, IFunction where TMaps : unmanaged, IChannels<Four>
    {
        var p = a.Plain;
        int c = (Grid.IdxY * a.Across + Group.IdxX % a.Across) * 4, first = Grid.IdxX * a.BlockRows, last = IntrinsicMath.Min(a.Rows, first + a.BlockRows);
        if (c >= p.C) return;
        Four mean = p.Mean.Wide(0, c), beta = p.Beta.Wide(0, c), scale = p.Gamma.Wide(0, c) / Deviation(p.Variance.Wide(0, c), p.Eps);
        for (int r = first + Group.IdxX / a.Across; r < last; r += Group.DimX / a.Across)
        {
            Four z = (default(TMaps).Load(p.X, r, c) - mean) * scale + beta;
            if (p.HasResidual != 0) z += default(TMaps).Load(p.Residual, r, c);
            default(TMaps).Store(p.Y, r, c, default(FourChannels).Apply<TFunction>(z));
        }
    }

    private static void MomentsWideBody<TMaps>(WideArgs<BatchNormRowArgs> a) where TMaps : unmanaged, IChannels<Four>
    {
        var shared = SharedMemory.Allocate<Four>(GroupSize);
        var p = a.Plain;
        int c = (Grid.IdxY * a.Across + Group.IdxX % a.Across) * 4, first = Grid.IdxX * a.BlockRows, last = IntrinsicMath.Min(a.Rows, first + a.BlockRows);
        bool mine = c < p.C;   // idle threads stay for the barriers
        Four shift = mine ? default(TMaps).Load(p.X, 0, c) : default, sum = default, squares = default;
        for (int r = first + Group.IdxX / a.Across; mine && r < last; r += Group.DimX / a.Across) sum += default(TMaps).Load(p.X, r, c) - shift;
        Four mean = GroupColumns.Sum(shared, a.Across, sum) / default(TMaps).All(last - first);
        for (int r = first + Group.IdxX / a.Across; mine && r < last; r += Group.DimX / a.Across)
        {
            Four d = default(TMaps).Load(p.X, r, c) - shift - mean;
            squares += d * d;
        }
        squares = GroupColumns.Sum(shared, a.Across, squares);
        bool writes = mine && Group.IdxX < a.Across;
        int blocks = Part(p, shared, c, writes, mean, squares);
        sum = squares = default;
        for (int b = Group.IdxX / a.Across; mine && b < blocks; b += Group.DimX / a.Across) sum += default(TMaps).All(RowsOf(b, a.Rows, a.BlockRows)) * p.Partials.Wide(2 * b, c);
        mean = GroupColumns.Sum(shared, a.Across, sum) / default(TMaps).All(a.Rows);
        for (int b = Group.IdxX / a.Across; mine && b < blocks; b += Group.DimX / a.Across)
        {
            Four d = p.Partials.Wide(2 * b, c) - mean;
            squares += p.Partials.Wide(2 * b + 1, c) + default(TMaps).All(RowsOf(b, a.Rows, a.BlockRows)) * d * d;
        }
        squares = GroupColumns.Sum(shared, a.Across, squares);
        if (!writes || blocks == 0) return;
        p.Mean.Wide(0, c) = shift + mean;
        p.Variance.Wide(0, c) = squares / default(TMaps).All(a.Rows);
    }

    /// <summary>Writes a block's two sums; how many blocks there are to add up, for the group that finishes last, else 0. All threads must call.</summary>
    private static int Part(in BatchNormRowArgs p, ArrayView<Four> shared, int c, bool writes, Four first, Four second)
    {
        if (writes)
        {
            p.Partials.Wide(2 * Grid.IdxX, c) = first;
            p.Partials.Wide(2 * Grid.IdxX + 1, c) = second;
        }
        return LastGroup.HasCome(shared.Cast<float>(), p.Counters, Grid.IdxY, Grid.DimX) ? Grid.DimX : 0;
    }

    private static void SumsWideBody<TFunction, TMaps>(WideArgs<BatchNormRowArgs> a) where TFunction : unmanaged, IFunction where TMaps : unmanaged, IChannels<Four>
    {
        var shared = SharedMemory.Allocate<Four>(GroupSize);
        var p = a.Plain;
        int c = (Grid.IdxY * a.Across + Group.IdxX % a.Across) * 4, first = Grid.IdxX * a.BlockRows, last = IntrinsicMath.Min(a.Rows, first + a.BlockRows);
        bool mine = c < p.C;   // idle threads stay for the barriers
        Four mean = mine ? p.Mean.Wide(0, c) : default, sum = default, product = default;
        for (int r = first + Group.IdxX / a.Across; mine && r < last; r += Group.DimX / a.Across)
        {
            Four dz = default(FourChannels).Gradient<TFunction>(default(TMaps).Load(p.Y, r, c), default(TMaps).Load(p.Dy, r, c));
            sum += dz;
            product += dz * (default(TMaps).Load(p.X, r, c) - mean);
        }
        sum = GroupColumns.Sum(shared, a.Across, sum);
        product = GroupColumns.Sum(shared, a.Across, product);
        bool writes = mine && Group.IdxX < a.Across;
        int blocks = Part(p, shared, c, writes, sum, product);
        sum = product = default;
        for (int b = Group.IdxX / a.Across; mine && b < blocks; b += Group.DimX / a.Across)
        {
            sum += p.Partials.Wide(2 * b, c);
            product += p.Partials.Wide(2 * b + 1, c);
        }
        sum = GroupColumns.Sum(shared, a.Across, sum);
        product = GroupColumns.Sum(shared, a.Across, product);
        if (!writes || blocks == 0) return;
        p.Dbeta.Wide(0, c) = sum;
        p.Dgamma.Wide(0, c) = product / Deviation(p.Variance.Wide(0, c), p.Eps);
    }

    private static void ElementsWideBody<TFunction, TMaps>(WideArgs<BatchNormElementArgs> a) where TFunction : unmanaged, IFunction where TMaps : unmanaged, IChannels<Four>
    {
        var p = a.Plain;
        int c = (Grid.IdxY * a.Across + Group.IdxX % a.Across) * 4, first = Grid.IdxX * a.BlockRows, last = IntrinsicMath.Min(a.Rows, first + a.BlockRows);
        if (c >= p.C) return;
        Four mean = p.Mean.Wide(0, c), deviation = Deviation(p.Variance.Wide(0, c), p.Eps), dgamma = p.Dgamma.Wide(0, c), dbeta = p.Dbeta.Wide(0, c);
        Four inverse = new Four(1, 1, 1, 1) / deviation, perRow = new Four(p.PerRow, p.PerRow, p.PerRow, p.PerRow), scale = p.Gamma.Wide(0, c) * inverse;
        for (int r = first + Group.IdxX / a.Across; r < last; r += Group.DimX / a.Across)
        {
            Four dz = default(FourChannels).Gradient<TFunction>(default(TMaps).Load(p.Y, r, c), default(TMaps).Load(p.Dy, r, c));
            if (p.HasX != 0)
            {
                Four normalised = (default(TMaps).Load(p.X, r, c) - mean) * inverse, dx = scale * (dz - perRow * (dbeta + normalised * dgamma));
                Channels.Put<TMaps, Four>(p.Dx, r, c, dx, p.AddX);
            }
            if (p.HasResidual != 0) Channels.Put<TMaps, Four>(p.Dresidual, r, c, dz, p.AddResidual);
        }
    }

    private static Four Deviation(Four variance, float eps) =>
        new(MathF.Sqrt(variance.X + eps), MathF.Sqrt(variance.Y + eps), MathF.Sqrt(variance.Z + eps), MathF.Sqrt(variance.W + eps));
}
