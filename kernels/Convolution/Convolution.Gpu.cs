using ILGPU;

namespace MlffAd.Kernels;

public static partial class Convolution
{
    /// <summary>Fewest positions of a part of the weight gradient's split sum.</summary>
    private const int LeastPositions = 1024;

    static partial void ForwardGpu(Tensor x, Tensor w, Tensor? bias, Tensor y, ConvGeometry g, Tensor? residual,
        Activation f, Moments? moments)
    {
        // Tensor cores, which alone take BF16, write results in pairs.
        var format = y.C % 2 == 0 ? FormatOf(x, y) : Format.Float32;
        int unit = Unit(format, x, y, g);
        using Tensor? newX = Changed(x, format, unit), newW = Changed(w, format, unit);
        (x, w) = (newX ?? x, newW ?? w);
        int terms = (int)(w.Count / w.Shape.N);
        var args = new GpuProductArgs
        {
            A = Map(x, y.Shape, g),
            B = Map(w.Reshape(Shape.Of(1, w.Shape.N, terms)), y.Shape, g),
            Y = y.GpuAny,
            Bias = bias?.Gpu ?? default,
            Residual = residual?.GpuAny ?? default,
            M = y.Rows,
            N = y.C,
            K = terms,
            HasBias = bias is null ? 0 : 1,
            HasResidual = residual is null ? 0 : 1,
        };
        if (moments is not null && f == Activation.None && bias is null && residual is null
            && GpuProduct.ArithmeticOf(y.Device, args) != Arithmetic.Float32)
        {
            GpuProduct.LaunchWithMoments<PatchFactor, RowsOfTerms>(y.Device, args with
            {
                Moments = moments.BeginOnGpu(y, GpuProduct.MomentRows).Gpu,
            });
            return;
        }
        switch (f)
        {
            case Activation.None: GpuProduct.Launch<PatchFactor, RowsOfTerms, Identity>(y.Device, 1, args); break;
            case Activation.ReLU: GpuProduct.Launch<PatchFactor, RowsOfTerms, ReLU>(y.Device, 1, args); break;
            case Activation.LeakyReLU: GpuProduct.Launch<PatchFactor, RowsOfTerms, LeakyReLU>(y.Device, 1, args); break;
            default: GpuProduct.Launch<PatchFactor, RowsOfTerms, Sigmoid>(y.Device, 1, args); break;
        }
    }

    static partial void InputGradientGpu(Tensor dy, Tensor w, Tensor dx, ConvGeometry g, bool add)
    {
        var format = FormatOf(dx, dy);
        using Tensor? newDy = Changed(dy, format, 1), newW = Changed(w, format, 1);
        (dy, w) = (newDy ?? dy, newW ?? w);
        var args = new GpuProductArgs
        {
            A = Map(dy, dx.Shape, g),
            B = Map(w, dx.Shape, g) with { Outputs = dy.C },
            Y = dx.GpuAny,
            M = dx.Rows,
            N = dx.C,
            K = g.Kernel * g.Kernel * dy.C,
            Add = add ? 1 : 0,
        };
        if (g.Stride == 1)
        {
            GpuProduct.Launch<ReachingOutputs, TapWeights, Identity>(dx.Device, 1, args);
            return;
        }
        int positions =
            dx.Shape.N * PositionClass.Positions(dx.Shape.H, g.Stride) * PositionClass.Positions(dx.Shape.W, g.Stride);
        GpuProduct.Launch<ReachingOutputsOfClass, TapWeightsOfClass, Identity>(dx.Device, g.Stride * g.Stride,
            args with { M = positions });
    }

    static partial void WeightGradientGpu(Tensor x, Tensor dy, Tensor dw, ConvGeometry g, bool add)
    {
        var format = FormatOf(x, dy);
        using Tensor? newX = Changed(x, format, Unit(format, x, dy, g));
        using Tensor? newDy = Changed(dy, format, 1);
        using Tensor? wide = newX is null || newX.C == dw.C
            ? null
            : Tensor.Rent(dw.Device, dw.Shape.WithC(newX.C), "weight gradient of more channels");
        if (wide is not null)
        {
            WeightGradientGpu(newX!, newDy ?? dy, wide, g, add: false);
            ChannelsLauncher.LaunchItems(dw.Device, dw.Count,
                new(From: wide.Gpu, To: dw.Gpu, Rows: dw.Rows, FromC: wide.C, ToC: dw.C, Add: add ? 1 : 0));
            return;
        }
        (x, dy) = (newX ?? x, newDy ?? dy);
        // Few results leave the device idle: then the positions are split, each part summed apart, and the parts added.
        int terms = (int)(dw.Count / dw.Shape.N), most = (dy.Rows + LeastPositions - 1) / LeastPositions;
        int wanted = Math.Clamp(GpuProduct.PartsWanted(dw.Device, dy.C, terms), 1, most);
        int tile = dy.Format == Format.Bf16 ? 32 : 16;
        int part = ((dy.Rows + wanted - 1) / wanted + tile - 1) / tile * tile, parts = (dy.Rows + part - 1) / part;
        var result = dw.Reshape(Shape.Of(1, dy.C, terms));
        var args = new GpuProductArgs
        {
            A = Map(dy, dy.Shape, g),
            B = Map(x, dy.Shape, g),
            Y = result.Gpu,
            M = dy.C,
            N = terms,
            K = dy.Rows,
            Part = part,
            Add = add ? 1 : 0,
        };
        if (parts == 1)
        {
            GpuProduct.Launch<TermsOfRows, PatchColumns, Identity>(dw.Device, parts, args);
            return;
        }
        using var partial = Tensor.Rent(dw.Device, Shape.Of(parts, dy.C, terms), "partial weight gradients");
        GpuProduct.LaunchParts<TermsOfRows, PatchColumns>(dw.Device, parts, args with
        {
            Y = partial.Gpu,
            Total = result.Gpu,
        });
    }

