using ILGPU;

namespace MlffAd.Kernels;

public static partial class Normalise
{
    private static readonly GpuKernel<NormaliseArgs> Body = new("imaging.normalise", Pixel);

    internal struct NormaliseArgs
    {
        public ArrayView<float> X, Y;
        public int Count;
        public GpuNormalisation How;
    }

    static partial void Gpu(Tensor x, Tensor y, PixelNormalisation how) => Body.LaunchItems(y.Device, y.Rows,
        new NormaliseArgs
        {
            X = x.Gpu.Data,
            Y = y.Gpu.Data,
            Count = y.Rows,
            How = new(how),
        });

    private static void Pixel(NormaliseArgs a)
    {
        int i = Grid.GlobalIndex.X;
        if (i < a.Count) a.How.Write(a.Y, i, a.X[3 * i], a.X[3 * i + 1], a.X[3 * i + 2]);
    }
}

/// <summary>A <see cref="PixelNormalisation"/> as a kernel argument.</summary>
internal readonly struct GpuNormalisation(PixelNormalisation how)
{
    private readonly int _bgr = how.Bgr ? 1 : 0;
    private readonly float _factor0 = how.Factor[0];
    private readonly float _factor1 = how.Factor[1];
    private readonly float _factor2 = how.Factor[2];
    private readonly float _shift0 = how.Shift[0];
    private readonly float _shift1 = how.Shift[1];
    private readonly float _shift2 = how.Shift[2];

    /// <summary>Writes a pixel in the network's channel order.</summary>
    public void Write(ArrayView<float> y, int pixel, float r, float g, float b)
    {
        y[3 * pixel] = (_bgr != 0 ? b : r) * _factor0 + _shift0;
        y[3 * pixel + 1] = g * _factor1 + _shift1;
        y[3 * pixel + 2] = (_bgr != 0 ? r : b) * _factor2 + _shift2;
    }
}
