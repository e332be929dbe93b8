namespace MlffAd.Kernels;

/// <summary>QCO-1D's histogram: levels between the lowest and the highest similarity of an image, and the soft share of
/// positions at each (spec §4, equations 1 and 2).</summary>
/// <remarks><code>
/// c_n = S_n / (T + 1e-6),   S_n = Σ_i E_{i,n},   T = Σ_n S_n
/// </code>
/// <para>Shapes: m <c>[N, 1, K, 1]</c>, range <c>[N, 1, 1, 4]</c>, rows <c>[N, 1, levels, 2]</c>. E is never stored: a
/// position is seen by one or two levels (Half, Spacing), and <see cref="Levels"/> finds them again
/// from m and the range.</para>
/// <para>Gradient, with s_{i,n} = sign(L_n − m_i) for the pairs inside the band (its indicator has no gradient):</para>
/// <code>
/// G_n = ∂/∂S_n = (dc_n − Σ_k dc_k c_k) / (T + 1e-6)          dm_i = Σ_n G_n s_{i,n}
/// dL_n ← dL_n − Σ_i G_n s_{i,n}          dlo = Σ_n (1 − w_n) dL_n          dhi = Σ_n w_n dL_n
/// </code>
/// <para>dlo and dhi go to the first position that attains lo and hi. T is recomputed: it costs less than a
/// tensor would.</para></remarks>
public static partial class QuantizeCount1D
{
    /// <summary>Added to the sum of all counts, by which they are divided.</summary>
    public const float Epsilon = 1e-6f;

    private static readonly Kernel ForwardKernel = new("quantization.count1d");
    private static readonly Kernel GradientKernel = new("quantization.count1d.gradient");

    /// <summary>Finds the range of <paramref name="m"/> and writes the levels and their counts.</summary>
    /// <param name="m">Similarities, <c>[N, 1, K, 1]</c>.</param>
    /// <param name="q">The levels.</param>
    /// <param name="range"><c>[N, 1, 1, 4]</c>, written: lo, hi, and the first positions that attain them
    /// (whole numbers).</param>
    /// <param name="rows">B, <c>[N, 1, levels, 2]</c>, written: (L_n, c_n).</param>
    public static void Forward(Tensor m, Quantization q, Tensor range, Tensor rows)
    {
        Check("quantization.count1d", m, q, range, rows);
        using var _ =
            ForwardKernel.Begin(rows, 10 * m.Count + 4 * rows.Count, 4 * (2 * m.Count + range.Count + rows.Count));
        if (m.Device.IsHost) ForwardHost(m, q, range, rows);
        else ForwardGpu(m, q, range, rows);
    }

    /// <summary>Writes, or adds, the gradient <paramref name="dm"/>.</summary>
    /// <param name="m">Similarities.</param>
    /// <param name="q">The levels.</param>
    /// <param name="range">As forward wrote it.</param>
    /// <param name="rows">As forward wrote them.</param>
    /// <param name="dRows">Gradient of <paramref name="rows"/>: (dL_n, dc_n).</param>
    /// <param name="dm">Receives the gradient, <c>[N, 1, K, 1]</c>.</param>
    /// <param name="add">Whether to add to what <paramref name="dm"/> holds.</param>
    public static void Gradient(Tensor m, Quantization q, Tensor range, Tensor rows, Tensor dRows, Tensor dm,
        bool add = false)
    {
        const string op = "quantization.count1d.gradient";
        Check(op, m, q, range, rows);
        Shape.Same(op, rows, dRows);
        Shape.Same(op, m, dm);
        using var _ =
            GradientKernel.Begin(dm, 25 * m.Count + 8 * rows.Count, 4 * ((add ? 4 : 3) * m.Count + 2 * rows.Count));
        if (m.Device.IsHost) GradientHost(m, q, range, rows, dRows, dm, add);
        else GradientGpu(m, q, range, rows, dRows, dm, add);
    }

    private static void Check(string op, Tensor m, Quantization q, Tensor range, Tensor rows) =>
        Shape.Require(op, m.C == 1 && range.Shape == Shape.Of(m.Shape.N, 1, 4)
            && rows.Shape == Shape.Of(m.Shape.N, q.Levels, 2),
            $"m [N,1,K,1], range [N,1,1,4] and rows [N,1,{q.Levels},2] are needed", m, range, rows);

    static partial void ForwardGpu(Tensor m, Quantization q, Tensor range, Tensor rows);
    static partial void GradientGpu(Tensor m, Quantization q, Tensor range, Tensor rows, Tensor dRows, Tensor dm,
        bool add);
}
