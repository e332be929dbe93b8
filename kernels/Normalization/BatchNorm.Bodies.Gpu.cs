using System.Numerics;
using ILGPU;

namespace MlffAd.Kernels;

public static partial class BatchNorm
{
    /// <summary>The passes over maps, for one channel a thread, for four, and for four in BF16. Vectors and sums are
    /// float32. A thread keeps its channels for all its rows, so that what depends on the channel alone is computed
    /// once.</summary>
    /// <typeparam name="TMaps">Channels at once, and the maps' format.</typeparam>
    /// <typeparam name="T">The channels in registers.</typeparam>
    private static class Bodies<TMaps, T>
        where TMaps : unmanaged, IChannels<T>
        where T : unmanaged, IAdditionOperators<T, T, T>, ISubtractionOperators<T, T, T>,
        IMultiplyOperators<T, T, T>, IDivisionOperators<T, T, T>
    {
        private static readonly string Suffix = default(TMaps).Count == 4 ? ".wide" : "";
        private static readonly int SharedBytes = GroupSize * default(TMaps).Count * sizeof(float);

        public static readonly GpuKernel<MomentsArgs> Moments =
            new("batchnorm.statistics" + Suffix, MomentsBody, GroupSize, SharedBytes);

        public static class With<TFunction> where TFunction : unmanaged, IFunction
        {
            public static readonly GpuKernel<ApplyArgs> Apply =
                new("batchnorm.apply" + Suffix, ApplyBody<TFunction>, GroupSize);

            public static readonly GpuKernel<SumsArgs> Sums =
                new("batchnorm.gradient.sums" + Suffix, SumsBody<TFunction>, GroupSize, SharedBytes);

            public static readonly GpuKernel<ElementsArgs> Elements =
                new("batchnorm.gradient.elements" + Suffix, ElementsBody<TFunction>, GroupSize);
        }

        private static int Count => default(TMaps).Count;

        /// <summary>The thread's channels of a vector, or of a row of partial sums.</summary>
        private static ref T Of(in GpuRows vectors, int row, int c) =>
            ref vectors.Data.Cast<T>()[row * (vectors.Pitch / Count) + c / Count];

        private static void MomentsBody(MomentsArgs p)
        {
            var shared = SharedMemory.Allocate<T>(GroupSize);
            int c = p.Blocks.Channel(Count);
            bool mine = c < p.Blocks.C;   // idle threads stay for the barriers
            T shift = default, sum = default, squares = default;
            if (mine) shift = default(TMaps).Load(p.X, 0, c);
            for (int r = p.Blocks.First; mine && r < p.Blocks.Last; r += p.Blocks.Stride)
                sum += default(TMaps).Load(p.X, r, c) - shift;
            T mean = GroupReduce.SumOfColumn(shared, p.Blocks.Width, sum)
                / default(TMaps).All(p.Blocks.RowsOf(Grid.IdxX));
            for (int r = p.Blocks.First; mine && r < p.Blocks.Last; r += p.Blocks.Stride)
            {
                T d = default(TMaps).Load(p.X, r, c) - shift - mean;
                squares += d * d;
            }
            squares = GroupReduce.SumOfColumn(shared, p.Blocks.Width, squares);
            if (mine && Group.IdxX < p.Blocks.Width) Put(p.Partials, c, mean, squares);
            int blocks = LastGroup.HasCome(shared.Cast<float>(), p.Counters, Grid.IdxY, Grid.DimX) ? Grid.DimX : 0;
            Combine(new() { Blocks = p.Blocks, Partials = p.Partials, Mean = p.Mean, Variance = p.Variance },
                shared, blocks, shift);
        }

        /// <summary>Mean and variance of all blocks, or nothing where there are none. Lanes share the blocks; all
        /// threads must call.</summary>
        public static void Combine(in CombineArgs p, ArrayView<T> shared, int blocks, T shift)
        {
            int c = p.Blocks.Channel(Count), lane = Group.IdxX / p.Blocks.Width;
            bool mine = c < p.Blocks.C;
            T sum = default, squares = default;
            for (int b = lane; mine && b < blocks; b += p.Blocks.Stride)
                sum += default(TMaps).All(p.Blocks.RowsOf(b)) * Of(p.Partials, 2 * b, c);
            T mean = GroupReduce.SumOfColumn(shared, p.Blocks.Width, sum) / default(TMaps).All(p.Blocks.Rows);
            for (int b = lane; mine && b < blocks; b += p.Blocks.Stride)
            {
                T d = Of(p.Partials, 2 * b, c) - mean;
                squares += Of(p.Partials, 2 * b + 1, c) + default(TMaps).All(p.Blocks.RowsOf(b)) * d * d;
            }
            squares = GroupReduce.SumOfColumn(shared, p.Blocks.Width, squares);
            if (!mine || lane != 0 || blocks == 0) return;
            Of(p.Mean, 0, c) = shift + mean;
            Of(p.Variance, 0, c) = squares / default(TMaps).All(p.Blocks.Rows);
        }

        private static void ApplyBody<TFunction>(ApplyArgs p) where TFunction : unmanaged, IFunction
        {
            int c = p.Blocks.Channel(Count);
            if (c >= p.Blocks.C) return;
            T mean = Of(p.Mean, 0, c), beta = Of(p.Beta, 0, c);
            T scale = Of(p.Gamma, 0, c) / Deviation(p.Variance, c, p.Eps);
            for (int r = p.Blocks.First; r < p.Blocks.Last; r += p.Blocks.Stride)
            {
                T z = (default(TMaps).Load(p.X, r, c) - mean) * scale + beta;
                if (p.HasResidual != 0) z += default(TMaps).Load(p.Residual, r, c);
                default(TMaps).Store(p.Y, r, c, default(TMaps).Apply<TFunction>(z));
            }
        }

        /// <summary>Σ dz and Σ dz·(x − μ) of the group's block of rows, written to its partials; all threads must
        /// call.</summary>
        public static void BlockSums<TFunction>(in SumsArgs p, ArrayView<T> shared)
            where TFunction : unmanaged, IFunction
        {
            int c = p.Blocks.Channel(Count);
            bool mine = c < p.Blocks.C;   // idle threads stay for the barriers
            T mean = default, sum = default, product = default;
            if (mine) mean = Of(p.Mean, 0, c);
            for (int r = p.Blocks.First; mine && r < p.Blocks.Last; r += p.Blocks.Stride)
            {
                T dz = Slope<TFunction>(p.Y, p.Dy, r, c);
                sum += dz;
                product += dz * (default(TMaps).Load(p.X, r, c) - mean);
            }
            sum = GroupReduce.SumOfColumn(shared, p.Blocks.Width, sum);
            product = GroupReduce.SumOfColumn(shared, p.Blocks.Width, product);
            if (mine && Group.IdxX < p.Blocks.Width) Put(p.Partials, c, sum, product);
        }

        private static void SumsBody<TFunction>(SumsArgs p) where TFunction : unmanaged, IFunction
        {
            var shared = SharedMemory.Allocate<T>(GroupSize);
            BlockSums<TFunction>(p, shared);
            int blocks = LastGroup.HasCome(shared.Cast<float>(), p.Counters, Grid.IdxY, Grid.DimX) ? Grid.DimX : 0;
            int c = p.Blocks.Channel(Count), lane = Group.IdxX / p.Blocks.Width;
            bool mine = c < p.Blocks.C;
            T sum = default, product = default;
            for (int b = lane; mine && b < blocks; b += p.Blocks.Stride)
            {
                sum += Of(p.Partials, 2 * b, c);
                product += Of(p.Partials, 2 * b + 1, c);
            }
            sum = GroupReduce.SumOfColumn(shared, p.Blocks.Width, sum);
            product = GroupReduce.SumOfColumn(shared, p.Blocks.Width, product);
            if (!mine || lane != 0 || blocks == 0) return;
            Of(p.Dbeta, 0, c) = sum;
            Of(p.Dgamma, 0, c) = product / Deviation(p.Variance, c, p.Eps);
        }

        private static void ElementsBody<TFunction>(ElementsArgs p) where TFunction : unmanaged, IFunction
        {
            int c = p.Blocks.Channel(Count);
            if (c >= p.Blocks.C) return;
            T mean = Of(p.Mean, 0, c), dgamma = Of(p.Dgamma, 0, c), dbeta = Of(p.Dbeta, 0, c);
            T inverse = default(TMaps).All(1) / Deviation(p.Variance, c, p.Eps), perRow = default(TMaps).All(p.PerRow);
            T scale = Of(p.Gamma, 0, c) * inverse;
            for (int r = p.Blocks.First; r < p.Blocks.Last; r += p.Blocks.Stride)
            {
                T dz = Slope<TFunction>(p.Y, p.Dy, r, c);
                if (p.HasX != 0)
                {
                    T normalised = (default(TMaps).Load(p.X, r, c) - mean) * inverse;
                    T dx = scale * (dz - perRow * (dbeta + normalised * dgamma));
                    Channels.Put<TMaps, T>(p.Dx, r, c, dx, p.AddX);
                }
                if (p.HasResidual != 0) Channels.Put<TMaps, T>(p.Dresidual, r, c, dz, p.AddResidual);
            }
        }

        /// <summary>dz = dy·f'.</summary>
        private static T Slope<TFunction>(in GpuRows y, in GpuRows dy, int r, int c)
            where TFunction : unmanaged, IFunction =>
            default(TMaps).Gradient<TFunction>(default(TMaps).Load(y, r, c), default(TMaps).Load(dy, r, c));

        private static T Deviation(in GpuRows variance, int c, float eps) =>
            default(TMaps).Sqrt(Of(variance, 0, c) + default(TMaps).All(eps));

        /// <summary>Writes a block's two sums.</summary>
        private static void Put(in GpuRows partials, int c, T first, T second)
        {
            Of(partials, 2 * Grid.IdxX, c) = first;
            Of(partials, 2 * Grid.IdxX + 1, c) = second;
        }
    }
}