    static partial void BiasGradientGpu(Tensor dy, Tensor db, bool add)
    {
        int parts = (dy.Rows + 255) / 256;
        using var partial = Tensor.Rent(dy.Device, Shape.Of(1, parts, dy.C), "partial bias gradients");
        SumLauncher.LaunchItems(dy.Device, (long)parts * dy.C,
            new SumArgs(From: dy.Gpu, To: partial.Gpu, Rows: dy.Rows, Columns: dy.C, C: dy.C, Parts: parts, Block: 256,
                Add: 0));
        SumLauncher.LaunchItems(dy.Device, dy.C, new SumArgs(From: partial.Gpu, To: db.Gpu, Rows: parts, Columns: dy.C,
            C: dy.C, Parts: 1, Block: parts, Add: add ? 1 : 0));
    }

    /// <summary>The factors' format: BF16 if a map of the layer is.</summary>
    private static Format FormatOf(Tensor x, Tensor y) => x.Format == Format.Bf16 ? x.Format : y.Format;

    /// <summary>What x's channels must be a multiple of; zeros are appended. The image's three channels, padded to four
    /// or eight, are faster on tensor cores than unpadded ones without.</summary>
    private static int Unit(Format format, Tensor x, Tensor y, ConvGeometry g) =>
        format == Format.Bf16 ? 8 : ((GpuDevice)x.Device).Arithmetic != Arithmetic.Float32 && g.Kernel > 1
            && y.C % 4 == 0 ? 4 : 1;

    /// <summary>A factor converted to a format, or padded with channels of zeros; null if neither is needed.</summary>
    private static Tensor? Changed(Tensor t, Format format, int unit)
    {
        int c = (t.C + unit - 1) / unit * unit;
        if (c == t.C && t.Format == format) return null;
        var changed = Tensor.Rent(t.Device, t.Shape.WithC(c), "changed factor", format: format);
        if (t.Format == Format.Bf16 || (c == t.C && Channels.InFours(c, t.GpuAny)))
        {
            Pointwise.CopyOnGpu(t, changed);
            return changed;
        }
        ChannelsArgs p = new(From: t.Gpu, To: changed.GpuAny, Rows: t.Rows, FromC: t.C, ToC: c, Add: 0);
        if (format == Format.Bf16) ToBf16Launcher.LaunchItems(t.Device, changed.Count / 4, p);
        else ChannelsLauncher.LaunchItems(t.Device, changed.Count, p);
        return changed;
    }

    private static readonly GpuKernel<ChannelsArgs> ChannelsLauncher = new("convolution.channels", ChannelsBody);
    private static readonly GpuKernel<ChannelsArgs> ToBf16Launcher = new("convolution.to.bf16", ToBf16Body);

    /// <summary>Copies or adds the channels that both have; the rest of To becomes 0.</summary>
    internal readonly record struct ChannelsArgs(GpuRows From, GpuRows To, int Rows, int FromC, int ToC, int Add);

    private static void ChannelsBody(ChannelsArgs p)
    {
        int i = Grid.GlobalIndex.X, row = i / p.ToC, c = i % p.ToC;
        if (row >= p.Rows) return;
        float v = p.Add != 0 ? p.To[row, c] : 0;
        if (c < p.FromC) v += p.From[row, c];
        p.To[row, c] = v;
    }

    private static void ToBf16Body(ChannelsArgs p)
    {
        int row = Channels.Locate<FourHalves, Four>(p.ToC, out int c);
        if (row < p.Rows)
            default(FourHalves).Store(p.To, row, c,
                new(Channel(p, row, c), Channel(p, row, c + 1), Channel(p, row, c + 2), Channel(p, row, c + 3)));
    }

    private static float Channel(in ChannelsArgs p, int row, int c) => c < p.FromC ? p.From[row, c] : 0;

    private static GpuFactor Map(Tensor t, Shape grid, ConvGeometry g) => new()
    {
        Data = t.GpuAny,
        H = t.Shape.H,
        W = t.Shape.W,
        C = t.C,
        GridH = grid.H,
        GridW = grid.W,
        Kernel = g.Kernel,
        Stride = g.Stride,
        Pad = g.Pad,
    };

    private static readonly GpuKernel<SumArgs> SumLauncher = new("convolution.sum", SumBody);

    /// <summary>Row sums of [Rows, Columns] in Parts blocks of Block rows each.</summary>
    internal readonly record struct SumArgs(GpuRows From, GpuRows To, int Rows, int Columns, int C, int Parts,
        int Block, int Add);

    private static void SumBody(SumArgs p)
    {
        int i = Grid.GlobalIndex.X, part = i / p.Columns, c = i % p.Columns;
        if (part >= p.Parts) return;
        float sum = p.Add != 0 ? p.To[i / p.C, i % p.C] : 0;
        for (int r = part * p.Block; r < Math.Min(p.Rows, (part + 1) * p.Block); r++) sum += p.From[r, c];
        p.To[i / p.C, i % p.C] = sum;
    }
}
