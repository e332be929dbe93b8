using ILGPU;

namespace MlffAd.Kernels;

public static partial class Resize
{
    /// <summary>Operands of both bodies: thread i does element i of y (forward) or of x (gradient).</summary>
    internal readonly record struct BilinearArgs(GpuRows X, GpuRows Y, Shape XShape, Shape YShape, ResizeAxis Vertical,
        ResizeAxis Horizontal, int Add);

    private static readonly GpuElements<BilinearArgs> BilinearLauncher = new("resize.bilinear",
        BilinearBody<OneChannel, float>, BilinearBody<FourChannels, Four>, BilinearBody<FourHalves, Four>);

    private static readonly GpuElements<BilinearArgs> BilinearGradientLauncher = new("resize.bilinear.gradient",
        BilinearGradientBody<OneChannel, float>, BilinearGradientBody<FourChannels, Four>,
        BilinearGradientBody<FourHalves, Four>);

    static partial void BilinearGpu(Tensor x, Tensor y, ResizeAxis vertical, ResizeAxis horizontal)
    {
        if (x.Format != y.Format)
        {
            using var like = Tensor.Rent(y.Device, y.Shape, "enlarged", format: x.Format);
            BilinearGpu(x, like, vertical, horizontal);
            Pointwise.CopyOnGpu(like, y);
            return;
        }
        BilinearArgs p = new(X: x.GpuAny, Y: y.GpuAny, XShape: x.Shape, YShape: y.Shape, Vertical: vertical,
            Horizontal: horizontal, Add: 0);
        BilinearLauncher.Launch(y, p, p.X, p.Y);
    }

    static partial void BilinearGradientGpu(Tensor dy, Tensor dx, ResizeAxis vertical, ResizeAxis horizontal, bool add)
    {
        if (dx.Format != dy.Format)
        {
            using var like = Tensor.Rent(dy.Device, dy.Shape, "enlarged gradient", format: dx.Format);
            Pointwise.CopyOnGpu(dy, like);
            BilinearGradientGpu(like, dx, vertical, horizontal, add);
            return;
        }
        BilinearArgs p = new(X: dx.GpuAny, Y: dy.GpuAny, XShape: dx.Shape, YShape: dy.Shape, Vertical: vertical,
            Horizontal: horizontal, Add: add ? 1 : 0);
        BilinearGradientLauncher.Launch(dx, p, p.X, p.Y);
    }

    private static void BilinearBody<TChannels, T>(BilinearArgs p)
        where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int r = Channels.Locate<TChannels, T>(p.YShape.C, out int c);
        if (r >= p.YShape.N * p.YShape.H * p.YShape.W) return;
        int first = r / (p.YShape.H * p.YShape.W) * p.XShape.H;
        int top = p.Vertical.At(r / p.YShape.W % p.YShape.H, out float t);
        int left = p.Horizontal.At(r % p.YShape.W, out float u);
        int above = (first + top) * p.XShape.W;
        int below = (first + p.Vertical.Above(top)) * p.XShape.W;
        int right = p.Horizontal.Above(left);
        T upper = default(TChannels).Add(Part<TChannels, T>(p, above + left, c, (1 - t) * (1 - u)),
            Part<TChannels, T>(p, above + right, c, (1 - t) * u));
        T lower = default(TChannels).Add(Part<TChannels, T>(p, below + left, c, t * (1 - u)),
            Part<TChannels, T>(p, below + right, c, t * u));
        default(TChannels).Store(p.Y, r, c, default(TChannels).Add(upper, lower));
    }

    private static T Part<TChannels, T>(in BilinearArgs p, int row, int c, float weight)
        where TChannels : unmanaged, IChannels<T> where T : unmanaged =>
        default(TChannels).Multiply(default(TChannels).Load(p.X, row, c), default(TChannels).All(weight));

    private static void BilinearGradientBody<TChannels, T>(BilinearArgs p)
        where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int r = Channels.Locate<TChannels, T>(p.XShape.C, out int c);
        if (r >= p.XShape.N * p.XShape.H * p.XShape.W) return;
        int n = r / (p.XShape.H * p.XShape.W), h = r / p.XShape.W % p.XShape.H, w = r % p.XShape.W;
        int left = p.Horizontal.First(w - 1), right = p.Horizontal.First(w + 1), bottom = p.Vertical.First(h + 1);
        T total = default;
        for (int i = p.Vertical.First(h - 1); i < bottom; i++)
        {
            T line = default;
            for (int j = left; j < right; j++)
                line = default(TChannels).Add(line,
                    default(TChannels).Multiply(default(TChannels).Load(p.Y, (n * p.YShape.H + i) * p.YShape.W + j, c),
                        default(TChannels).All(p.Horizontal.Weight(j, w))));
            total = default(TChannels).Add(total,
                default(TChannels).Multiply(line, default(TChannels).All(p.Vertical.Weight(i, h))));
        }
        Channels.Put<TChannels, T>(p.X, r, c, total, p.Add);
    }
}
