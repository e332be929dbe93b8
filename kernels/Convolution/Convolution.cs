namespace MlffAd.Kernels;

/// <summary>A square filter's size, stride and zero padding.</summary>
/// <param name="Kernel">Taps along each side.</param>
/// <param name="Stride">Input positions from one output position to the next.</param>
/// <param name="Pad">Zeros around the input.</param>
public readonly record struct ConvGeometry(int Kernel, int Stride = 1, int Pad = 0)
{
    /// <summary>Output positions along a side of <paramref name="h"/> input positions: ⌊(h + 2·Pad −
    /// Kernel)/Stride⌋ + 1.</summary>
    public int OutputSize(int h) => (h + 2 * Pad - Kernel) / Stride + 1;
}

/// <summary>Convolution of channels-last maps: <c>y[n, i, j, o] = Σ_{u,v,c} x[n, i·s − p + u, j·s − p + v, c] · w[o, u,
/// v, c]</c>, x being 0 outside its map.</summary>
/// <remarks>Weights are [Cout, K, K, Cin] without gaps; activations may be channel slices. A product of rows with
/// shared weights, x·Wᵀ, is the 1×1 case on [N, 1, R, C]. With M = N·Hy·Wy output positions each of the three passes
/// takes 2·M·Cout·Cin·K² FLOP and moves 4·(x + w + y) bytes at least.
/// <list type="bullet">
/// <item>dx: each output gave its share to the inputs it saw: <c>dx[n, a, b, c] = Σ_{i·s − p + u = a, j·s − p + v = b}
/// Σ_o dy[n, i, j, o] · w[o, u, v, c]</c></item>
/// <item>dw: the same sum with the weight as the one kept: <c>dw[o, u, v, c] = Σ_{n,i,j} dy[n, i, j, o] · x[n, i·s − p
/// + u, j·s − p + v, c]</c></item>
/// <item>db: <c>db[o] = Σ_{n,i,j} dy[n, i, j, o]</c></item>
/// </list></remarks>
public static partial class Convolution
{
    private const string Op = "convolution";

    /// <summary>By <see cref="HostAlgorithm"/>; FLOP are always the definition's.</summary>
    private static readonly Kernel[] ForwardKernels = [new(Op), new(Op + ".winograd2"), new(Op + ".winograd4")];

    private static readonly Kernel InputKernel = new("convolution.gradient.input"),
        WeightKernel = new("convolution.gradient.weight"), BiasKernel = new("convolution.gradient.bias");

    /// <summary><c>y = f(x ∗ w + bias + residual)</c>.</summary>
    /// <param name="x">[N, H, W, Cin].</param>
    /// <param name="w">[Cout, K, K, Cin].</param>
    /// <param name="bias">[Cout], or null.</param>
    /// <param name="y">[N, Hy, Wy, Cout]; does not alias <paramref name="x"/>.</param>
    /// <param name="g">Geometry.</param>
    /// <param name="residual">A summand like <paramref name="y"/> (it may be y itself), or null.</param>
    /// <param name="f">Applied last.</param>
    /// <param name="moments">Receives the moments of <paramref name="y"/> where they can be fused; null if not
    /// wanted.</param>
    public static void Forward(Tensor x, Tensor w, Tensor? bias, Tensor y, ConvGeometry g, Tensor? residual = null,
        Activation f = Activation.None, Moments? moments = null)
    {
        Require(Op, x, w, y, g);
        RequireSummands(bias, residual, y);
        var algorithm = y.Device.IsHost ? Choose(Pass.Forward, g, x.Shape, y.C) : default;
        using var _ = ForwardKernels[(int)algorithm].Begin(y, Flop(y, w), ForwardBytes(x, w.Bytes, y, residual));
        if (!y.Device.IsHost) ForwardGpu(x, w, bias, y, g, residual, f, moments);
        else
        {
            using var packed = PackHost(w.Device, w.HostSpan, w.Shape, algorithm);
            ForwardHost(x, packed, algorithm, g, bias, y, residual, f, moments);
        }
    }

    /// <summary>Packs constant weights once, for many calls.</summary>
    /// <param name="device">Where.</param>
    /// <param name="w">[Cout, K, K, Cin].</param>
    /// <param name="g">Geometry.</param>
    /// <param name="x">Shape of the inputs to come; their number does not matter.</param>
    /// <param name="name">Name for messages.</param>
    /// <param name="maps">Format of the maps to come, inputs or outputs: weights for BF16 are rounded here, if
    /// possible.</param>
    public static PackedFilter Pack(Device device, ReadOnlySpan<float> w, ConvGeometry g, Shape x, string name,
        Format maps = Format.Float32)
    {
        int terms = g.Kernel * g.Kernel * x.C, outputs = w.Length / terms;
        Shape.Require(Op, outputs > 0
            && w.Length == outputs * terms,
            $"the weights of '{name}' must be [Cout, K, K, Cin], not {w.Length} numbers for {terms} terms");
        var shape = new Shape(outputs, g.Kernel, g.Kernel, x.C);
        if (!device.IsHost)
            return new PackedFilter(g, default, null,
                Tensor.From(device, shape, w, name, x.C % 8 == 0 && outputs % 2 == 0 ? maps : Format.Float32));
        var algorithm = Choose(Pass.Forward, g, x, outputs);
        return new PackedFilter(g, algorithm, PackHost(device, w, shape, algorithm), null);
    }

