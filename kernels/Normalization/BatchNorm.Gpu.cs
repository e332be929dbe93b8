using ILGPU;

namespace MlffAd.Kernels;

public static partial class BatchNorm
{
    private const int GroupSize = 256;

    /// <summary>A group's share of a map: block x of rows, and <c>Width</c> columns from y·Width on, a column being
    /// what a thread takes at once: one channel, or four. Thread t has column t mod Width and every
    /// (256/Width)-th row of the block.</summary>
    internal readonly record struct RowBlocks(int Rows, int BlockRows, int C, int Width)
    {
        /// <summary>The thread's first channel; C or more where it has none.</summary>
        public int Channel(int perColumn) => (Grid.IdxY * Width + Group.IdxX % Width) * perColumn;

        /// <summary>The thread's first row.</summary>
        public int First => Grid.IdxX * BlockRows + Group.IdxX / Width;

        /// <summary>The row after the block's last.</summary>
        public int Last => IntrinsicMath.Min(Rows, (Grid.IdxX + 1) * BlockRows);

        /// <summary>Rows from one of a thread to the next.</summary>
        public int Stride => Group.DimX / Width;

        /// <summary>Rows of a block: fewer than <see cref="BlockRows"/> in the last.</summary>
        public int RowsOf(int block) => IntrinsicMath.Min(BlockRows, Rows - block * BlockRows);
    }

    internal struct MomentsArgs
    {
        public RowBlocks Blocks;
        public GpuRows X, Partials, Mean, Variance;
        public ArrayView<int> Counters;
    }

    internal struct CombineArgs
    {
        public RowBlocks Blocks;
        public GpuRows Partials, Mean, Variance;
    }

    internal struct ApplyArgs
    {
        public RowBlocks Blocks;
        public GpuRows X, Mean, Variance, Gamma, Beta, Residual, Y;
        public float Eps;
        public int HasResidual;
    }

    internal struct RunningArgs
    {
        public GpuRows Batch, Rows, Running, Clip;
        public int Items, Count, HasClip;
        public float Momentum;
    }

    internal struct SumsArgs
    {
        public RowBlocks Blocks;
        public GpuRows X, Y, Dy, Mean, Variance, Partials, Dgamma, Dbeta;
        public ArrayView<int> Counters;
        public float Eps;
    }

    /// <summary><c>PerRow</c> is 1/n, or 0 with frozen statistics.</summary>
    internal struct ElementsArgs
    {
        public RowBlocks Blocks;
        public GpuRows X, Y, Dy, Dx, Dresidual, Mean, Variance, Gamma, Dgamma, Dbeta;
        public float Eps, PerRow;
        public int HasX, HasResidual, AddX, AddResidual;
    }

    private static readonly GpuKernel<CombineArgs> CombineLauncher =
        new("batchnorm.statistics.combine", CombineBody, GroupSize, GroupSize * sizeof(float));

    private static readonly GpuKernel<RunningArgs> RunningLauncher = new("batchnorm.running", RunningBody);

    static partial void StatisticsGpu(Tensor x, Tensor? made, Tensor mean, Tensor variance)
    {
        using var partials = made ?? RentPartials(x);
        if (made is not null)
        {
            // Few channels and many blocks: eight columns leave 32 lanes to share the blocks.
            var blocks = new RowBlocks(x.Rows, GpuProduct.MomentRows, x.C, GroupReduce.Width(x.C, 8));
            CombineLauncher.Launch(x.Device, Grids(blocks, 1), new CombineArgs
            {
                Blocks = blocks,
                Partials = partials.Gpu,
                Mean = mean.Gpu,
                Variance = variance.Gpu,
            });
            return;
        }
        var args = new MomentsArgs
        {
            X = x.GpuAny,
            Partials = partials.Gpu,
            Mean = mean.Gpu,
            Variance = variance.Gpu,
            Counters = Counters(x),
        };
        int count = ChannelsAtOnce(x.C, [args.X], [args.Mean, args.Variance], out bool bf16);
        args.Blocks = BlocksOf(x, count);
        var kernel = bf16 ? Bodies<FourHalves, Four>.Moments
            : count == 4 ? Bodies<FourChannels, Four>.Moments : Bodies<OneChannel, float>.Moments;
        kernel.Launch(x.Device, Grids(args.Blocks, count), args);
    }

    static partial void ApplyGpu<TFunction>(Tensor x, in Vectors vectors, Tensor y, Tensor? residual)
        where TFunction : unmanaged, IFunction
    {
        var args = new ApplyArgs
        {
            X = x.GpuAny,
            Mean = vectors.Mean.Gpu,
            Variance = vectors.Variance.Gpu,
            Gamma = vectors.Gamma.Gpu,
            Beta = vectors.Beta.Gpu,
            Residual = residual?.GpuAny ?? default,
            Y = y.GpuAny,
            Eps = vectors.Eps,
            HasResidual = residual is null ? 0 : 1,
        };
        int count = ChannelsAtOnce(x.C, residual is null ? [args.X, args.Y] : [args.X, args.Y, args.Residual],
            [args.Mean, args.Variance, args.Gamma, args.Beta], out bool bf16);
        args.Blocks = BlocksOf(x, count);
        var kernel = bf16 ? Bodies<FourHalves, Four>.With<TFunction>.Apply
            : count == 4
            ? Bodies<FourChannels, Four>.With<TFunction>.Apply
            : Bodies<OneChannel, float>.With<TFunction>.Apply;
        kernel.Launch(x.Device, Grids(args.Blocks, count), args);
    }

