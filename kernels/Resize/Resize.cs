namespace MlffAd.Kernels;

/// <summary>Enlargement and reduction of maps, per channel. Tensors may be channel slices.</summary>
/// <remarks>Bilinear: <c>y[i, j] = Σ wᵢₐ wⱼᵦ x[a, b]</c> over four neighbours in x, positions as in
/// <see cref="ResizeAxis"/>. Its gradient gathers: <c>dx[a, b] = Σ wᵢₐ wⱼᵦ dy[i, j]</c> over the outputs that used it,
/// along lines, then down them; no atomics. Memory-bound: each pass reads its input and writes its output; the
/// gradient's four visits to an output come from cache.</remarks>
public static partial class Resize
{
    private static readonly Kernel BilinearKernel = new("resize.bilinear");
    private static readonly Kernel BilinearGradientKernel = new("resize.bilinear.gradient");

    /// <summary>Nearest enlargement by whole factors: x [N,H,W,C], y [N,H·a,W·b,C].</summary>
    public static void Nearest(Tensor x, Tensor y) => Blocks.Spread(x, y);

    /// <summary>The gradient of <see cref="Nearest"/>: dx (+)= Σ of the block's dy.</summary>
    public static void NearestGradient(Tensor dy, Tensor dx, bool add = false) => Blocks.Sum(dy, dx, 1, add);

    /// <summary>Bilinear resize of x [N,H,W,C] to y [N,H',W',C] of any size.</summary>
    /// <param name="x">Input.</param>
    /// <param name="y">Output.</param>
    /// <param name="alignCorners">Corners of both maps coincide (a source of one position is repeated); else pixels are
    /// squares and the maps' outer edges coincide (half-pixel centres).</param>
    public static void Bilinear(Tensor x, Tensor y, bool alignCorners)
    {
        RequireMaps("resize.bilinear", x, y);
        using var _ = BilinearKernel.Begin(y, 8 * y.Count, x.Bytes + y.Bytes);
        ResizeAxis vertical = new(x.Shape.H, y.Shape.H, alignCorners), horizontal = new(x.Shape.W, y.Shape.W, alignCorners);
        if (x.Device.IsHost) BilinearHost(x, y, vertical, horizontal);
        else BilinearGpu(x, y, vertical, horizontal);
    }

    /// <summary>The gradient of <see cref="Bilinear"/>.</summary>
    public static void BilinearGradient(Tensor dy, Tensor dx, bool alignCorners, bool add = false)
    {
        RequireMaps("resize.bilinear.gradient", dx, dy);
        using var _ = BilinearGradientKernel.Begin(dx, 8 * dy.Count, dy.Bytes + (add ? 2 : 1) * dx.Bytes);
        ResizeAxis vertical = new(dx.Shape.H, dy.Shape.H, alignCorners);
        ResizeAxis horizontal = new(dx.Shape.W, dy.Shape.W, alignCorners);
        if (dx.Device.IsHost) BilinearGradientHost(dy, dx, vertical, horizontal, add);
        else BilinearGradientGpu(dy, dx, vertical, horizontal, add);
    }

    private static void RequireMaps(string op, Tensor x, Tensor y) =>
        Shape.Require(op, x.Shape.N == y.Shape.N && x.C == y.C, "only height and width may differ", x, y);

    static partial void BilinearGpu(Tensor x, Tensor y, ResizeAxis vertical, ResizeAxis horizontal);
    static partial void BilinearGradientGpu(Tensor dy, Tensor dx, ResizeAxis vertical, ResizeAxis horizontal, bool add);
}
