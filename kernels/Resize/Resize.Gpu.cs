using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Resize
{
    /// <summary>Operands of both bodies: thread i does element i of y (forward) or of x (gradient).</summary>
    internal readonly record struct BilinearArgs(GpuRows X, GpuRows Y, Shape XShape, Shape YShape, Axis Vertical, Axis Horizontal, int Add);

    private static readonly GpuKernel<BilinearArgs> BilinearLauncher = new("resize.bilinear", BilinearBody), BilinearGradientLauncher = new("resize.bilinear.gradient", BilinearGradientBody);

    static partial void BilinearGpu(Tensor x, Tensor y, Axis vertical, Axis horizontal) =>
        BilinearLauncher.LaunchItems(y.Device, y.Count, new(x.Gpu, y.Gpu, x.Shape, y.Shape, vertical, horizontal, 0));

    static partial void BilinearGradientGpu(Tensor dy, Tensor dx, Axis vertical, Axis horizontal, bool add) =>
        BilinearGradientLauncher.LaunchItems(dx.Device, dx.Count, new(dx.Gpu, dy.Gpu, dx.Shape, dy.Shape, vertical, horizontal, add ? 1 : 0));

    private static void BilinearBody(BilinearArgs p)
    {
        int id = Grid.GlobalIndex.X, r = id / p.YShape.C, c = id % p.YShape.C;
        if (r >= p.YShape.N * p.YShape.H * p.YShape.W) return;
        int first = r / (p.YShape.H * p.YShape.W) * p.XShape.H, top = p.Vertical.At(r / p.YShape.W % p.YShape.H, out float t), left = p.Horizontal.At(r % p.YShape.W, out float u);
        int above = (first + top) * p.XShape.W, below = (first + p.Vertical.Above(top)) * p.XShape.W, right = p.Horizontal.Above(left);
        p.Y[r, c] = p.X[above + left, c] * ((1 - t) * (1 - u)) + p.X[above + right, c] * ((1 - t) * u) + (p.X[below + left, c] * (t * (1 - u)) + p.X[below + right, c] * (t * u));
    }

    private static void BilinearGradientBody(BilinearArgs p)
    {
        int id = Grid.GlobalIndex.X, r = id / p.XShape.C, c = id % p.XShape.C;
        if (r >= p.XShape.N * p.XShape.H * p.XShape.W) return;
        int n = r / (p.XShape.H * p.XShape.W), h = r / p.XShape.W % p.XShape.H, w = r % p.XShape.W;
        int left = p.Horizontal.First(w - 1), right = p.Horizontal.First(w + 1), bottom = p.Vertical.First(h + 1);
        float total = 0;
        for (int i = p.Vertical.First(h - 1); i < bottom; i++)
        {
            float line = 0;
            for (int j = left; j < right; j++) line += p.Y[(n * p.YShape.H + i) * p.YShape.W + j, c] * p.Horizontal.Weight(j, w);
            total += line * p.Vertical.Weight(i, h);
        }
        p.X[r, c] = p.Add != 0 ? p.X[r, c] + total : total;
    }
}