    static partial void RunningGpu(Tensor batch, Tensor rows, int items, Tensor running, float momentum,
        Tensor? clip) =>
        RunningLauncher.LaunchItems(running.Device, running.Count, new RunningArgs
        {
            Batch = batch.Gpu,
            Rows = rows.Gpu,
            Running = running.Gpu,
            Clip = clip?.Gpu ?? default,
            Items = items,
            Count = (int)running.Count,
            HasClip = clip is null ? 0 : 1,
            Momentum = momentum,
        });

    static partial void GradientGpu<TFunction>(in Derivation p) where TFunction : unmanaged, IFunction
    {
        var (maps, x) = (p.Maps, p.Maps.X);
        var sums = SumsOf(p);
        var elements = ElementsOf(p);
        List<GpuRows> operands = [sums.X, sums.Y, sums.Dy];
        if (maps.Dx is not null) operands.Add(elements.Dx);
        if (maps.Dresidual is not null) operands.Add(elements.Dresidual);
        int count = ChannelsAtOnce(x.C, operands.ToArray(),
            [sums.Mean, sums.Variance, elements.Gamma, sums.Dgamma, sums.Dbeta], out bool bf16);
        sums.Blocks = elements.Blocks = BlocksOf(x, count);
        var grid = Grids(sums.Blocks, count);
        var sum = bf16 ? Bodies<FourHalves, Four>.With<TFunction>.Sums
            : count == 4
            ? Bodies<FourChannels, Four>.With<TFunction>.Sums
            : Bodies<OneChannel, float>.With<TFunction>.Sums;
        sum.Launch(x.Device, grid, sums);
        if (maps.Dx is null && maps.Dresidual is null) return;
        var element = bf16 ? Bodies<FourHalves, Four>.With<TFunction>.Elements
            : count == 4
            ? Bodies<FourChannels, Four>.With<TFunction>.Elements
            : Bodies<OneChannel, float>.With<TFunction>.Elements;
        element.Launch(x.Device, grid, elements);
    }

    private static SumsArgs SumsOf(in Derivation p) => new()
    {
        X = p.Maps.X.GpuAny,
        Y = p.Maps.Y.GpuAny,
        Dy = p.Maps.Dy.GpuAny,
        Mean = p.Vectors.Mean.Gpu,
        Variance = p.Vectors.Variance.Gpu,
        Partials = p.Partials.Gpu,
        Dgamma = p.Dgamma.Gpu,
        Dbeta = p.Dbeta.Gpu,
        Counters = Counters(p.Maps.X),
        Eps = p.Vectors.Eps,
    };

    private static ElementsArgs ElementsOf(in Derivation p) => new()
    {
        X = p.Maps.X.GpuAny,
        Y = p.Maps.Y.GpuAny,
        Dy = p.Maps.Dy.GpuAny,
        Dx = p.Maps.Dx?.GpuAny ?? default,
        Dresidual = p.Maps.Dresidual?.GpuAny ?? default,
        Mean = p.Vectors.Mean.Gpu,
        Variance = p.Vectors.Variance.Gpu,
        Gamma = p.Vectors.Gamma.Gpu,
        Dgamma = p.Dgamma.Gpu,
        Dbeta = p.Dbeta.Gpu,
        Eps = p.Vectors.Eps,
        PerRow = p.Frozen ? 0 : 1f / p.Maps.X.Rows,
        HasX = p.Maps.Dx is null ? 0 : 1,
        HasResidual = p.Maps.Dresidual is null ? 0 : 1,
        AddX = p.Maps.AddX ? 1 : 0,
        AddResidual = p.Maps.AddResidual ? 1 : 0,
    };

    /// <summary>Channels that a thread can take at once, 4 or 1, and whether the maps are BF16.</summary>
    private static int ChannelsAtOnce(int channels, GpuRows[] maps, GpuRows[] vectors, out bool bf16)
    {
        bf16 = Channels.InBf16(maps);
        return Channels.InFours(channels, [.. maps, .. vectors]) ? 4 : 1;
    }

    /// <summary>At most 32 columns: a row of a group is 128 or 512 bytes.</summary>
    private static RowBlocks BlocksOf(Tensor x, int perColumn) =>
        new(x.Rows, BlockRows(x), x.C, GroupReduce.Width(x.C / perColumn, 32));

    private static Index3D Grids(in RowBlocks blocks, int perColumn) =>
        new((blocks.Rows + blocks.BlockRows - 1) / blocks.BlockRows,
            (blocks.C / perColumn + blocks.Width - 1) / blocks.Width, 1);

    private static ArrayView<int> Counters(Tensor x) => ((GpuDevice)x.Device).Counters;

    /// <summary>Combines moments that a product has made.</summary>
    private static void CombineBody(CombineArgs p) =>
        Bodies<OneChannel, float>.Combine(p, SharedMemory.Allocate<float>(GroupSize),
            (p.Blocks.Rows + p.Blocks.BlockRows - 1) / p.Blocks.BlockRows, 0);

    private static void RunningBody(RunningArgs p)
    {
        int i = Grid.GlobalIndex.X;
        if (p.HasClip != 0 && p.Clip[0, 1] == 0) return;
        if (i < p.Count)
            p.Running[0, i] = Running(p.Running[0, i], p.Batch[0, i], p.Rows[0, i], p.Items, p.Momentum);
    }
}
