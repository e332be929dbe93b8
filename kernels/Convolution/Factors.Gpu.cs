using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>The input under the filter: row = output position, term = (tap, channel); <c>C</c> channels.</summary>
internal readonly struct PatchFactor : IFactor
{
    public bool AlongTerms => true;

    public bool ByClasses => false;

    public Place Row(in GpuFactor f, int batch, int row)
    {
        var p = Place.Of(row, f.OutH, f.OutW);
        return new(p.A * f.H, p.B * f.Stride - f.Pad, p.C * f.Stride - f.Pad);
    }

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, f.Kernel, f.C);

    public int Middle(in GpuFactor f, int batch) => f.Kernel;

    public Place Next(in GpuFactor f, Place term, int by, int middle) => term.Advance(by, middle, f.C);

    public int At(in GpuFactor f, Place row, Place term)
    {
        int y = row.B + term.A, x = row.C + term.B;
        return y >= 0 && y < f.H && x >= 0 && x < f.W ? ((row.A + y) * f.W + x) * f.Data.Pitch + term.C : -1;
    }
}

/// <summary>The same with the indices' roles exchanged, for sums over positions: row = (tap, channel), term = output position.</summary>
internal readonly struct PatchColumns : IFactor
{
    public bool AlongTerms => false;

    public bool ByClasses => false;

    public Place Row(in GpuFactor f, int batch, int row) => Place.Of(row, f.Kernel, f.C);

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, f.OutH, f.OutW);

    public int Middle(in GpuFactor f, int batch) => f.OutH;

    public Place Next(in GpuFactor f, Place term, int by, int middle) => term.Advance(by, middle, f.OutW);

    public int At(in GpuFactor f, Place row, Place term)
    {
        int y = term.B * f.Stride - f.Pad + row.A, x = term.C * f.Stride - f.Pad + row.B;
        return y >= 0 && y < f.H && x >= 0 && x < f.W ? ((term.A * f.H + y) * f.W + x) * f.Data.Pitch + row.C : -1;
    }
}

/// <summary>The output gradient that reaches an input, at stride 1: row = input position (of a map OutH × OutW), term = (tap, output channel).</summary>
internal readonly struct ReachingOutputs : IFactor
{
    public bool AlongTerms => true;

    public bool ByClasses => false;

    public Place Row(in GpuFactor f, int batch, int row)
    {
        var p = Place.Of(row, f.OutH, f.OutW);
        return new(p.A * f.H, p.B + f.Pad, p.C + f.Pad);
    }

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, f.Kernel, f.C);

    public int Middle(in GpuFactor f, int batch) => f.Kernel;

    public Place Next(in GpuFactor f, Place term, int by, int middle) => term.Advance(by, middle, f.C);

    public int At(in GpuFactor f, Place row, Place term)
    {
        int y = row.B - term.A, x = row.C - term.B;
        return y >= 0 && y < f.H && x >= 0 && x < f.W ? ((row.A + y) * f.W + x) * f.Data.Pitch + term.C : -1;
    }
}

/// <summary>Weights [outputs, taps, inputs] seen from the input: row = input channel, term = (tap, output channel), of which there are <c>OutH</c>.</summary>
internal readonly struct TapWeights : IFactor
{
    public bool AlongTerms => false;

    public bool ByClasses => false;

    public Place Row(in GpuFactor f, int batch, int row) => new(row, 0, 0);

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, f.Kernel * f.Kernel, f.OutH);

    public int Middle(in GpuFactor f, int batch) => f.Kernel * f.Kernel;

    public Place Next(in GpuFactor f, Place term, int by, int middle) => term.Advance(by, middle, f.OutH);

    public int At(in GpuFactor f, Place row, Place term) => (term.C * f.Kernel * f.Kernel + term.B) * f.Data.Pitch + row.A;
}

/// <summary><see cref="ReachingOutputs"/> of a class: row = its position, term = (its tap along y, along x, output channel).</summary>
internal readonly struct ReachingOutputsOfClass : IFactor
{
    public bool AlongTerms => true;

    public bool ByClasses => true;

    public Place Row(in GpuFactor f, int batch, int row)
    {
        var c = new PositionClass(f, batch);
        var p = Place.Of(row, PositionClass.Positions(f.OutH, f.Stride), PositionClass.Positions(f.OutW, f.Stride));
        return new(p.A * f.H, p.B + (PositionClass.First(f, c.Y) + f.Pad - c.Y) / f.Stride, p.C + (PositionClass.First(f, c.X) + f.Pad - c.X) / f.Stride);
    }

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, Middle(f, batch), f.C);

    /// <summary>At least 1, by which <see cref="Term"/> may divide.</summary>
    public int Middle(in GpuFactor f, int batch) => Math.Max(1, PositionClass.Taps(f, new PositionClass(f, batch).X));

    public Place Next(in GpuFactor f, Place term, int by, int middle) => term.Advance(by, middle, f.C);

    public int At(in GpuFactor f, Place row, Place term) => default(ReachingOutputs).At(f, row, term);
}

/// <summary><see cref="TapWeights"/> of a class: row = input channel, term as in <see cref="ReachingOutputsOfClass"/>.</summary>
internal readonly struct TapWeightsOfClass : IFactor
{
    public bool AlongTerms => false;

    public bool ByClasses => true;

    public Place Row(in GpuFactor f, int batch, int row)
    {
        var c = new PositionClass(f, batch);
        return new(row, c.Y, c.X);
    }

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, Middle(f, batch), f.OutH);

    public int Middle(in GpuFactor f, int batch) => default(ReachingOutputsOfClass).Middle(f, batch);

    public Place Next(in GpuFactor f, Place term, int by, int middle) => term.Advance(by, middle, f.OutH);

    public int At(in GpuFactor f, Place row, Place term) => ((term.C * f.Kernel + row.B + f.Stride * term.A) * f.Kernel + row.C + f.Stride * term.B) * f.Data.Pitch + row.A;
}
