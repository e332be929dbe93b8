using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Normalise
{
    private static readonly GpuKernel<NormaliseArgs> Body = new("imaging.normalise", Pixel);

    internal struct NormaliseArgs
    {
        public ArrayView<float> X, Y;
        public int Count, First;
        public float Factor0, Factor1, Factor2, Shift0, Shift1, Shift2;
    }

    static partial void Gpu(Tensor x, Tensor y, PixelNormalisation how) => Body.LaunchItems(y.Device, y.Rows, new NormaliseArgs
    {
        X = x.Gpu.Data,
        Y = y.Gpu.Data,
        Count = y.Rows,
        First = how.Bgr ? 2 : 0,
        Factor0 = how.Factor[0],
        Factor1 = how.Factor[1],
        Factor2 = how.Factor[2],
        Shift0 = how.Shift[0],
        Shift1 = how.Shift[1],
        Shift2 = how.Shift[2],
    });

    private static void Pixel(NormaliseArgs a)
    {
        int i = Grid.GlobalIndex.X;
        if (i >= a.Count) return;
        float v0 = a.X[3 * i + a.First], v1 = a.X[3 * i + 1], v2 = a.X[3 * i + 2 - a.First];
        a.Y[3 * i] = v0 * a.Factor0 + a.Shift0;
        a.Y[3 * i + 1] = v1 * a.Factor1 + a.Shift1;
        a.Y[3 * i + 2] = v2 * a.Factor2 + a.Shift2;
    }
}
