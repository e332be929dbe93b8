namespace MlffAd.Kernels;

/// <summary>The two linear maps under average pools, region and row means, nearest enlargement and repeated rows: the
/// map is tiled by equal blocks of bh×bw positions, and a block is summed to one position or one position spread over
/// its block. Each is the other's gradient.</summary>
/// <remarks>The fine tensor is [N, H·bh, W·bw, C], the coarse one [N, H, W, C]; the block follows from the shapes. A
/// pass reads its input and writes its output once. A block is summed in two levels: along its lines,
/// then down them.</remarks>
internal static partial class Blocks
{
    private static readonly Kernel SumKernel = new("blocks.sum"), SpreadKernel = new("blocks.spread");

    /// <summary>coarse = mean of each block of fine.</summary>
    public static void Mean(Tensor fine, Tensor coarse) => Sum(fine, coarse, 1f / Area("blocks.mean", fine, coarse));

    /// <summary>dfine (+)= dcoarse / (bh·bw) all over the block.</summary>
    public static void MeanGradient(Tensor dcoarse, Tensor dfine, bool add) =>
        Spread(dcoarse, dfine, 1f / Area("blocks.mean.gradient", dfine, dcoarse), add);

    /// <summary>coarse (+)= scale · Σ of each block of fine.</summary>
    public static void Sum(Tensor fine, Tensor coarse, float scale = 1, bool add = false)
    {
        Area("blocks.sum", fine, coarse);
        using var _ = SumKernel.Begin(fine, fine.Count, fine.Bytes + (add ? 2 : 1) * coarse.Bytes);
        if (fine.Device.IsHost) SumHost(fine, coarse, scale, add);
        else SumGpu(fine, coarse, scale, add);
    }

    /// <summary>fine (+)= scale · coarse all over the block.</summary>
    public static void Spread(Tensor coarse, Tensor fine, float scale = 1, bool add = false)
    {
        Area("blocks.spread", fine, coarse);
        using var _ = SpreadKernel.Begin(fine, fine.Count, (add ? 2 : 1) * fine.Bytes + coarse.Bytes);
        if (fine.Device.IsHost) SpreadHost(coarse, fine, scale, add);
        else SpreadGpu(coarse, fine, scale, add);
    }

    private static int Area(string op, Tensor fine, Tensor coarse)
    {
        Shape f = fine.Shape, k = coarse.Shape;
        Shape.Require(op, f.N == k.N && f.C == k.C && f.H % k.H == 0
            && f.W % k.W == 0, "equal blocks must tile the larger map exactly", fine, coarse);
        return f.Area / k.Area;
    }

    static partial void SumGpu(Tensor fine, Tensor coarse, float scale, bool add);
    static partial void SpreadGpu(Tensor coarse, Tensor fine, float scale, bool add);
}
