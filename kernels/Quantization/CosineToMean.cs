namespace MlffAd.Kernels;

/// <summary>Cosine similarity of each cell to the mean of its region: <c>g = mean of x_i</c>,
/// <c>m_i = normalise(g)·normalise(x_i)</c>, with <c>normalise(v) = v / max(‖v‖, 1e-12)</c> (spec §4).</summary>
/// <remarks>Shapes: x <c>[N, M, M, C]</c>, g <c>[N, 1, s², C]</c>, m <c>[N, 1, s²·h², 1]</c>, h = M/s; regions
/// row-major, each region's h×h cells contiguous and row-major, so that s = 1 is the map's own order. All may be slices
/// of wider tensors.
/// <para>Forward: x is read twice (means, then dot products), 6·N·M²·C FLOP. The products and norms are sums over
/// channels, the means are summed row by row of the region. Gradient, with G = max(‖g‖, ε), X_i = max(‖x_i‖, ε),
/// brackets 0 where the max clips:</para>
/// <code>
/// α_i = dm_i / (G X_i)        β_i = −[‖x_i‖ &gt; ε] dm_i m_i / X_i²        γ = [‖g‖ &gt; ε] Σ_i dm_i m_i / G²
/// dg' = dg + Σ_i α_i x_i − γ g                 dx_i = α_i g + β_i x_i + dg'/h²
/// </code></remarks>
public static partial class CosineToMean
{
    private const float Epsilon = 1e-12f;

    private static readonly Kernel ForwardKernel = new("quantization.cosine");
    private static readonly Kernel GradientKernel = new("quantization.cosine.gradient");

    /// <summary>Writes the region means <paramref name="g"/> and the similarities <paramref name="m"/>.</summary>
    /// <param name="x">Features, <c>[N, M, M, C]</c>.</param>
    /// <param name="g">Region means, <c>[N, 1, s², C]</c>, written.</param>
    /// <param name="m">Similarities in [−1, 1], <c>[N, 1, M², 1]</c> in region order, written.</param>
    /// <param name="s">Regions along a side; divides M.</param>
    public static void Forward(Tensor x, Tensor g, Tensor m, int s)
    {
        var regions = Check("quantization.cosine", x, g, m, s);
        using var _ = ForwardKernel.Begin(m, 6 * x.Count, 4 * (2 * x.Count + g.Count + m.Count));
        if (x.Device.IsHost) ForwardHost(x, g, m, regions);
        else ForwardGpu(x, g, m, regions);
    }

    /// <summary>Operands of the gradient.</summary>
    /// <param name="X">Features, as in forward.</param>
    /// <param name="G">Region means, as forward wrote them.</param>
    /// <param name="M">Similarities, as forward wrote them.</param>
    /// <param name="Dm">Gradient of <paramref name="M"/>.</param>
    /// <param name="Dx">Receives the gradient, <c>[N, M, M, C]</c>.</param>
    public readonly record struct GradientMaps(Tensor X, Tensor G, Tensor M, Tensor Dm, Tensor Dx)
    {
        /// <summary>Gradient of <see cref="G"/> from its other uses; null if there are none.</summary>
        public Tensor? Dg { get; init; }

        /// <summary>Whether to add to what <see cref="Dx"/> holds.</summary>
        public bool Add { get; init; }
    }

    /// <summary>Writes, or adds, the gradient through both norms and the mean.</summary>
    /// <param name="maps">The forward's maps and their gradients.</param>
    /// <param name="s">Regions along a side.</param>
    public static void Gradient(in GradientMaps maps, int s)
    {
        const string op = "quantization.cosine.gradient";
        var (x, g, m, dm, dx) = maps;
        var regions = Check(op, x, g, m, s);
        Shape.Same(op, x, dx);
        Shape.Same(op, m, dm);
        if (maps.Dg is { } dg) Shape.Same(op, g, dg);
        long bytes = 4 * ((maps.Add ? 5 : 4) * x.Count + 4 * g.Count + 8 * m.Count);
        using var _ = GradientKernel.Begin(dx, (maps.Add ? 9 : 8) * x.Count, bytes);
        using var weights = Tensor.Rent(x.Device, m.Shape.WithC(2), "cosine.weights");   // α_i, β_i
        using var share = Tensor.Rent(x.Device, g.Shape, "cosine.share");                // dg'/h²
        if (x.Device.IsHost) GradientHost(maps, weights, share, regions);
        else GradientGpu(maps, weights, share, regions);
    }

    private static Regions Check(string op, Tensor x, Tensor g, Tensor m, int s)
    {
        Shape.Require(op, x.Shape.H == x.Shape.W && s >= 1
            && x.Shape.H % s == 0, $"x must be a square map whose side {s} divides", x);
        Shape.Require(op, g.Shape == Shape.Of(x.Shape.N, s * s, x.C) && m.Shape == Shape.Of(x.Shape.N, x.Shape.Area, 1),
            $"x [N,M,M,C], g [N,1,{s * s},C] and m [N,1,M²,1] are needed", x, g, m);
        return new Regions(x.Shape.H / s, s);
    }

    static partial void ForwardGpu(Tensor x, Tensor g, Tensor m, Regions regions);

    static partial void GradientGpu(in GradientMaps maps, Tensor weights, Tensor share, Regions regions);
}
