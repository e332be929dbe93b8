using ILGPU;

namespace MlffAd.Kernels;

public static partial class Pooling
{
    /// <summary>Operands of both bodies: thread i does element i of the output (forward) or of the
    /// input (gradient).</summary>
    internal readonly record struct MaxArgs(GpuRows X, GpuRows Y, GpuRows Index, Shape XShape, Shape YShape,
        int Kernel, int Stride, int Pad, int Add, int WithIndex);

    private static readonly GpuElements<MaxArgs> MaxLauncher = new("pooling.max", MaxBody<OneChannel, float>,
        MaxBody<FourChannels, Four>, MaxBody<FourHalves, Four>);

    private static readonly GpuElements<MaxArgs> MaxGradientLauncher = new("pooling.max.gradient",
        MaxGradientBody<OneChannel, float>, MaxGradientBody<FourChannels, Four>, MaxGradientBody<FourHalves, Four>);

    static partial void MaxGpu(Tensor x, Tensor y, Tensor? index, int kernel, int stride, int pad)
    {
        MaxArgs p = new(X: x.GpuAny, Y: y.GpuAny, Index: (index ?? y).GpuAny, XShape: x.Shape, YShape: y.Shape,
            Kernel: kernel, Stride: stride, Pad: pad, Add: 0, WithIndex: index is null ? 0 : 1);
        MaxLauncher.Launch(y, p, p.X, p.Y, p.Index);
    }

    static partial void MaxGradientGpu(Tensor dy, Tensor index, Tensor dx, int kernel, int stride, int pad, bool add)
    {
        MaxArgs p = new(X: dx.GpuAny, Y: dy.GpuAny, Index: index.GpuAny, XShape: dx.Shape, YShape: dy.Shape,
            Kernel: kernel, Stride: stride, Pad: pad, Add: add ? 1 : 0, WithIndex: 1);
        MaxGradientLauncher.Launch(dx, p, p.X, p.Y, p.Index);
    }

    private static void MaxBody<TChannels, T>(MaxArgs p) where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int r = Channels.Locate<TChannels, T>(p.YShape.C, out int c);
        if (r >= p.YShape.N * p.YShape.H * p.YShape.W) return;
        int n = r / (p.YShape.H * p.YShape.W);
        int top = r / p.YShape.W % p.YShape.H * p.Stride - p.Pad;
        int left = r % p.YShape.W * p.Stride - p.Pad;
        T best = default, winner = default(TChannels).All(-1);
        for (int tap = 0; tap < p.Kernel * p.Kernel; tap++)
        {
            int h = top + tap / p.Kernel, w = left + tap % p.Kernel;
            if (h < 0 || h >= p.XShape.H || w < 0 || w >= p.XShape.W) continue;
            default(TChannels).Challenge(ref best, ref winner,
                default(TChannels).Load(p.X, (n * p.XShape.H + h) * p.XShape.W + w, c), tap);
        }
        default(TChannels).Store(p.Y, r, c, best);
        if (p.WithIndex != 0) default(TChannels).Store(p.Index, r, c, winner);
    }

    private static void MaxGradientBody<TChannels, T>(MaxArgs p)
        where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int r = Channels.Locate<TChannels, T>(p.XShape.C, out int c);
        if (r >= p.XShape.N * p.XShape.H * p.XShape.W) return;
        int n = r / (p.XShape.H * p.XShape.W), h = r / p.XShape.W % p.XShape.H + p.Pad, w = r % p.XShape.W + p.Pad;
        int lastRow = IntrinsicMath.Min(h / p.Stride, p.YShape.H - 1);
        int lastColumn = IntrinsicMath.Min(w / p.Stride, p.YShape.W - 1);
        T sum = p.Add != 0 ? default(TChannels).Load(p.X, r, c) : default;
        for (int i = FirstWindow(h, p.Kernel, p.Stride); i <= lastRow; i++)
            for (int j = FirstWindow(w, p.Kernel, p.Stride); j <= lastColumn; j++)
            {
                int window = (n * p.YShape.H + i) * p.YShape.W + j;
                int tap = (h - i * p.Stride) * p.Kernel + w - j * p.Stride;
                sum = default(TChannels).Add(sum, default(TChannels).Won(default(TChannels).Load(p.Y, window, c),
                    default(TChannels).Load(p.Index, window, c), tap));
            }
        default(TChannels).Store(p.X, r, c, sum);
    }
}