    /// <summary><c>y = f(x ∗ w + bias + residual)</c> with packed weights.</summary>
    public static void Forward(Tensor x, PackedFilter w, Tensor? bias, Tensor y, Tensor? residual = null,
        Activation f = Activation.None)
    {
        RequireExtents(Op, x, y, w.Geometry);
        RequireSummands(bias, residual, y);
        long weights = (long)y.C * w.Geometry.Kernel * w.Geometry.Kernel * x.C;
        using var _ = ForwardKernels[(int)w.Algorithm]
            .Begin(y, 2 * y.Rows * weights, ForwardBytes(x, w.Weights?.Bytes ?? sizeof(float) * weights, y, residual));
        if (y.Device.IsHost) ForwardHost(x, w.Panels!.Value, w.Algorithm, w.Geometry, bias, y, residual, f);
        else ForwardGpu(x, w.Weights!, bias, y, w.Geometry, residual, f, null);
    }

    /// <summary>The gradient to the input from the gradient <paramref name="dy"/> to the output; overwrites
    /// <paramref name="dx"/>, or adds to it.</summary>
    public static void InputGradient(Tensor dy, Tensor w, Tensor dx, ConvGeometry g, bool add = false)
    {
        Require("convolution.gradient.input", dx, w, dy, g);
        using var _ = InputKernel.Begin(dx, Flop(dy, w), dy.Bytes + w.Bytes + (add ? 2 : 1) * dx.Bytes);
        if (dx.Device.IsHost) InputGradientHost(dy, w, dx, g, add);
        else InputGradientGpu(dy, w, dx, g, add);
    }

    /// <summary>The gradient to the weights; overwrites <paramref name="dw"/>, or adds to it. Positions are summed in
    /// blocks that depend on the shapes alone.</summary>
    public static void WeightGradient(Tensor x, Tensor dy, Tensor dw, ConvGeometry g, bool add = false)
    {
        Require("convolution.gradient.weight", x, dw, dy, g);
        using var _ = WeightKernel.Begin(dw, Flop(dy, dw), x.Bytes + dy.Bytes + (add ? 2 : 1) * dw.Bytes);
        if (dw.Device.IsHost) WeightGradientHost(x, dy, dw, g, add);
        else WeightGradientGpu(x, dy, dw, g, add);
    }

    /// <summary>The gradient to the bias: the sum of <paramref name="dy"/> over positions, block by block; overwrites
    /// <paramref name="db"/>, or adds to it.</summary>
    public static void BiasGradient(Tensor dy, Tensor db, bool add = false)
    {
        Shape.Require("convolution.gradient.bias", db.Shape == Shape.Of(dy.C),
            "the bias must hold one number an output channel", db, dy);
        using var _ = BiasKernel.Begin(db, dy.Count, dy.Bytes);
        if (db.Device.IsHost) BiasGradientHost(dy, db, add);
        else BiasGradientGpu(dy, db, add);
    }

    private static long Flop(Tensor y, Tensor w) => 2L * y.Rows * w.Count;

    private static long ForwardBytes(Tensor x, long weightBytes, Tensor y, Tensor? residual) =>
        x.Bytes + weightBytes + y.Bytes + (residual?.Bytes ?? 0);

    private static void RequireSummands(Tensor? bias, Tensor? residual, Tensor y)
    {
        if (bias is not null)
            Shape.Require(Op, bias.Shape == Shape.Of(y.C), "the bias must hold one number an output channel", bias, y);
        if (residual is not null) Shape.Same(Op, residual, y);
    }

    private static void Require(string op, Tensor x, Tensor w, Tensor y, ConvGeometry g)
    {
        Shape.Require(op, w.Shape == new Shape(y.C, g.Kernel, g.Kernel, x.C)
            && w.IsContiguous, "the weights must be [Cout, K, K, Cin] without gaps", x, w, y);
        RequireExtents(op, x, y, g);
    }

    private static void RequireExtents(string op, Tensor x, Tensor y, ConvGeometry g)
    {
        Shape.Require(op, g is { Kernel: > 0, Stride: > 0, Pad: >= 0 }, $"the geometry {g} is impossible");
        Shape.Require(op, x.Shape.H + 2 * g.Pad >= g.Kernel && x.Shape.W + 2 * g.Pad >= g.Kernel
            && y.Shape == new Shape(x.Shape.N, g.OutputSize(x.Shape.H), g.OutputSize(x.Shape.W), y.C),
            $"the output's extents do not follow from {g}", x, y);
    }

    static partial void ForwardGpu(Tensor x, Tensor w, Tensor? bias, Tensor y, ConvGeometry g, Tensor? residual,
        Activation f, Moments? moments);
    static partial void InputGradientGpu(Tensor dy, Tensor w, Tensor dx, ConvGeometry g, bool add);
    static partial void WeightGradientGpu(Tensor x, Tensor dy, Tensor dw, ConvGeometry g, bool add);
    static partial void BiasGradientGpu(Tensor dy, Tensor db, bool add);
}
