using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Convolution
{
    /// <summary>Layers wanted of the weight gradient's grid, and the fewest positions worth one.</summary>
    private const int EnoughGroups = 64, LeastPositions = 1024;

    static partial void ForwardGpu(Tensor x, Tensor w, Tensor? bias, Tensor y, ConvGeometry g, Tensor? residual, Activation f)
    {
        int terms = (int)(w.Count / w.Shape.N);
        var args = new GpuProductArgs(Map(x, y.Shape, g), Map(w.Reshape(Shape.Of(1, w.Shape.N, terms)), y.Shape, g), y.Gpu, (bias ?? y).Gpu, (residual ?? y).Gpu, y.Rows, y.C, terms,
            Part: 0, Add: 0, bias is null ? 0 : 1, residual is null ? 0 : 1);
        switch (f)
        {
            case Activation.None: GpuProduct<PatchFactor, RowsOfTerms, Identity>.Launch(y.Device, 1, args); break;
            case Activation.ReLU: GpuProduct<PatchFactor, RowsOfTerms, ReLU>.Launch(y.Device, 1, args); break;
            case Activation.LeakyReLU: GpuProduct<PatchFactor, RowsOfTerms, LeakyReLU>.Launch(y.Device, 1, args); break;
            default: GpuProduct<PatchFactor, RowsOfTerms, Sigmoid>.Launch(y.Device, 1, args); break;
        }
    }

    static partial void InputGradientGpu(Tensor dy, Tensor w, Tensor dx, ConvGeometry g, bool add) =>
        GpuProduct<ReachingOutputs, TapWeights, Identity>.Launch(dx.Device, 1, new GpuProductArgs(Map(dy, dx.Shape, g), Map(w, dx.Shape, g) with { OutH = dy.C }, dx.Gpu, dx.Gpu, dx.Gpu,
            dx.Rows, dx.C, g.Kernel * g.Kernel * dy.C, Part: 0, add ? 1 : 0, HasBias: 0, HasResidual: 0));

    static partial void WeightGradientGpu(Tensor x, Tensor dy, Tensor dw, ConvGeometry g, bool add)
    {
        // Few results leave the device idle: then the positions are split, each part summed apart, and the parts added in order.
        int terms = (int)(dw.Count / dw.Shape.N), groups = (dy.C + 63) / 64 * ((terms + 63) / 64);
        int parts = Math.Clamp(EnoughGroups / groups, 1, (dy.Rows + LeastPositions - 1) / LeastPositions), part = (dy.Rows + parts - 1) / parts;
        var result = dw.Reshape(Shape.Of(1, dy.C, terms));
        using var partial = parts == 1 ? null : Tensor.Rent(dw.Device, Shape.Of(parts, dy.C, terms), "partial weight gradients");
        var y = (partial ?? result).Gpu;
        GpuProduct<TermsOfRows, PatchColumns, Identity>.Launch(dw.Device, parts, new GpuProductArgs(Map(dy, dy.Shape, g), Map(x, dy.Shape, g), y, y, y,
            dy.C, terms, dy.Rows, part, parts == 1 && add ? 1 : 0, HasBias: 0, HasResidual: 0));
        if (partial is not null) SumLauncher.LaunchItems(dw.Device, dw.Count, new SumArgs(partial.Reshape(Shape.Of(1, parts, (int)dw.Count)).Gpu, dw.Gpu, parts, (int)dw.Count, dw.C, 1, parts, add ? 1 : 0));
    }

    static partial void BiasGradientGpu(Tensor dy, Tensor db, bool add)
    {
        int parts = (dy.Rows + 255) / 256;
        using var partial = Tensor.Rent(dy.Device, Shape.Of(1, parts, dy.C), "partial bias gradients");
        SumLauncher.LaunchItems(dy.Device, (long)parts * dy.C, new SumArgs(dy.Gpu, partial.Gpu, dy.Rows, dy.C, dy.C, parts, 256, 0));
        SumLauncher.LaunchItems(dy.Device, dy.C, new SumArgs(partial.Gpu, db.Gpu, parts, dy.C, dy.C, 1, parts, add ? 1 : 0));
    }

    private static GpuFactor Map(Tensor t, Shape y, ConvGeometry g) => new(t.Gpu, t.Shape.H, t.Shape.W, t.C, y.H, y.W, g.Kernel, g.Stride, g.Pad);

    /// <summary>The input under the filter: row = output position, term = (tap, channel); <c>C</c> channels.</summary>
    internal readonly struct PatchFactor : IFactor
    {
        public bool AlongTerms => true;

        public float At(in GpuFactor f, int batch, int row, int k)
        {
            int tap = k / f.C, j = row % f.OutW, i = row / f.OutW % f.OutH, n = row / (f.OutW * f.OutH);
            int y = i * f.Stride - f.Pad + tap / f.Kernel, x = j * f.Stride - f.Pad + tap % f.Kernel;
            return y >= 0 && y < f.H && x >= 0 && x < f.W ? f.Data[(n * f.H + y) * f.W + x, k % f.C] : 0;
        }
    }

    /// <summary>The same with the indices' roles exchanged, for sums over positions.</summary>
    internal readonly struct PatchColumns : IFactor
    {
        public bool AlongTerms => false;

        public float At(in GpuFactor f, int batch, int row, int k) => default(PatchFactor).At(f, batch, k, row);
    }

    /// <summary>The output gradient that reaches an input: row = input position (of a map OutH × OutW), term = (tap, output channel).</summary>
    internal readonly struct ReachingOutputs : IFactor
    {
        public bool AlongTerms => true;

        public float At(in GpuFactor f, int batch, int row, int k)
        {
            int tap = k / f.C, b = row % f.OutW, a = row / f.OutW % f.OutH, n = row / (f.OutW * f.OutH);
            int y = a + f.Pad - tap / f.Kernel, x = b + f.Pad - tap % f.Kernel;
            bool hits = y >= 0 && x >= 0 && y % f.Stride == 0 && x % f.Stride == 0 && y / f.Stride < f.H && x / f.Stride < f.W;
            return hits ? f.Data[(n * f.H + y / f.Stride) * f.W + x / f.Stride, k % f.C] : 0;
        }
    }

    /// <summary>Weights seen from the input: row = input channel, term = (tap, output channel).</summary>
    internal readonly struct TapWeights : IFactor
    {
        public bool AlongTerms => false;

        public float At(in GpuFactor f, int batch, int row, int k)
        {
            int outputs = f.OutH;
            return f.Data[k % outputs * (f.Kernel * f.Kernel) + k / outputs, row];
        }
    }

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
