using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>The three passes over maps again, 16 bytes at a time: for maps and vectors whose channels come in fours, as all but the counts' do. A thread keeps its four channels for all rows of its
/// block, so what follows from the channel is worked out once. Results are those of the plain bodies, but for the order of the sums.</summary>
public static partial class BatchNorm
{
    /// <summary>Fours of a group: a row of them is 512 bytes.</summary>
    private const int MostAcross = 32;

    /// <summary>A plain body's operands, and the groups' part of the map: group (b, k) does block b's rows of fours k·Across …</summary>
    internal readonly record struct WideArgs<TArgs>(TArgs Plain, int Rows, int BlockRows, int Across) where TArgs : struct;

    private static class WideLauncher<TFunction> where TFunction : unmanaged, IFunction
    {
        public static readonly GpuKernel<WideArgs<BatchNormApplyArgs>> Apply = new("batchnorm.apply.wide", ApplyWideBody<TFunction>, GroupSize);
        public static readonly GpuKernel<WideArgs<BatchNormRowArgs>> Sums = new("batchnorm.gradient.sums.wide", SumsWideBody<TFunction>, GroupSize, 4 * SharedBytes);
        public static readonly GpuKernel<WideArgs<BatchNormElementArgs>> Elements = new("batchnorm.gradient.elements.wide", ElementsWideBody<TFunction>, GroupSize);
    }

    private static void LaunchWide<TArgs>(GpuKernel<WideArgs<TArgs>> kernel, Tensor x, in TArgs args) where TArgs : struct
    {
        int across = GroupColumns.Width(x.C / 4, MostAcross), fours = x.C / 4;
        kernel.Launch(x.Device, new Index3D(Blocks(x), (fours + across - 1) / across, 1), new(args, x.Rows, BlockRows(x), across));
    }

    private static void ApplyWideBody<TFunction>(WideArgs<BatchNormApplyArgs> a) where TFunction : unmanaged, IFunction
    {
        var p = a.Plain;
        int c = (Grid.IdxY * a.Across + Group.IdxX % a.Across) * 4, first = Grid.IdxX * a.BlockRows, last = IntrinsicMath.Min(a.Rows, first + a.BlockRows);
        if (c >= p.C) return;
        Four mean = p.Mean.Wide(0, c), beta = p.Beta.Wide(0, c), scale = p.Gamma.Wide(0, c) / Deviation(p.Variance.Wide(0, c), p.Eps);
        for (int r = first + Group.IdxX / a.Across; r < last; r += Group.DimX / a.Across)
        {
            Four z = (p.X.Wide(r, c) - mean) * scale + beta;
            if (p.HasResidual != 0) z += p.Residual.Wide(r, c);
            p.Y.Wide(r, c) = default(FourChannels).Apply<TFunction>(z);
        }
    }

    private static void SumsWideBody<TFunction>(WideArgs<BatchNormRowArgs> a) where TFunction : unmanaged, IFunction
    {
        var shared = SharedMemory.Allocate<Four>(GroupSize);
        var p = a.Plain;
        int c = (Grid.IdxY * a.Across + Group.IdxX % a.Across) * 4, first = Grid.IdxX * a.BlockRows, last = IntrinsicMath.Min(a.Rows, first + a.BlockRows);
        bool mine = c < p.C;   // idle threads stay for the barriers
        Four mean = mine ? p.Mean.Wide(0, c) : default, sum = default, product = default;
        for (int r = first + Group.IdxX / a.Across; mine && r < last; r += Group.DimX / a.Across)
        {
            Four dz = default(FourChannels).Gradient<TFunction>(p.Y.Wide(r, c), p.Dy.Wide(r, c));
            sum += dz;
            product += dz * (p.X.Wide(r, c) - mean);
        }
        sum = GroupColumns.Sum(shared, a.Across, sum);
        product = GroupColumns.Sum(shared, a.Across, product);
        bool writes = mine && Group.IdxX < a.Across;
        if (writes)
        {
            p.Partials.Wide(2 * Grid.IdxX, c) = sum;
            p.Partials.Wide(2 * Grid.IdxX + 1, c) = product;
        }
        int blocks = LastGroup.HasCome(shared.Cast<float>(), p.Counters, Grid.IdxY, Grid.DimX) ? Grid.DimX : 0;
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

    private static void ElementsWideBody<TFunction>(WideArgs<BatchNormElementArgs> a) where TFunction : unmanaged, IFunction
    {
        var p = a.Plain;
        int c = (Grid.IdxY * a.Across + Group.IdxX % a.Across) * 4, first = Grid.IdxX * a.BlockRows, last = IntrinsicMath.Min(a.Rows, first + a.BlockRows);
        if (c >= p.C) return;
        Four mean = p.Mean.Wide(0, c), deviation = Deviation(p.Variance.Wide(0, c), p.Eps), dgamma = p.Dgamma.Wide(0, c), dbeta = p.Dbeta.Wide(0, c);
        Four inverse = new Four(1, 1, 1, 1) / deviation, perRow = new Four(p.PerRow, p.PerRow, p.PerRow, p.PerRow), scale = p.Gamma.Wide(0, c) * inverse;
        for (int r = first + Group.IdxX / a.Across; r < last; r += Group.DimX / a.Across)
        {
            Four dz = default(FourChannels).Gradient<TFunction>(p.Y.Wide(r, c), p.Dy.Wide(r, c));
            if (p.HasX != 0)
            {
                Four normalised = (p.X.Wide(r, c) - mean) * inverse, dx = scale * (dz - perRow * (dbeta + normalised * dgamma));
                p.Dx.Wide(r, c) = p.AddX != 0 ? p.Dx.Wide(r, c) + dx : dx;
            }
            if (p.HasResidual != 0) p.Dresidual.Wide(r, c) = p.AddResidual != 0 ? p.Dresidual.Wide(r, c) + dz : dz;
        }
    }

    private static Four Deviation(Four variance, float eps) =>
        new(MathF.Sqrt(variance.X + eps), MathF.Sqrt(variance.Y + eps), MathF.Sqrt(variance.Z + eps), MathF.Sqrt(variance.W + eps));
}
