namespace MlffAd.Kernels;

/// <summary>Products of matrices stored as rows of levels, regions or cells: <c>y[n] = op(a[n]) · op(b[n])</c>, op
/// being the transposition or nothing.</summary>
/// <remarks>A tensor [N, H, W, C] is taken as N matrices of H·W rows and C columns; it may be a channel slice. A
/// product with weights that all items share, <c>x · Wᵀ</c>, is a 1×1 <see cref="Convolution"/>. The gradients are
/// products as well, with dY the gradient of y:
/// <list type="bullet">
/// <item><c>y = a·b</c>: <c>da = dY·bᵀ</c>, <c>db = aᵀ·dY</c></item>
/// <item><c>y = a·bᵀ</c>: <c>da = dY·b</c>, <c>db = dYᵀ·a</c></item>
/// <item><c>y = aᵀ·b</c>: <c>da = b·dYᵀ</c>, <c>db = a·dY</c></item>
/// </list>
/// FLOP: 2·N·M·K·Nc for results of M × Nc and sums of K terms; bytes: 4·N·(M·K + K·Nc + M·Nc).</remarks>
public static partial class MatMul
{
    private static readonly Kernel ForwardKernel = new("matmul");

    /// <summary><c>y[n] = op(a[n]) · op(b[n])</c>, or <c>y[n] += …</c>.</summary>
    /// <param name="a">M × K, or K × M if transposed, for each item. Both factors may be BF16 on a GPU that multiplies
    /// so, if the result's columns come in pairs.</param>
    /// <param name="b">K × Nc, or Nc × K if transposed, for each item.</param>
    /// <param name="y">M × Nc for each item; shares no memory with the factors.</param>
    /// <param name="transposeA">Whether <paramref name="a"/> is transposed.</param>
    /// <param name="transposeB">Whether <paramref name="b"/> is transposed.</param>
    /// <param name="add">Whether the product is added to what <paramref name="y"/> holds.</param>
    public static void Forward(Tensor a, Tensor b, Tensor y, bool transposeA, bool transposeB, bool add = false)
    {
        var (m, k) = transposeA ? (a.C, a.Shape.Area) : (a.Shape.Area, a.C);
        var (kb, n) = transposeB ? (b.C, b.Shape.Area) : (b.Shape.Area, b.C);
        Shape.Require("matmul", k == kb && y.Shape.Area == m && y.C == n && a.Shape.N == b.Shape.N
            && a.Shape.N == y.Shape.N,
            $"the factors {(transposeA ? "aᵀ" : "a")}, {(transposeB ? "bᵀ" : "b")} and the result must be M×K, K×N, "
                + $"M×N matrices of equal number", a, b, y);
        long batch = a.Shape.N;
        using var _ = ForwardKernel.Begin(y, 2 * batch * m * n * k, a.Bytes + b.Bytes + (add ? 2 : 1) * y.Bytes);
        if (y.Device.IsHost) ForwardHost(a, b, y, transposeA, transposeB, add);
        else ForwardGpu(a, b, y, transposeA, transposeB, add);
    }

    static partial void ForwardGpu(Tensor a, Tensor b, Tensor y, bool transposeA, bool transposeB, bool add);
}
