using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Pooling
{
    /// <summary>Operands of both bodies: thread i does element i of the output (forward) or of the input (gradient).</summary>
    internal readonly record struct MaxArgs(GpuRows X, GpuRows Y, GpuRows Index, Shape XShape, Shape YShape, int Kernel, int Stride, int Pad, int Add, int WithIndex);

    private static readonly GpuKernel<MaxArgs> MaxLauncher = new("pooling.max", MaxBody), MaxGradientLauncher = new("pooling.max.gradient", MaxGradientBody);

    static partial void MaxGpu(Tensor x, Tensor y, Tensor? index, int kernel, int stride, int pad) =>
        MaxLauncher.LaunchItems(y.Device, y.Count, new(x.Gpu, y.Gpu, (index ?? y).Gpu, x.Shape, y.Shape, kernel, stride, pad, 0, index is null ? 0 : 1));

    static partial void MaxGradientGpu(Tensor dy, Tensor index, Tensor dx, int kernel, int stride, int pad, bool add) =>
        MaxGradientLauncher.LaunchItems(dx.Device, dx.Count, new(dx.Gpu, dy.Gpu, index.Gpu, dx.Shape, dy.Shape, kernel, stride, pad, add ? 1 : 0, 1));

    private static void MaxBody(MaxArgs p)
    {
        int id = Grid.GlobalIndex.X, r = id / p.YShape.C, c = id % p.YShape.C;
        if (r >= p.YShape.N * p.YShape.H * p.YShape.W) return;
        int n = r / (p.YShape.H * p.YShape.W), top = r / p.YShape.W % p.YShape.H * p.Stride - p.Pad, left = r % p.YShape.W * p.Stride - p.Pad;
        float best = 0;
        int winner = -1;
        for (int tap = 0; tap < p.Kernel * p.Kernel; tap++)
        {
            int h = top + tap / p.Kernel, w = left + tap % p.Kernel;
            if (h < 0 || h >= p.XShape.H || w < 0 || w >= p.XShape.W) continue;
            float v = p.X[(n * p.XShape.H + h) * p.XShape.W + w, c];
            if (winner >= 0 && !(v > best) && !float.IsNaN(v)) continue;   // NaN wins, and nothing is greater than it
            best = v;
            winner = tap;
        }
        p.Y[r, c] = best;
        if (p.WithIndex != 0) p.Index[r, c] = winner;
    }

    private static void MaxGradientBody(MaxArgs p)
    {
        int id = Grid.GlobalIndex.X, r = id / p.XShape.C, c = id % p.XShape.C;
        if (r >= p.XShape.N * p.XShape.H * p.XShape.W) return;
        int n = r / (p.XShape.H * p.XShape.W), h = r / p.XShape.W % p.XShape.H + p.Pad, w = r % p.XShape.W + p.Pad;
        int lastRow = IntrinsicMath.Min(h / p.Stride, p.YShape.H - 1), lastColumn = IntrinsicMath.Min(w / p.Stride, p.YShape.W - 1);
        float sum = p.Add != 0 ? p.X[r, c] : 0;
        for (int i = FirstWindow(h, p.Kernel, p.Stride); i <= lastRow; i++)
            for (int j = FirstWindow(w, p.Kernel, p.Stride); j <= lastColumn; j++)
            {
                int window = (n * p.YShape.H + i) * p.YShape.W + j, tap = (h - i * p.Stride) * p.Kernel + w - j * p.Stride;
                if (p.Index[window, c] == tap) sum += p.Y[window, c];
            }
        p.X[r, c] = sum;
    }
}
