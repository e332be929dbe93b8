using ILGPU;

namespace MlffAd.Kernels;

/// <summary>A function of an element of each operand.</summary>
internal interface IElement
{
    /// <param name="a">Left operand.</param>
    /// <param name="b">Right operand.</param>
    /// <param name="value">A constant.</param>
    T Of<TChannels, T>(T a, T b, float value) where TChannels : unmanaged, IChannels<T> where T : unmanaged;
}

public static partial class Pointwise
{
    /// <summary>Thread i does element i, or elements 4i …, row-major.</summary>
    internal readonly record struct PointwiseArgs(GpuRows A, GpuRows B, GpuRows Y, int Rows, int C, int Add,
        float Value);

    internal readonly struct Added : IElement
    {
        public T Of<TChannels, T>(T a, T b, float value)
            where TChannels : unmanaged, IChannels<T> where T : unmanaged => default(TChannels).Add(a, b);
    }

    internal readonly struct Multiplied : IElement
    {
        public T Of<TChannels, T>(T a, T b, float value)
            where TChannels : unmanaged, IChannels<T> where T : unmanaged => default(TChannels).Multiply(a, b);
    }

    internal readonly struct Copied : IElement
    {
        public T Of<TChannels, T>(T a, T b, float value)
            where TChannels : unmanaged, IChannels<T> where T : unmanaged => a;
    }

    internal readonly struct Filled : IElement
    {
        public T Of<TChannels, T>(T a, T b, float value)
            where TChannels : unmanaged, IChannels<T> where T : unmanaged => default(TChannels).All(value);
    }

    internal readonly struct Applied<TFunction> : IElement where TFunction : unmanaged, IFunction
    {
        public T Of<TChannels, T>(T a, T b, float value)
            where TChannels : unmanaged, IChannels<T> where T : unmanaged => default(TChannels).Apply<TFunction>(a);
    }

    internal readonly struct Differentiated<TFunction> : IElement where TFunction : unmanaged, IFunction
    {
        public T Of<TChannels, T>(T a, T b, float value)
            where TChannels : unmanaged, IChannels<T>
            where T : unmanaged => default(TChannels).Gradient<TFunction>(a, b);
    }

    private static class Launcher<TElement> where TElement : unmanaged, IElement
    {
        public static readonly GpuElements<PointwiseArgs> Elements = new("pointwise",
            Body<TElement, OneChannel, float>, Body<TElement, FourChannels, Four>, Body<TElement, FourHalves, Four>);
    }

    static partial void ApplyGpu<TFunction>(Tensor x, Tensor y)
        where TFunction : unmanaged, IFunction => Launch<Applied<TFunction>>(x, x, y);

    static partial void GradientGpu<TFunction>(Tensor y, Tensor dy, Tensor dx, bool add)
        where TFunction : unmanaged, IFunction =>
        Launch<Differentiated<TFunction>>(y, dy, dx, add);

    static partial void AddGpu(Tensor a, Tensor b, Tensor y) => Launch<Added>(a, b, y);

    static partial void MultiplyGpu(Tensor a, Tensor b, Tensor y, bool add) => Launch<Multiplied>(a, b, y, add);

    static partial void CopyGpu(Tensor x, Tensor y, bool add) => CopyOnGpu(x, y, add);

    /// <summary>Copies within another operator's profiler range.</summary>
    internal static void CopyOnGpu(Tensor x, Tensor y, bool add = false)
    {
        if (x.Format == y.Format) Launch<Copied>(x, x, y, add);
        else Convert(x, y, add);
    }

    private static readonly GpuKernel<PointwiseArgs> ToBf16Launcher = new("pointwise.to.bf16",
        ConvertBody<FourChannels, FourHalves>);

    private static readonly GpuKernel<PointwiseArgs> FromBf16Launcher = new("pointwise.from.bf16",
        ConvertBody<FourHalves, FourChannels>);

    private static void Convert(Tensor x, Tensor y, bool add)
    {
        PointwiseArgs p = new(A: x.GpuAny, B: x.GpuAny, Y: y.GpuAny, Rows: y.Rows, C: y.C, Add: add ? 1 : 0, Value: 0);
        if (!Channels.InFours(y.C, p.A, p.Y))
            throw new ArgumentException(
                $"{x} and {y} do not begin at multiples of 16 bytes, as maps of both formats must.");
        (y.Format == Format.Bf16 ? ToBf16Launcher : FromBf16Launcher).LaunchItems(y.Device, y.Count / 4, p);
    }

    private static void ConvertBody<TFrom, TTo>(PointwiseArgs p)
        where TFrom : unmanaged, IChannels<Four> where TTo : unmanaged, IChannels<Four>
    {
        int r = Channels.Locate<TTo, Four>(p.C, out int c);
        if (r < p.Rows) Channels.Put<TTo, Four>(p.Y, r, c, default(TFrom).Load(p.A, r, c), p.Add);
    }

    static partial void FillGpu(Tensor y, float value) => Launch<Filled>(y, y, y, value: value);

    private static void Launch<TElement>(Tensor a, Tensor b, Tensor y, bool add = false, float value = 0)
        where TElement : unmanaged, IElement
    {
        PointwiseArgs p = new(A: a.GpuAny, B: b.GpuAny, Y: y.GpuAny, Rows: y.Rows, C: y.C, Add: add
            ? 1
            : 0, Value: value);
        Launcher<TElement>.Elements.Launch(y, p, p.A, p.B, p.Y);
    }

    private static void Body<TElement, TChannels, T>(PointwiseArgs p)
        where TElement : unmanaged, IElement where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int r = Channels.Locate<TChannels, T>(p.C, out int c);
        if (r >= p.Rows) return;
        var y = default(TElement).Of<TChannels, T>(default(TChannels).Load(p.A, r, c),
            default(TChannels).Load(p.B, r, c), p.Value);
        Channels.Put<TChannels, T>(p.Y, r, c, y, p.Add);
    }
}
