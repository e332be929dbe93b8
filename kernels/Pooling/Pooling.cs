namespace MlffAd.Kernels;

/// <summary>Maximum over sliding windows and means over equal blocks, per channel. Tensors may be channel
/// slices.</summary>
/// <remarks>All are memory-bound. Every gradient gathers: an input position sums over the outputs whose windows cover
/// it, in order, without atomics, so the sum does not depend on threads.</remarks>
public static partial class Pooling
{
    private static readonly Kernel MaxKernel = new("pooling.max"), MaxGradientKernel = new("pooling.max.gradient");

    /// <summary><c>y[n,i,j,c] = max x[n, i·stride − pad + a, j·stride − pad + b, c]</c> over the taps a, b = 0 … kernel
    /// − 1 that lie inside x.</summary>
    /// <param name="x">Input [N,H,W,C].</param>
    /// <param name="y">Output [N, (H + 2·pad − kernel)/stride + 1, likewise W, C].</param>
    /// <param name="index">Receives the winner's tap a·kernel + b for the gradient, in y's shape; null to skip. The
    /// first of equals in row-major order wins, padding never.</param>
    /// <param name="kernel">Window side.</param>
    /// <param name="stride">Step.</param>
    /// <param name="pad">Padding, less than <paramref name="kernel"/>.</param>
    public static void Max(Tensor x, Tensor y, Tensor? index, int kernel, int stride, int pad)
    {
        RequireWindows("pooling.max", x, y, index ?? y, kernel, stride, pad);
        using var _ = MaxKernel.Begin(y, (long)kernel * kernel * y.Count, x.Bytes + y.Bytes + (index?.Bytes ?? 0));
        if (x.Device.IsHost) MaxHost(x, y, index, kernel, stride, pad);
        else MaxGpu(x, y, index, kernel, stride, pad);
    }

    /// <summary>The gradient of <see cref="Max"/>: dx (+)= Σ dy over the windows that the element won.</summary>
    public static void MaxGradient(Tensor dy, Tensor index, Tensor dx, int kernel, int stride, int pad,
        bool add = false)
    {
        RequireWindows("pooling.max.gradient", dx, dy, index, kernel, stride, pad);
        using var _ = MaxGradientKernel.Begin(dx, (long)kernel * kernel * dy.Count,
            dy.Bytes + index.Bytes + (add ? 2 : 1) * dx.Bytes);
        if (dx.Device.IsHost) MaxGradientHost(dy, index, dx, kernel, stride, pad, add);
        else MaxGradientGpu(dy, index, dx, kernel, stride, pad, add);
    }

    /// <summary>Mean over each kernel×kernel square, stride = kernel: x [N,H,W,C], y [N,H/kernel,W/kernel,C].</summary>
    public static void Average(Tensor x, Tensor y, int kernel)
    {
        RequireSquares("pooling.average", x, y, kernel);
        Blocks.Mean(x, y);
    }

    /// <summary>The gradient of <see cref="Average"/>: dx (+)= dy/kernel² at each of the square's positions.</summary>
    public static void AverageGradient(Tensor dy, Tensor dx, int kernel, bool add = false)
    {
        RequireSquares("pooling.average.gradient", dx, dy, kernel);
        Blocks.MeanGradient(dy, dx, add);
    }

    /// <summary>Mean over each of s×s equal regions: x [N,H,W,C], g [N,s,s,C], or [N,1,1,C] for the whole
    /// map.</summary>
    public static void RegionMean(Tensor x, Tensor g) => Blocks.Mean(x, g);

    /// <summary>The gradient of <see cref="RegionMean"/>: dx (+)= dg/(H·W/s²) at each of the
    /// region's positions.</summary>
    public static void RegionMeanGradient(Tensor dg, Tensor dx, bool add = false) => Blocks.MeanGradient(dg, dx, add);

    /// <summary>Mean of each k consecutive rows: x [N,1,R·k,C], y [N,1,R,C].</summary>
    public static void RowMean(Tensor x, Tensor y) => Blocks.Mean(x, y);

    /// <summary>The gradient of <see cref="RowMean"/>: dx (+)= dy/k on each of the k rows.</summary>
    public static void RowMeanGradient(Tensor dy, Tensor dx, bool add = false) => Blocks.MeanGradient(dy, dx, add);

    private static void RequireSquares(string op, Tensor x, Tensor y, int kernel) =>
        Shape.Require(op, y.Shape.H * kernel == x.Shape.H
            && y.Shape.W * kernel == x.Shape.W, $"squares of {kernel}×{kernel} must tile the map exactly", x, y);

    private static void RequireWindows(string op, Tensor x, Tensor y, Tensor index, int kernel, int stride, int pad)
    {
        Shape.Same(op, y, index);
        int Windows(int size) => (size + 2 * pad - kernel) / stride + 1;
        Shape.Require(op, kernel > 0 && stride > 0 && pad >= 0 && pad < kernel && y.Shape == x.Shape with
        {
            H = Windows(x.Shape.H),
            W = Windows(x.Shape.W),
        }, $"windows {kernel}×{kernel}/{stride} with padding {pad} give another output shape", x, y);
    }

    static partial void MaxGpu(Tensor x, Tensor y, Tensor? index, int kernel, int stride, int pad);
    static partial void MaxGradientGpu(Tensor dy, Tensor index, Tensor dx, int kernel, int stride, int pad, bool add);
}
