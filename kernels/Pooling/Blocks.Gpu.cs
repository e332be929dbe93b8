using ILGPU;

namespace MlffAd.Kernels;

internal static partial class Blocks
{
    private const int GroupSize = 256;

    /// <summary>Channels of a group that sums a large block: few, because there are few groups and lanes hide
    /// latency.</summary>
    private const int GroupWidth = 16;

    /// <summary>Positions from which a group sums a block; below, a thread does.</summary>
    private const int LargeBlock = 64;

    internal readonly record struct BlockArgs(GpuRows Fine, GpuRows Coarse, Shape FineShape, Shape CoarseShape,
        float Scale, int Add, int Width);

    private static readonly GpuKernel<BlockArgs> SumLargeLauncher = new("blocks.sum.large", SumLargeBody, GroupSize,
        GroupSize * sizeof(float));

    private static readonly GpuElements<BlockArgs> SumSmallLauncher = new("blocks.sum.small",
        SumSmallBody<OneChannel, float>, SumSmallBody<FourChannels, Four>, SumSmallBody<FourHalves, Four>);

    private static readonly GpuElements<BlockArgs> SpreadLauncher = new("blocks.spread", SpreadBody<OneChannel, float>,
        SpreadBody<FourChannels, Four>, SpreadBody<FourHalves, Four>);

    static partial void SumGpu(Tensor fine, Tensor coarse, float scale, bool add)
    {
        int width = GroupReduce.Width(coarse.C, GroupWidth);
        var args = new BlockArgs(Fine: fine.GpuAny, Coarse: coarse.GpuAny, FineShape: fine.Shape,
            CoarseShape: coarse.Shape, Scale: scale, Add: add ? 1 : 0, Width: width);
        if (fine.Rows / coarse.Rows >= LargeBlock && !Channels.InBf16(args.Fine, args.Coarse))
            SumLargeLauncher.Launch(fine.Device, new Index3D(coarse.Rows, (coarse.C + width - 1) / width, 1), args);
        else SumSmallLauncher.Launch(coarse, args, args.Fine, args.Coarse);
    }

    static partial void SpreadGpu(Tensor coarse, Tensor fine, float scale, bool add)
    {
        var args = new BlockArgs(Fine: fine.GpuAny, Coarse: coarse.GpuAny, FineShape: fine.Shape,
            CoarseShape: coarse.Shape, Scale: scale, Add: add ? 1 : 0, Width: 1);
        SpreadLauncher.Launch(fine, args, args.Fine, args.Coarse);
    }

    /// <summary>One thread per coarse element, or four: sums its block along each line, then down the lines.</summary>
    private static void SumSmallBody<TChannels, T>(BlockArgs p)
        where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int r = Channels.Locate<TChannels, T>(p.CoarseShape.C, out int c);
        if (r >= p.CoarseShape.N * p.CoarseShape.H * p.CoarseShape.W) return;
        int bh = p.FineShape.H / p.CoarseShape.H, bw = p.FineShape.W / p.CoarseShape.W;
        int corner = (r / p.CoarseShape.W * bh * p.CoarseShape.W + r % p.CoarseShape.W) * bw;
        T total = default;
        for (int a = 0; a < bh; a++)
        {
            T line = default;
            for (int b = 0; b < bw; b++)
                line = default(TChannels).Add(line, default(TChannels).Load(p.Fine, corner + a * p.FineShape.W + b, c));
            total = default(TChannels).Add(total, line);
        }
        total = default(TChannels).Multiply(total, default(TChannels).All(p.Scale));
        Channels.Put<TChannels, T>(p.Coarse, r, c, total, p.Add);
    }

    /// <summary>Group (r, k) sums the block of coarse row r for channels k·Width …; lanes share
    /// its positions.</summary>
    private static void SumLargeBody(BlockArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int lanes = GroupSize / p.Width, lane = Group.IdxX / p.Width, r = Grid.IdxX;
        int c = Grid.IdxY * p.Width + Group.IdxX % p.Width;
        int bh = p.FineShape.H / p.CoarseShape.H, bw = p.FineShape.W / p.CoarseShape.W;
        int corner = (r / p.CoarseShape.W * bh * p.CoarseShape.W + r % p.CoarseShape.W) * bw;
        bool mine = c < p.CoarseShape.C;   // idle threads stay for the barriers
        float sum = 0;
        for (int i = lane; mine && i < bh * bw; i += lanes) sum += p.Fine[corner + i / bw * p.FineShape.W + i % bw, c];
        sum = GroupReduce.SumOfColumn(shared, p.Width, sum);
        if (mine && lane == 0) p.Coarse[r, c] = p.Add != 0 ? p.Coarse[r, c] + sum * p.Scale : sum * p.Scale;
    }

    private static void SpreadBody<TChannels, T>(BlockArgs p)
        where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int r = Channels.Locate<TChannels, T>(p.FineShape.C, out int c);
        if (r >= p.FineShape.N * p.FineShape.H * p.FineShape.W) return;
        int bh = p.FineShape.H / p.CoarseShape.H, bw = p.FineShape.W / p.CoarseShape.W;
        T x = default(TChannels).Multiply(default(TChannels).All(p.Scale),
            default(TChannels).Load(p.Coarse, r / p.FineShape.W / bh * p.CoarseShape.W + r % p.FineShape.W / bw, c));
        Channels.Put<TChannels, T>(p.Fine, r, c, x, p.Add);
    }
}
