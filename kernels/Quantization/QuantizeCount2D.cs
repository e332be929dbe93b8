namespace MlffAd.Kernels;

/// <summary>QCO-2D's co-occurrence: how often a cell at level a has a lower-right neighbour at level b, per region
/// (spec §4).</summary>
/// <remarks><code>
/// P_{a,b} = S_{a,b} / (T + 1e-6),   S_{a,b} = Σ_{y,x &lt; h−1} E_{(y,x),a} E_{(y+1,x+1),b},   T = Σ_{a,b} S_{a,b}
/// </code>
/// <para>Shapes: m <c>[N, 1, s²·h², 1]</c> (regions row-major, cells row-major within), range <c>[N, 1, s², 4]</c>,
/// rows <c>[N, 1, s²·levels², 3]</c>: row (a, b) of a region, at a·levels + b, is (L_a, L_b, P_{a,b}). With h = 1 there
/// are no pairs and P = 0.</para>
/// <para>Gradient: with H_{a,b} = ∂/∂S_{a,b} = (dP_{a,b} − Σ dP·P)/(T + 1e-6), a cell i with lower-right neighbour j
/// and upper-left neighbour k has</para>
/// <code>
/// G_{i,n} = Σ_b E_{j,b} H_{n,b} + Σ_a E_{k,a} H_{a,n}          dm_i = Σ_n G_{i,n} sign(L_n − m_i)
/// </code>
/// <para>(a neighbour outside the region adds nothing), and lo and hi receive their share through L_n as in
/// <see cref="QuantizeCount1D"/>. T = Σ_pairs (Σ_a E_{i,a})(Σ_b E_{j,b}) is recomputed.</para></remarks>
public static partial class QuantizeCount2D
{
    private static readonly Kernel ForwardKernel = new("quantization.count2d");
    private static readonly Kernel GradientKernel = new("quantization.count2d.gradient");

    /// <summary>Finds each region's range and writes its rows.</summary>
    /// <param name="m">Similarities, <c>[N, 1, s²·h², 1]</c>.</param>
    /// <param name="regions">s², regions of an image; each a square of cells.</param>
    /// <param name="q">The levels.</param>
    /// <param name="range"><c>[N, 1, s², 4]</c>, written: lo, hi, and the first cells of the region that attain them
    /// (whole numbers).</param>
    /// <param name="rows"><c>[N, 1, s²·levels², 3]</c>, written: (L_a, L_b, P_{a,b}).</param>
    public static void Forward(Tensor m, int regions, Quantization q, Tensor range, Tensor rows)
    {
        int side = Check("quantization.count2d", m, regions, q, range, rows);
        using var _ =
            ForwardKernel.Begin(rows, 14 * m.Count + 2 * rows.Count, 4 * (2 * m.Count + range.Count + rows.Count));
        if (m.Device.IsHost) ForwardHost(m, side, q, range, rows);
        else ForwardGpu(m, side, q, range, rows);
    }

    /// <summary>Writes, or adds, the gradient <paramref name="dm"/>.</summary>
    /// <param name="m">Similarities.</param>
    /// <param name="regions">s².</param>
    /// <param name="q">The levels.</param>
    /// <param name="range">As forward wrote it.</param>
    /// <param name="rows">As forward wrote them.</param>
    /// <param name="dRows">Gradient of <paramref name="rows"/>.</param>
    /// <param name="dm">Receives the gradient, <c>[N, 1, s²·h², 1]</c>.</param>
    /// <param name="add">Whether to add to what <paramref name="dm"/> holds.</param>
    public static void Gradient(Tensor m, int regions, Quantization q, Tensor range, Tensor rows, Tensor dRows,
        Tensor dm, bool add = false)
    {
        const string op = "quantization.count2d.gradient";
        int side = Check(op, m, regions, q, range, rows);
        Shape.Same(op, rows, dRows);
        Shape.Same(op, m, dm);
        using var _ =
            GradientKernel.Begin(dm, 45 * m.Count + 3 * rows.Count, 4 * ((add ? 4 : 3) * m.Count + 5 * rows.Count / 3));
        if (m.Device.IsHost) GradientHost(m, side, q, range, rows, dRows, dm, add);
        else GradientGpu(m, side, q, range, rows, dRows, dm, add);
    }

    /// <summary>Returns h.</summary>
    private static int Check(string op, Tensor m, int regions, Quantization q, Tensor range, Tensor rows)
    {
        int side = regions < 1 ? 0 : (int)Math.Sqrt(m.Shape.Area / regions);
        Shape.Require(op, m.C == 1 && side > 0 && side * side * regions == m.Shape.Area
            && range.Shape == Shape.Of(m.Shape.N, regions, 4)
            && rows.Shape == Shape.Of(m.Shape.N, regions * q.Levels * q.Levels, 3),
            $"m [N,1,{regions}·h²,1], range [N,1,{regions},4] and rows [N,1,{regions}·{q.Levels}²,3] are needed", m,
            range, rows);
        return side;
    }

    static partial void ForwardGpu(Tensor m, int side, Quantization q, Tensor range, Tensor rows);
    static partial void GradientGpu(Tensor m, int side, Quantization q, Tensor range, Tensor rows, Tensor dRows,
        Tensor dm, bool add);
}
