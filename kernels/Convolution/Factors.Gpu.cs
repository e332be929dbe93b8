using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>The input under the filter: row = output position, term = (tap, channel); <c>C</c> channels.</summary>
internal readonly struct PatchFactor : IFactor
{
    public bool AlongTerms => true;

    public Place Row(in GpuFactor f, int batch, int row)
    {
        var p = Place.Of(row, f.OutH, f.OutW);
        return new(p.A * f.H, p.B * f.Stride - f.Pad, p.C * f.Stride - f.Pad);
    }

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, f.Kernel, f.C);

    public Place Next(in GpuFactor f, Place term, int by) => term.Advance(by, f.Kernel, f.C);

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

    public Place Row(in GpuFactor f, int batch, int row) => Place.Of(row, f.Kernel, f.C);

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, f.OutH, f.OutW);

    public Place Next(in GpuFactor f, Place term, int by) => term.Advance(by, f.OutH, f.OutW);

    public int At(in GpuFactor f, Place row, Place term)
    {
        int y = term.B * f.Stride - f.Pad + row.A, x = term.C * f.Stride - f.Pad + row.B;
        return y >= 0 && y < f.H && x >= 0 && x < f.W ? ((term.A * f.H + y) * f.W + x) * f.Data.Pitch + row.C : -1;
    }
}

/// <summary>The output gradient that reaches an input: row = input position (of a map OutH × OutW), term = (tap, output channel).</summary>
internal readonly struct ReachingOutputs : IFactor
{
    public bool AlongTerms => true;

    public Place Row(in GpuFactor f, int batch, int row)
    {
        var p = Place.Of(row, f.OutH, f.OutW);
        return new(p.A * f.H, p.B + f.Pad, p.C + f.Pad);
    }

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, f.Kernel, f.C);

    public Place Next(in GpuFactor f, Place term, int by) => term.Advance(by, f.Kernel, f.C);

    public int At(in GpuFactor f, Place row, Place term)
    {
        int y = row.B - term.A, x = row.C - term.B;
        bool hits = y >= 0 && x >= 0;
        if (f.Stride != 1)
        {
            hits &= y % f.Stride == 0 && x % f.Stride == 0;
            (y, x) = (y / f.Stride, x / f.Stride);
        }
        return hits && y < f.H && x < f.W ? ((row.A + y) * f.W + x) * f.Data.Pitch + term.C : -1;
    }
}

/// <summary>Weights [outputs, taps, inputs] seen from the input: row = input channel, term = (tap, output channel), of which there are <c>OutH</c>.</summary>
internal readonly struct TapWeights : IFactor
{
    public bool AlongTerms => false;

    public Place Row(in GpuFactor f, int batch, int row) => new(row, 0, 0);

    public Place Term(in GpuFactor f, int batch, int k) => Place.Of(k, f.Kernel * f.Kernel, f.OutH);

    public Place Next(in GpuFactor f, Place term, int by) => term.Advance(by, f.Kernel * f.Kernel, f.OutH);

    public int At(in GpuFactor f, Place row, Place term) => (term.C * f.Kernel * f.Kernel + term.B) * f.Data.Pitch + row.A;
}
