namespace MlffAd.Kernels;

/// <summary>Attention between levels (spec §4): <c>A = softmax(k·qᵀ)</c> along rows, <c>y = A·v</c>, per item,
/// unscaled.</summary>
/// <remarks>k and q are <c>[N, …, L, C]</c>, v and y <c>[N, …, L, W]</c>, A <c>[N, 1, L, L]</c>: L levels, L the
/// product of height and width; all may be channel slices. A is kept, since the gradient needs it.
/// With dY the gradient of y:
/// <list type="bullet">
/// <item><c>dA = dY·vᵀ</c>, <c>dS = A∘(dA − Σ A∘dA)</c>, the sum along a row</item>
/// <item><c>dk = dS·q</c>, <c>dq = dSᵀ·k</c>, <c>dv = Aᵀ·dY</c></item>
/// </list>
/// FLOP: N·L²·(2·C + 2·W + 5), the gradient's N·L²·(4·C + 4·W + 4).</remarks>
public static partial class Attention
{
    private static readonly Kernel ForwardKernel = new("attention"), GradientKernel = new("attention.gradient");

    /// <summary>Computes y and A. Note: k and q are swapped with respect to the usual notation (spec §4).</summary>
    /// <param name="k">Rows of A.</param>
    /// <param name="q">Columns of A.</param>
    /// <param name="v">Values; one row for each column of A.</param>
    /// <param name="weights">A; aliases no operand.</param>
    /// <param name="y">The result; aliases no operand.</param>
    public static void Forward(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor y)
    {
        Check("attention", k, q, v, weights, y);
        long n = k.Shape.N, levels = k.Shape.Area;
        using var _ = ForwardKernel.Begin(y, n * levels * levels * (2L * k.C + 2L * v.C + 5),
            4 * n * levels * (2L * k.C + 2L * v.C + levels));
        if (y.Device.IsHost) ForwardHost(k, q, v, weights, y);
        else ForwardGpu(k, q, v, weights, y);
    }

    /// <summary>Computes dk, dq and dv, which alias neither one another nor an operand.</summary>
    /// <param name="k">As in <see cref="Forward"/>.</param>
    /// <param name="q">As in <see cref="Forward"/>.</param>
    /// <param name="v">As in <see cref="Forward"/>.</param>
    /// <param name="weights">A, as <see cref="Forward"/> wrote it.</param>
    /// <param name="dy">Gradient of y.</param>
    /// <param name="dk">Gradient of k.</param>
    /// <param name="dq">Gradient of q.</param>
    /// <param name="dv">Gradient of v.</param>
    public static void Gradient(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor dy, GradientTo dk, GradientTo dq,
        GradientTo dv)
    {
        Check("attention.gradient", k, q, v, weights, dy);
        Shape.Same("attention.gradient", k, dk.Tensor);
        Shape.Same("attention.gradient", q, dq.Tensor);
        Shape.Same("attention.gradient", v, dv.Tensor);
        long n = k.Shape.N, levels = k.Shape.Area;
        long inner = (4L + (dk.Add ? 1 : 0) + (dq.Add ? 1 : 0)) * k.C, width = (dv.Add ? 4L : 3L) * v.C;
        using var _ = GradientKernel.Begin(dk.Tensor, n * levels * levels * (4L * k.C + 4L * v.C + 4),
            4 * n * levels * (levels + inner + width));
        using var slopes = Tensor.Rent(dy.Device, weights.Shape, "attention.slopes");   // dA, then dS
        if (dy.Device.IsHost) GradientHost(k, q, v, weights, dy, slopes, dk, dq, dv);
        else GradientGpu(k, q, v, weights, dy, slopes, dk, dq, dv);
    }

    private static void Check(string name, Tensor k, Tensor q, Tensor v, Tensor weights, Tensor y)
    {
        Shape.Same(name, k, q);
        Shape.Same(name, v, y);
        Shape.Require(name, k.Shape.Area == v.Shape.Area && k.Shape.N == v.Shape.N
            && weights.Shape == Shape.Of(k.Shape.N, k.Shape.Area, k.Shape.Area),
            "k and q, v and y must have the same levels for each item, and the weights be levels × levels", k, v,
            weights);
    }

    static partial void ForwardGpu(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor y);
    static partial void GradientGpu(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor dy, Tensor slopes,
        GradientTo dk, GradientTo dq, GradientTo dv);
}
