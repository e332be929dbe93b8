namespace MlffAd.Kernels;

/// <summary>Gives each position the features of its levels: <c>t_i = Σ_n E_{i,n} D''_n</c> (spec §4, the end of TEM),
/// the product E·D'' in sparse form.</summary>
/// <remarks>Shapes: m <c>[N, 1, K, 1]</c>, range <c>[N, 1, 1, 4]</c> of <see cref="QuantizeCount1D"/>, d
/// <c>[N, 1, levels, C]</c>, t <c>[N, H, W, C]</c> with H·W = K (or <c>[N, 1, K, C]</c>); t may be a slice. With one
/// level a position it is a scaled copy: bound by the write of t, 4·K·C bytes an image, where the dense product
/// would take 2·K·levels·C FLOP.
/// <para>Gradient, with G_{i,n} = dt_i · d_n for the pairs inside the band and s = sign(L_n − m_i):</para>
/// <code>
/// dd_n = Σ_i E_{i,n} dt_i          dm_i = A_i = Σ_n G_{i,n} s_{i,n}          W_i = Σ_n w_n G_{i,n} s_{i,n}
/// dlo = −Σ_i (A_i − W_i)           dhi = −Σ_i W_i            (through L_n; to the first positions that attain them)
/// </code></remarks>
public static partial class LevelsToPixels
{
    private static readonly Kernel ForwardKernel = new("quantization.pixels");
    private static readonly Kernel GradientKernel = new("quantization.pixels.gradient");

    /// <summary>Writes <paramref name="t"/>.</summary>
    /// <param name="m">Similarities, <c>[N, 1, K, 1]</c>.</param>
    /// <param name="q">The levels.</param>
    /// <param name="range">As <see cref="QuantizeCount1D.Forward"/> wrote it.</param>
    /// <param name="d">Level features, <c>[N, 1, levels, C]</c>.</param>
    /// <param name="t">Position features, <c>[N, H, W, C]</c>, written.</param>
    public static void Forward(Tensor m, Quantization q, Tensor range, Tensor d, Tensor t)
    {
        Check("quantization.pixels", m, q, range, d, t);
        using var _ = ForwardKernel.Begin(t, t.Count, 4 * (t.Count + d.Count + m.Count));
        if (m.Device.IsHost) ForwardHost(m, q, range, d, t);
        else ForwardGpu(m, q, range, d, t);
    }

    /// <summary>Writes, or adds, the gradients <paramref name="dd"/> and <paramref name="dm"/>.</summary>
    /// <param name="m">Similarities.</param>
    /// <param name="q">The levels.</param>
    /// <param name="range">As forward had it.</param>
    /// <param name="d">Level features.</param>
    /// <param name="dt">Gradient of t.</param>
    /// <param name="dd">Receives the gradient of <paramref name="d"/>.</param>
    /// <param name="dm">Receives the gradient of <paramref name="m"/>, through |L_n − m_i|, L_n, lo and hi.</param>
    public static void Gradient(Tensor m, Quantization q, Tensor range, Tensor d, Tensor dt, GradientTo dd,
        GradientTo dm)
    {
        const string op = "quantization.pixels.gradient";
        Check(op, m, q, range, d, dt);
        Shape.Same(op, d, dd.Tensor);
        Shape.Same(op, m, dm.Tensor);
        long bytes = 4 * (2 * dt.Count + (dd.Add ? 3 : 2) * d.Count + 6 * m.Count);
        using var _ = GradientKernel.Begin(dt, 4 * dt.Count, bytes);
        using var paths = Tensor.Rent(m.Device, m.Shape.WithC(2), "levels.paths");   // A_i, W_i
        if (m.Device.IsHost) GradientHost(m, q, range, d, dt, paths, dd, dm);
        else GradientGpu(m, q, range, d, dt, paths, dd, dm);
    }

    private static void Check(string op, Tensor m, Quantization q, Tensor range, Tensor d, Tensor t) =>
        Shape.Require(op, m.C == 1 && range.Shape == Shape.Of(m.Shape.N, 1, 4)
            && d.Shape == Shape.Of(m.Shape.N, q.Levels, t.C) && t.Shape.N == m.Shape.N
            && t.Shape.Area == m.Shape.Area,
            $"m [N,1,K,1], range [N,1,1,4], d [N,1,{q.Levels},C] and t [N,H,W,C] with H·W = K are needed", m, range, d,
            t);

    static partial void ForwardGpu(Tensor m, Quantization q, Tensor range, Tensor d, Tensor t);
    static partial void GradientGpu(Tensor m, Quantization q, Tensor range, Tensor d, Tensor dt, Tensor paths,
        GradientTo dd, GradientTo dm);
}
