using ILGPU;

namespace MlffAd.Kernels;

public static partial class AntialiasResize
{
    private static readonly GpuKernel<ResizeArgs> Body = new("imaging.resize", Resize);

    internal struct ResizeArgs
    {
        public ArrayView<byte> Rgb;
        public ArrayView<float> Y;
        public int Count, Height, Width, OutHeight, OutWidth;
    }

    static partial void Gpu(Tensor rgb, int height, int width, Tensor y) => Body.LaunchItems(y.Device, y.Rows,
        new ResizeArgs
        {
            Rgb = rgb.Gpu.Data.Cast<byte>(),
            Y = y.Gpu.Data,
            Count = y.Rows,
            Height = height,
            Width = width,
            OutHeight = y.Shape.H,
            OutWidth = y.Shape.W,
        });

    /// <summary>One thread per output pixel. Neighbours share inputs through the cache; weights are computed on the
    /// fly.</summary>
    private static void Resize(ResizeArgs a)
    {
        int item = Grid.GlobalIndex.X;
        if (item >= a.Count) return;
        int n = item / (a.OutHeight * a.OutWidth), oy = item / a.OutWidth % a.OutHeight, ox = item % a.OutWidth;
        float scaleY = (float)a.Height / a.OutHeight, reachY = Math.Max(scaleY, 1f), cy = (oy + 0.5f) * scaleY;
        float scaleX = (float)a.Width / a.OutWidth, reachX = Math.Max(scaleX, 1f), cx = (ox + 0.5f) * scaleX;
        int top = Math.Max(0, (int)(cy - reachY + 0.5f)), bottom = Math.Min(a.Height, (int)(cy + reachY + 0.5f));
        int left = Math.Max(0, (int)(cx - reachX + 0.5f)), right = Math.Min(a.Width, (int)(cx + reachX + 0.5f));
        float sumY = 0, sumX = 0;
        for (int y = top; y < bottom; y++) sumY += Triangle(y, cy, reachY);
        for (int x = left; x < right; x++) sumX += Triangle(x, cx, reachX);

        float r = 0, g = 0, b = 0;
        long image = (long)n * a.Height * a.Width;
        for (int x = left; x < right; x++)
        {
            float cr = 0, cg = 0, cb = 0;
            for (int y = top; y < bottom; y++)
            {
                float w = Triangle(y, cy, reachY) / sumY;
                long p = (image + (long)y * a.Width + x) * 3;
                cr += w * a.Rgb[p];
                cg += w * a.Rgb[p + 1];
                cb += w * a.Rgb[p + 2];
            }
            float v = Triangle(x, cx, reachX) / sumX;
            r += v * cr;
            g += v * cg;
            b += v * cb;
        }
        a.Y[3 * item] = (int)(r + 0.5f);
        a.Y[3 * item + 1] = (int)(g + 0.5f);
        a.Y[3 * item + 2] = (int)(b + 0.5f);
    }

    private static float Triangle(int i, float centre, float reach) =>
        Math.Max(0f, 1f - Math.Abs(i + 0.5f - centre) / reach);
}
