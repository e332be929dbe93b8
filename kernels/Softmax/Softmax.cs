namespace MlffAd.Kernels;

/// <summary>Softmax along each row: <c>y_c = e^(x_c − m) / Σ e^(x − m)</c>, m the row's maximum, over the C channels of
/// every position.</summary>
/// <remarks>Tensors may be channel slices. Gradient: <c>dx = y·(dy − Σ y·dy)</c>.</remarks>
public static partial class Softmax
{
    private static readonly Kernel RowsKernel = new("softmax"), GradientKernel = new("softmax.gradient");

    /// <summary>Softmax of each row. <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Rows(Tensor x, Tensor y)
    {
        Shape.Same("softmax", x, y);
        using var _ = RowsKernel.Begin(y, 5 * y.Count, 8 * y.Count);
        if (y.Device.IsHost) RowsHost(x, y);
        else RowsGpu(x, y);
    }

    /// <summary>The gradient, from the output. <paramref name="dx"/> may be <paramref name="dy"/> unless
    /// <paramref name="add"/>.</summary>
    public static void Gradient(Tensor y, Tensor dy, Tensor dx, bool add = false)
    {
        Shape.Same("softmax.gradient", y, dy);
        Shape.Same("softmax.gradient", y, dx);
        using var _ = GradientKernel.Begin(dx, 4 * y.Count, (add ? 16 : 12) * y.Count);
        if (y.Device.IsHost) GradientHost(y, dy, dx, add);
        else GradientGpu(y, dy, dx, add);
    }

    static partial void RowsGpu(Tensor x, Tensor y);
    static partial void GradientGpu(Tensor y, Tensor dy, Tensor dx, bool add);
}
