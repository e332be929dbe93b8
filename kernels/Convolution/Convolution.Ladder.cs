namespace MlffAd.Kernels;

/// <summary>Earlier versions of the host bodies, one idea a rung, for <c>mlffad bench gemm</c>.</summary>
/// <remarks>Version 0 is the definition in loops. Version 1 copies every patch (im2col) and calls the packed product.
/// Version 2 reads patches in place through row pointers. Versions 3 and 4 transform tiles of 2×2 and 4×4 outputs
/// (<see cref="IMinimalFilter"/>) where the layer lets them.</remarks>
public static unsafe partial class Convolution
{
    internal delegate void Rung(Tensor a, Tensor b, Tensor result, ConvGeometry g);

    /// <summary>The forward body's rungs, lowest first: x, w, y.</summary>
    internal static readonly (string Name, Rung Run)[] Ladder =
    [
        ("0: the definition", ForwardVersion0), ("1: im2col", ForwardVersion1), .. By((algorithm, x, w, y, g) =>
        {
            using var packed = PackHost(w.Device, w.HostSpan, w.Shape, algorithm);
            ForwardHost(x, packed, algorithm, g, null, y, null, Activation.None);
        }, (x, _, y) => (x, y)),
    ];

    /// <summary>The rungs of the gradient to the input: dy, w, dx.</summary>
    internal static readonly (string Name, Rung Run)[] InputGradientLadder =
    [
        ("0: the definition", InputGradientVersion0),
        .. By((algorithm, dy, w, dx, g) => InputGradientBy(algorithm, dy, w, dx, g, add: false),
            (dy, _, dx) => (dx, dy)),
    ];

    /// <summary>The rungs of the gradient to the weights: x, dy, dw.</summary>
    internal static readonly (string Name, Rung Run)[] WeightGradientLadder =
    [
        ("0: the definition", WeightGradientVersion0),
        .. By((algorithm, x, dy, dw, g) => WeightGradientBy(algorithm, x, dy, dw, g, add: false),
            (x, dy, _) => (x, dy)),
    ];

    /// <summary>Versions 2 to 4; minimal filtering where the layer's input x and output y let it.</summary>
    private static IEnumerable<(string, Rung)> By(Action<HostAlgorithm, Tensor, Tensor, Tensor, ConvGeometry> run,
        Func<Tensor, Tensor, Tensor, (Tensor X, Tensor Y)> maps) =>
        new[] { ("2: implicit, through row pointers", HostAlgorithm.Implicit),
            ("3: Winograd, tiles of 2×2", HostAlgorithm.Winograd2),
                ("4: Winograd, tiles of 4×4", HostAlgorithm.Winograd4) }
            .Select(version => (version.Item1, new Rung((a, b, result, g) =>
            {
                var (x, y) = maps(a, b, result);
                run(Winograd.Takes(g, x.C, y.C) ? version.Item2 : HostAlgorithm.Implicit, a, b, result, g);
            })));

    internal static void ForwardVersion0(Tensor x, Tensor w, Tensor y, ConvGeometry g)
    {
        for (int p = 0; p < y.Rows; p++)
            for (int o = 0; o < y.C; o++)
            {
                float sum = 0;
                for (int t = 0; t < g.Kernel * g.Kernel; t++)
                    if (Input(x, y.Shape, g, p, t) is >= 0 and int r)
                        for (int c = 0; c < x.C; c++) sum += x.Host[r, c] * w.Host[o * g.Kernel * g.Kernel + t, c];
                y.Host[p, o] = sum;
            }
    }

    internal static void InputGradientVersion0(Tensor dy, Tensor w, Tensor dx, ConvGeometry g)
    {
        for (int r = 0; r < dx.Rows; r++) new Span<float>(dx.Host.Row(r), dx.C).Clear();
        for (int p = 0; p < dy.Rows; p++)
            for (int t = 0; t < g.Kernel * g.Kernel; t++)
                if (Input(dx, dy.Shape, g, p, t) is >= 0 and int r)
                    for (int o = 0; o < dy.C; o++)
                        for (int c = 0; c < dx.C; c++)
                            dx.Host[r, c] += dy.Host[p, o] * w.Host[o * g.Kernel * g.Kernel + t, c];
    }

    internal static void WeightGradientVersion0(Tensor x, Tensor dy, Tensor dw, ConvGeometry g)
    {
        dw.HostSpan.Clear();
        for (int p = 0; p < dy.Rows; p++)
            for (int t = 0; t < g.Kernel * g.Kernel; t++)
                if (Input(x, dy.Shape, g, p, t) is >= 0 and int r)
                    for (int o = 0; o < dy.C; o++)
                        for (int c = 0; c < x.C; c++)
                            dw.Host[o * g.Kernel * g.Kernel + t, c] += dy.Host[p, o] * x.Host[r, c];
    }

    private static void ForwardVersion1(Tensor x, Tensor w, Tensor y, ConvGeometry g)
    {
        int taps = g.Kernel * g.Kernel;
        using var patches = Tensor.Rent(y.Device, Shape.Of(1, y.Rows, taps * x.C), "patches");
        for (int p = 0; p < y.Rows; p++)
            for (int t = 0; t < taps; t++)
            {
                var patch = new Span<float>(patches.Host.Row(p) + t * x.C, x.C);
                if (Input(x, y.Shape, g, p, t) is >= 0 and int r)
                    new ReadOnlySpan<float>(x.Host.Row(r), x.C).CopyTo(patch);
                else patch.Clear();
            }
        MatMul.Forward(patches, w.Reshape(Shape.Of(1, y.C, taps * x.C)), y.Reshape(Shape.Of(1, y.Rows, y.C)),
            transposeA: false, transposeB: true);
    }

    /// <summary>The input row that tap t sees at output position p, or −1 outside the map.</summary>
    private static int Input(Tensor x, Shape y, ConvGeometry g, int p, int t)
    {
        int i = p / y.W % y.H * g.Stride - g.Pad + t / g.Kernel, j = p % y.W * g.Stride - g.Pad + t % g.Kernel;
        return (uint)i < (uint)x.Shape.H && (uint)j < (uint)x.Shape.W
            ? (p / y.Area * x.Shape.H + i) * x.Shape.W + j
            : -1;
    }
}
