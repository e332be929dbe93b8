using MlffAd.Kernels.Runtime;

/// <summary>The sigmoid linear unit, element by element: <c>y = x·σ(x)</c>, <c>σ(x) = 1/(1 + e⁻ˣ)</c>.</summary>
/// <remarks>Tensors are of one shape on the host, and may be channel slices. Reads 4 bytes an element, writes 4.</remarks>
public static partial class SiLU
{
    private static readonly Kernel ForwardKernel = new("silu"), GradientKernel = new("silu.gradient");

    /// <summary><c>y = x·σ(x)</c>. <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Forward(Tensor x, Tensor y)
    {
        Shape.Same("silu", x, y);
        using var _ = ForwardKernel.Begin(y, flop: 4 * y.Count, bytes: 8 * y.Count);
        ForwardHost(x, y);
    }

    /// <summary><c>dx = dy·σ(x)·(1 + x·(1 − σ(x)))</c>. <paramref name="dx"/> may be <paramref name="dy"/>.</summary>
    public static void Gradient(Tensor x, Tensor dy, Tensor dx)
    {
        Shape.Same("silu.gradient", x, dy);
        Shape.Same("silu.gradient", x, dx);
        using var _ = GradientKernel.Begin(dx, flop: 7 * x.Count, bytes: 12 * x.Count);
        GradientHost(x, dy, dx);
    }
}
