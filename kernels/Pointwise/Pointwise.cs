namespace MlffAd.Kernels;

/// <summary>An elementwise function.</summary>
public enum Activation
{
    /// <summary>y = x.</summary>
    None,

    /// <summary>y = max(0, x); y' = 0 at 0.</summary>
    ReLU,

    /// <summary>y = x for x &gt; 0, else 0.01·x; y' = 0.01 at 0.</summary>
    LeakyReLU,

    /// <summary>y = 1/(1 + e⁻ˣ).</summary>
    Sigmoid,
}

/// <summary>Elementwise operators. Tensors may be channel slices.</summary>
/// <remarks>All are memory-bound: a pass reads its operands and writes its result once, 4 bytes per element each.
/// <c>add</c> accumulates into the output instead of overwriting it.</remarks>
public static partial class Pointwise
{
    /// <summary>Slope of <see cref="Activation.LeakyReLU"/> below 0.</summary>
    public const float NegativeSlope = LeakyReLU.NegativeSlope;

    private static readonly Kernel ApplyKernel = new("pointwise.activation");
    private static readonly Kernel GradientKernel = new("pointwise.activation.gradient");
    private static readonly Kernel AddKernel = new("pointwise.add");
    private static readonly Kernel MultiplyKernel = new("pointwise.multiply");
    private static readonly Kernel CopyKernel = new("pointwise.copy");
    private static readonly Kernel FillKernel = new("pointwise.fill");

    /// <summary><c>y = f(x)</c>. <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Apply(Activation f, Tensor x, Tensor y)
    {
        Shape.Same("pointwise.activation", x, y);
        using var _ = ApplyKernel.Begin(y, y.Count, 2 * y.Bytes);
        Dispatch(f, new Application(x, y));
    }

    /// <summary><c>dx = dy · f'</c>, the derivative taken from the output: <c>f'</c> is <c>[y &gt; 0]</c>,
    /// <c>[y &gt; 0] + 0.01·[y ≤ 0]</c>, or <c>y(1 − y)</c>.</summary>
    public static void Gradient(Activation f, Tensor y, Tensor dy, Tensor dx, bool add = false)
    {
        Shape.Same("pointwise.activation.gradient", y, dy);
        Shape.Same("pointwise.activation.gradient", y, dx);
        using var _ = GradientKernel.Begin(dx, 2 * y.Count, (add ? 4 : 3) * y.Bytes);
        Dispatch(f, new Derivation(y, dy, dx, add));
    }

    /// <summary><c>y = a + b</c>. The gradient passes to both unchanged (<see cref="Copy"/>).</summary>
    public static void Add(Tensor a, Tensor b, Tensor y)
    {
        Shape.Same("pointwise.add", a, b);
        Shape.Same("pointwise.add", a, y);
        using var _ = AddKernel.Begin(y, y.Count, 3 * y.Bytes);
        if (y.Device.IsHost) AddHost(a, b, y);
        else AddGpu(a, b, y);
    }

    /// <summary><c>y = a · b</c> element by element. Its gradients are products too: <c>da = dy · b</c>,
    /// <c>db = dy · a</c>.</summary>
    public static void Multiply(Tensor a, Tensor b, Tensor y, bool add = false)
    {
        Shape.Same("pointwise.multiply", a, b);
        Shape.Same("pointwise.multiply", a, y);
        using var _ = MultiplyKernel.Begin(y, (add ? 2 : 1) * y.Count, (add ? 4 : 3) * y.Bytes);
        if (y.Device.IsHost) MultiplyHost(a, b, y, add);
        else MultiplyGpu(a, b, y, add);
    }

    /// <summary><c>y = x</c>, or <c>y += x</c>.</summary>
    public static void Copy(Tensor x, Tensor y, bool add = false)
    {
        Shape.Same("pointwise.copy", x, y);
        using var _ = CopyKernel.Begin(y, add ? y.Count : 0, x.Bytes + (add ? 2 : 1) * y.Bytes);
        if (y.Device.IsHost) CopyHost(x, y, add);
        else CopyGpu(x, y, add);
    }

    /// <summary><c>y = value</c> everywhere.</summary>
    public static void Fill(Tensor y, float value)
    {
        using var _ = FillKernel.Begin(y, 0, y.Bytes);
        if (y.Device.IsHost) FillHost(y, value);
        else FillGpu(y, value);
    }

    // One generic body serves every activation; the enum becomes a type argument here, for every family.
    internal static void Dispatch<TCall>(Activation f, TCall call) where TCall : struct, ICall
    {
        switch (f)
        {
            case Activation.None: call.With<Identity>(); break;
            case Activation.ReLU: call.With<ReLU>(); break;
            case Activation.LeakyReLU: call.With<LeakyReLU>(); break;
            case Activation.Sigmoid: call.With<Sigmoid>(); break;
            default: throw new ArgumentOutOfRangeException(nameof(f));
        }
    }

    internal interface ICall
    {
        void With<TFunction>() where TFunction : unmanaged, IFunction;
    }

    private readonly struct Application(Tensor x, Tensor y) : ICall
    {
        public void With<TFunction>() where TFunction : unmanaged, IFunction
        {
            if (y.Device.IsHost) ApplyHost<TFunction>(x, y);
            else ApplyGpu<TFunction>(x, y);
        }
    }

    private readonly struct Derivation(Tensor y, Tensor dy, Tensor dx, bool add) : ICall
    {
        public void With<TFunction>() where TFunction : unmanaged, IFunction
        {
            if (dx.Device.IsHost) GradientHost<TFunction>(y, dy, dx, add);
            else GradientGpu<TFunction>(y, dy, dx, add);
        }
    }

    static partial void ApplyGpu<TFunction>(Tensor x, Tensor y) where TFunction : unmanaged, IFunction;
    static partial void GradientGpu<TFunction>(Tensor y, Tensor dy, Tensor dx, bool add)
        where TFunction : unmanaged, IFunction;
    static partial void AddGpu(Tensor a, Tensor b, Tensor y);
    static partial void MultiplyGpu(Tensor a, Tensor b, Tensor y, bool add);
    static partial void CopyGpu(Tensor x, Tensor y, bool add);
    static partial void FillGpu(Tensor y, float value);
}
