using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class BatchNorm
{
    private const int GroupSize = 256, SharedBytes = GroupSize * sizeof(float);

    /// <summary>Channels of a group in passes over rows: 128 bytes, one memory transaction a row.</summary>
    private const int RowWidth = 32;

    /// <summary>Channels of a group in sums over blocks, where lanes matter more: there are few channels and many blocks.</summary>
    private const int CombineWidth = 8;

    /// <summary>Operands of the sums over rows. Group (b, k) does block b's rows of channels k·Width …; thread t channel t mod Width, every (256/Width)-th row.</summary>
    /// <remarks>The group that finishes last adds up all blocks' <c>Partials</c> for its channels.</remarks>
    internal readonly record struct BatchNormRowArgs(GpuRows X, GpuRows Y, GpuRows Dy, GpuRows Mean, GpuRows Variance, GpuRows Dgamma, GpuRows Dbeta, GpuRows Partials, ArrayView<int> Counters,
        float Eps, int Rows, int BlockRows, int C, int Width);

    /// <summary>Operands of <see cref="ApplyBody"/>: thread i does element i.</summary>
    internal readonly record struct BatchNormApplyArgs(GpuRows X, GpuRows Mean, GpuRows Variance, GpuRows Gamma, GpuRows Beta, GpuRows Residual, GpuRows Y, float Eps, int Count, int C, int HasResidual);

    /// <summary>Operands of <see cref="ElementsBody"/>: thread i does element i. <c>PerRow</c> is 1/n, or 0 with frozen statistics.</summary>
    internal readonly record struct BatchNormElementArgs(GpuRows X, GpuRows Y, GpuRows Dy, GpuRows Dx, GpuRows Dresidual, GpuRows Mean, GpuRows Variance, GpuRows Gamma,
        GpuRows Dgamma, GpuRows Dbeta, float Eps, float PerRow, int Count, int C, int HasX, int HasResidual, int AddX, int AddResidual);

    /// <summary>Operands of <see cref="RunningBody"/>: thread i does element i.</summary>
    internal readonly record struct BatchNormRunningArgs(GpuRows Batch, GpuRows Rows, GpuRows Running, GpuRows Clip, int Items, float Momentum, int Count, int HasClip);

    private static readonly GpuKernel<BatchNormRowArgs> MomentsLauncher = new("batchnorm.statistics", MomentsBody, GroupSize, SharedBytes),
        CombineLauncher = new("batchnorm.statistics.combine", CombineBody, GroupSize, SharedBytes);
    private static readonly GpuKernel<BatchNormRunningArgs> RunningLauncher = new("batchnorm.running", RunningBody);

    private static class Launcher<TFunction> where TFunction : unmanaged, IFunction
    {
        public static readonly GpuKernel<BatchNormApplyArgs> Apply = new("batchnorm.apply", ApplyBody<TFunction>);
        public static readonly GpuKernel<BatchNormRowArgs> Sums = new("batchnorm.gradient.sums", SumsBody<TFunction>, GroupSize, SharedBytes);
        public static readonly GpuKernel<BatchNormElementArgs> Elements = new("batchnorm.gradient.elements", ElementsBody<TFunction>);
    }

    static partial void StatisticsGpu(Tensor x, Tensor? made, Tensor mean, Tensor variance)
    {
        using var partials = made ?? RentPartials(x);
        BatchNormRowArgs p = new(x.GpuAny, x.GpuAny, x.GpuAny, mean.Gpu, variance.Gpu, mean.Gpu, mean.Gpu, partials.Gpu, Counters(x), 0, x.Rows, made is null ? BlockRows(x) : GpuProduct.MomentRows, x.C, 0);
        if (made is not null) LaunchRows(CombineLauncher, x, CombineWidth, 1, p);
        else if (!Channels.InFours(x.C, p.X, p.Mean, p.Variance)) LaunchRows(MomentsLauncher, x, RowWidth, partials.Shape.N, p);
        else if (p.X.IsBf16) LaunchWide(WideStatistics<FourHalves>.Moments, x, p);
        else LaunchWide(WideStatistics<FourChannels>.Moments, x, p);
    }

    static partial void ApplyGpu<TFunction>(Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, float eps, Tensor y, Tensor? residual)
        where TFunction : unmanaged, IFunction
    {
        BatchNormApplyArgs p = new(x.GpuAny, mean.Gpu, variance.Gpu, gamma.Gpu, beta.Gpu, (residual ?? x).GpuAny, y.GpuAny, eps, (int)x.Count, x.C, residual is null ? 0 : 1);
        bool bf16 = Channels.InBf16(p.X, p.Residual, p.Y);
        if (!Channels.InFours(x.C, p.X, p.Mean, p.Variance, p.Gamma, p.Beta, p.Residual, p.Y)) Launcher<TFunction>.Apply.LaunchItems(x.Device, x.Count, p);
        else if (bf16) LaunchWide(WideLauncher<TFunction, FourHalves>.Apply, x, p);
        else LaunchWide(WideLauncher<TFunction, FourChannels>.Apply, x, p);
    }

    static partial void RunningGpu(Tensor batch, Tensor rows, int items, Tensor running, float momentum, Tensor? clip) =>
        RunningLauncher.LaunchItems(running.Device, running.Count, new(batch.Gpu, rows.Gpu, running.Gpu, (clip ?? batch).Gpu, items, momentum, (int)running.Count, clip is null ? 0 : 1));

    static partial void GradientGpu<TFunction>(Maps maps, Vectors vectors, Tensor partials) where TFunction : unmanaged, IFunction
    {
        var x = maps.X;
        BatchNormElementArgs p = Elements(maps, vectors);
        bool wide = Channels.InFours(x.C, p.X, p.Y, p.Dy, p.Dx, p.Dresidual, p.Mean, p.Variance, p.Gamma, p.Dgamma, p.Dbeta), elements = maps.Dx is not null || maps.Dresidual is not null;
        var rows = Sums(x, p, partials);
        if (Channels.InBf16(p.X, p.Y, p.Dy, p.Dx, p.Dresidual)) GradientWide<TFunction, FourHalves>(x, rows, p, elements);
        else if (wide) GradientWide<TFunction, FourChannels>(x, rows, p, elements);
        else
        {
            LaunchRows(Launcher<TFunction>.Sums, x, RowWidth, partials.Shape.N, rows);
            if (elements) Launcher<TFunction>.Elements.LaunchItems(x.Device, x.Count, p);
        }
    }

    private static void GradientWide<TFunction, TMaps>(Tensor x, in BatchNormRowArgs rows, in BatchNormElementArgs p, bool elements) where TFunction : unmanaged, IFunction where TMaps : unmanaged, IChannels<Four>
    {
        LaunchWide(WideLauncher<TFunction, TMaps>.Sums, x, rows);
        if (elements) LaunchWide(WideLauncher<TFunction, TMaps>.Elements, x, p);
    }

    private static BatchNormElementArgs Elements(in Maps maps, in Vectors vectors)
    {
        var x = maps.X;
        return new(x.GpuAny, maps.Y.GpuAny, maps.Dy.GpuAny, (maps.Dx ?? x).GpuAny, (maps.Dresidual ?? x).GpuAny,
            vectors.Mean.Gpu, vectors.Variance.Gpu, vectors.Gamma.Gpu, vectors.Dgamma.Gpu, vectors.Dbeta.Gpu, vectors.Eps, vectors.Frozen ? 0 : 1f / x.Rows, (int)x.Count, x.C,
            maps.Dx is null ? 0 : 1, maps.Dresidual is null ? 0 : 1, maps.AddX ? 1 : 0, maps.AddResidual ? 1 : 0);
    }

    private static BatchNormRowArgs Sums(Tensor x, in BatchNormElementArgs p, Tensor partials) =>
        new(p.X, p.Y, p.Dy, p.Mean, p.Variance, p.Dgamma, p.Dbeta, partials.Gpu, Counters(x), p.Eps, x.Rows, BlockRows(x), x.C, 0);

    private static ArrayView<int> Counters(Tensor x) => ((GpuDevice)x.Device).Counters;

    private static void LaunchRows(GpuKernel<BatchNormRowArgs> kernel, Tensor x, int mostAcross, int blocks, in BatchNormRowArgs p)
    {
        int width = GroupColumns.Width(x.C, mostAcross);
        kernel.Launch(x.Device, new Index3D(blocks, (x.C + width - 1) / width, 1), p with { Width = width });
    }

    private static void MomentsBody(BatchNormRowArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int lanes = GroupSize / p.Width, lane = Group.IdxX / p.Width, c = Grid.IdxY * p.Width + Group.IdxX % p.Width;
        int first = Grid.IdxX * p.BlockRows, last = IntrinsicMath.Min(p.Rows, first + p.BlockRows);
        bool mine = c < p.C;   // idle threads stay for the barriers
        float shift = mine ? p.X[0, c] : 0, sum = 0, squares = 0;
        for (int r = first + lane; mine && r < last; r += lanes) sum += p.X[r, c] - shift;
        float mean = GroupColumns.Sum(shared, p.Width, sum) / (last - first);
        for (int r = first + lane; mine && r < last; r += lanes)
        {
            float d = p.X[r, c] - shift - mean;
            squares += d * d;
        }
        squares = GroupColumns.Sum(shared, p.Width, squares);
        if (mine && lane == 0)
        {
            p.Partials[2 * Grid.IdxX, c] = mean;
            p.Partials[2 * Grid.IdxX + 1, c] = squares;
        }
        bool isLast = LastGroup.HasCome(shared, p.Counters, Grid.IdxY, Grid.DimX);
        Combine(p, shared, c, isLast ? Grid.DimX : 0, shift);
    }

    /// <summary>Combines moments that a product has made.</summary>
    private static void CombineBody(BatchNormRowArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        Combine(p, shared, Grid.IdxY * p.Width + Group.IdxX % p.Width, (p.Rows + p.BlockRows - 1) / p.BlockRows, 0);
    }

    /// <summary>Mean and variance of all blocks, or nothing if there are none; all threads must call. Lanes share the blocks.</summary>
    private static void Combine(in BatchNormRowArgs p, ArrayView<float> shared, int c, int blocks, float shift)
    {
        int lanes = GroupSize / p.Width, lane = Group.IdxX / p.Width;
        bool mine = c < p.C;
        float sum = 0, squares = 0;
        for (int b = lane; mine && b < blocks; b += lanes) sum += RowsOf(b, p.Rows, p.BlockRows) * p.Partials[2 * b, c];
        float mean = GroupColumns.Sum(shared, p.Width, sum) / p.Rows;
        for (int b = lane; mine && b < blocks; b += lanes)
        {
            float d = p.Partials[2 * b, c] - mean;
            squares += p.Partials[2 * b + 1, c] + RowsOf(b, p.Rows, p.BlockRows) * d * d;
        }
        squares = GroupColumns.Sum(shared, p.Width, squares);
        if (!mine || lane != 0 || blocks == 0) return;
        p.Mean[0, c] = shift + mean;
        p.Variance[0, c] = squares / p.Rows;
    }

    private static int RowsOf(int block, int rows, int blockRows) => IntrinsicMath.Min(blockRows, rows - block * blockRows);

    private static void ApplyBody<TFunction>(BatchNormApplyArgs p) where TFunction : unmanaged, IFunction
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i >= p.Count) return;
        float z = (p.X[r, c] - p.Mean[0, c]) * (p.Gamma[0, c] / MathF.Sqrt(p.Variance[0, c] + p.Eps)) + p.Beta[0, c];
        if (p.HasResidual != 0) z += p.Residual[r, c];
        p.Y[r, c] = default(TFunction).Apply(z);
    }

    private static void RunningBody(BatchNormRunningArgs p)
    {
        int i = Grid.GlobalIndex.X;
        if (p.HasClip != 0 && p.Clip[0, 1] == 0) return;
        if (i < p.Count) p.Running[0, i] = Running(p.Running[0, i], p.Batch[0, i], p.Rows[0, i], p.Items, p.Momentum);
    }

    /// <summary>Sums of a group's block of rows, into its partials; all threads must call.</summary>
    private static void BlockSums<TFunction>(in BatchNormRowArgs p, ArrayView<float> shared) where TFunction : unmanaged, IFunction
    {
        int lanes = GroupSize / p.Width, lane = Group.IdxX / p.Width, c = Grid.IdxY * p.Width + Group.IdxX % p.Width;
        int first = Grid.IdxX * p.BlockRows, last = IntrinsicMath.Min(p.Rows, first + p.BlockRows);
        bool mine = c < p.C;
        float mean = mine ? p.Mean[0, c] : 0, sum = 0, product = 0;
        for (int r = first + lane; mine && r < last; r += lanes)
        {
            float dz = default(TFunction).Gradient(p.Y[r, c], p.Dy[r, c]);
            sum += dz;
            product += dz * (p.X[r, c] - mean);
        }
        sum = GroupColumns.Sum(shared, p.Width, sum);
        product = GroupColumns.Sum(shared, p.Width, product);
        if (!mine || lane != 0) return;
        p.Partials[2 * Grid.IdxX, c] = sum;
        p.Partials[2 * Grid.IdxX + 1, c] = product;
    }

    private static void SumsBody<TFunction>(BatchNormRowArgs p) where TFunction : unmanaged, IFunction
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int lanes = GroupSize / p.Width, lane = Group.IdxX / p.Width, c = Grid.IdxY * p.Width + Group.IdxX % p.Width;
        bool mine = c < p.C;
        BlockSums<TFunction>(p, shared);
        int blocks = LastGroup.HasCome(shared, p.Counters, Grid.IdxY, Grid.DimX) ? Grid.DimX : 0;
        float sum = 0, product = 0;
        for (int b = lane; mine && b < blocks; b += lanes)
        {
            sum += p.Partials[2 * b, c];
            product += p.Partials[2 * b + 1, c];
        }
        sum = GroupColumns.Sum(shared, p.Width, sum);
        product = GroupColumns.Sum(shared, p.Width, product);
        if (!mine || lane != 0 || blocks == 0) return;
        p.Dbeta[0, c] = sum;
        p.Dgamma[0, c] = product / MathF.Sqrt(p.Variance[0, c] + p.Eps);
    }

    private static void ElementsBody<TFunction>(BatchNormElementArgs p) where TFunction : unmanaged, IFunction
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i >= p.Count) return;
        float dz = default(TFunction).Gradient(p.Y[r, c], p.Dy[r, c]);
        if (p.HasX != 0)
        {
            float inverse = 1 / MathF.Sqrt(p.Variance[0, c] + p.Eps), normalised = (p.X[r, c] - p.Mean[0, c]) * inverse;
            float dx = p.Gamma[0, c] * inverse * (dz - p.PerRow * (p.Dbeta[0, c] + normalised * p.Dgamma[0, c]));
            p.Dx[r, c] = p.AddX != 0 ? p.Dx[r, c] + dx : dx;
        }
        if (p.HasResidual != 0) p.Dresidual[r, c] = p.AddResidual != 0 ? p.Dresidual[r, c] + dz : dz;
    }
}
