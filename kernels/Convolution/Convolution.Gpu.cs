using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Convolution
{
    /// <summary>The fewest positions of the weight gradient's sum that are worth a part of their own.</summary>
    private const int LeastPositions = 1024;

    static partial void ForwardGpu(Tensor x, Tensor w, Tensor? bias, Tensor y, ConvGeometry g, Tensor? residual, Activation f, Moments? moments)
    {
        int terms = (int)(w.Count / w.Shape.N);
        var args = new GpuProductArgs(Map(x, y.Shape, g), Map(w.Reshape(Shape.Of(1, w.Shape.N, terms)), y.Shape, g), y.Gpu, y.Rows, y.C, terms) with
        {
            Bias = (bias ?? y).Gpu,
            Residual = (residual ?? y).Gpu,
            HasBias = bias is null ? 0 : 1,
            HasResidual = residual is null ? 0 : 1,
        };
        if (moments is not null && f == Activation.None && bias is null && residual is null && GpuProduct.ArithmeticOf(y.Device, args) != Arithmetic.Float32)
        {
            GpuProduct.LaunchWithMoments<PatchFactor, RowsOfTerms>(y.Device, args with { Moments = moments.BeginOnGpu(y, GpuProduct.MomentRows).Gpu });
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

    static partial void InputGradientGpu(Tensor dy, Tensor w, Tensor dx, ConvGeometry g, bool add) =>
        GpuProduct.Launch<ReachingOutputs, TapWeights, Identity>(dx.Device, 1,
            new GpuProductArgs(Map(dy, dx.Shape, g), Map(w, dx.Shape, g) with { OutH = dy.C }, dx.Gpu, dx.Rows, dx.C, g.Kernel * g.Kernel * dy.C) with { Add = add ? 1 : 0 });

    static partial void WeightGradientGpu(Tensor x, Tensor dy, Tensor dw, ConvGeometry g, bool add)
    {
        // Few results leave the device idle: then the positions are split, each part summed apart, and the parts added.
        int terms = (int)(dw.Count / dw.Shape.N), most = (dy.Rows + LeastPositions - 1) / LeastPositions;
        int wanted = Math.Clamp(GpuProduct.PartsWanted(dw.Device, dy.C, terms), 1, most), tile = Fragment.Terms;
        int part = ((dy.Rows + wanted - 1) / wanted + tile - 1) / tile * tile, parts = (dy.Rows + part - 1) / part;
        var result = dw.Reshape(Shape.Of(1, dy.C, terms));
        var args = new GpuProductArgs(Map(dy, dy.Shape, g), Map(x, dy.Shape, g), result.Gpu, dy.C, terms, dy.Rows) with { Part = part, Add = add ? 1 : 0 };
        if (parts == 1)
        {
            GpuProduct.Launch<TermsOfRows, PatchColumns, Identity>(dw.Device, parts, args);
            return;
        }
        using var partial = Tensor.Rent(dw.Device, Shape.Of(parts, dy.C, terms), "partial weight gradients");
        GpuProduct.LaunchParts<TermsOfRows, PatchColumns>(dw.Device, parts, args with { Y = partial.Gpu, Total = result.Gpu });
    }

    static partial void BiasGradientGpu(Tensor dy, Tensor db, bool add)
    {
        int parts = (dy.Rows + 255) / 256;
        using var partial = Tensor.Rent(dy.Device, Shape.Of(1, parts, dy.C), "partial bias gradients");
        SumLauncher.LaunchItems(dy.Device, (long)parts * dy.C, new SumArgs(dy.Gpu, partial.Gpu, dy.Rows, dy.C, dy.C, parts, 256, 0));
        SumLauncher.LaunchItems(dy.Device, dy.C, new SumArgs(partial.Gpu, db.Gpu, parts, dy.C, dy.C, 1, parts, add ? 1 : 0));
    }

    private static GpuFactor Map(Tensor t, Shape y, ConvGeometry g) => new(t.Gpu, t.Shape.H, t.Shape.W, t.C, y.H, y.W, g.Kernel, g.Stride, g.Pad);

    private static readonly GpuKernel<SumArgs> SumLauncher = new("convolution.sum", SumBody);

    /// <summary>Row sums of [Rows, Columns] in Parts blocks of Block rows each.</summary>
    internal readonly record struct SumArgs(GpuRows From, GpuRows To, int Rows, int Columns, int C, int Parts, int Block, int Add);

    private static void SumBody(SumArgs p)
    {
        int i = Grid.GlobalIndex.X, part = i / p.Columns, c = i % p.Columns;
        if (part >= p.Parts) return;
        float sum = p.Add != 0 ? p.To[i / p.C, i % p.C] : 0;
        for (int r = part * p.Block; r < Math.Min(p.Rows, (part + 1) * p.Block); r++) sum += p.From[r, c];
        p.To[i / p.C, i % p.C] = sum;
    }
}
