namespace MlffAd.Kernels;

/// <summary>The input under the filter: row = output position, term = (tap, channel); <c>C</c> channels.</summary>
internal readonly struct PatchFactor : IFactor
{
    public bool AlongTerms => true;

    public bool ByClasses => false;

    public FactorCoordinate Row(in GpuFactor f, int batch, int row)
    {
        var p = FactorCoordinate.Of(row, f.GridH, f.GridW);
        return new(p.A * f.H, p.B * f.Stride - f.Pad, p.C * f.Stride - f.Pad);
    }

    public FactorCoordinate Term(in GpuFactor f, int batch, int k) => FactorCoordinate.Of(k, f.Kernel, f.C);

    public int Middle(in GpuFactor f, int batch) => f.Kernel;

    public FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle) =>
        term.Advance(by, middle, f.C);

    public int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term)
    {
        int y = row.B + term.A, x = row.C + term.B;
        return y >= 0 && y < f.H && x >= 0 && x < f.W ? ((row.A + y) * f.W + x) * f.Data.Pitch + term.C : -1;
    }
}

/// <summary>The same with the indices' roles exchanged, for sums over positions: row = (tap, channel), term =
/// output position.</summary>
internal readonly struct PatchColumns : IFactor
{
    public bool AlongTerms => false;

    public bool ByClasses => false;

    public FactorCoordinate Row(in GpuFactor f, int batch, int row) => FactorCoordinate.Of(row, f.Kernel, f.C);

    public FactorCoordinate Term(in GpuFactor f, int batch, int k) => FactorCoordinate.Of(k, f.GridH, f.GridW);

    public int Middle(in GpuFactor f, int batch) => f.GridH;

    public FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle) =>
        term.Advance(by, middle, f.GridW);

    public int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term)
    {
        int y = term.B * f.Stride - f.Pad + row.A, x = term.C * f.Stride - f.Pad + row.B;
        return y >= 0 && y < f.H && x >= 0 && x < f.W ? ((term.A * f.H + y) * f.W + x) * f.Data.Pitch + row.C : -1;
    }
}

/// <summary>The output gradient that reaches an input, at stride 1: row = input position (of a map GridH × GridW), term
/// = (tap, output channel).</summary>
internal readonly struct ReachingOutputs : IFactor
{
    public bool AlongTerms => true;

    public bool ByClasses => false;

    public FactorCoordinate Row(in GpuFactor f, int batch, int row)
    {
        var p = FactorCoordinate.Of(row, f.GridH, f.GridW);
        return new(p.A * f.H, p.B + f.Pad, p.C + f.Pad);
    }

    public FactorCoordinate Term(in GpuFactor f, int batch, int k) => FactorCoordinate.Of(k, f.Kernel, f.C);

    public int Middle(in GpuFactor f, int batch) => f.Kernel;

    public FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle) =>
        term.Advance(by, middle, f.C);

    public int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term)
    {
        int y = row.B - term.A, x = row.C - term.B;
        return y >= 0 && y < f.H && x >= 0 && x < f.W ? ((row.A + y) * f.W + x) * f.Data.Pitch + term.C : -1;
    }
}

/// <summary>Weights [outputs, taps, inputs] seen from the input: row = input channel, term = (tap, output channel),
/// <c>Outputs</c> of them.</summary>
internal readonly struct TapWeights : IFactor
{
    public bool AlongTerms => false;

    public bool ByClasses => false;

    public FactorCoordinate Row(in GpuFactor f, int batch, int row) => new(row, 0, 0);

    public FactorCoordinate Term(in GpuFactor f, int batch, int k) =>
        FactorCoordinate.Of(k, f.Kernel * f.Kernel, f.Outputs);

    public int Middle(in GpuFactor f, int batch) => f.Kernel * f.Kernel;

    public FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle) =>
        term.Advance(by, middle, f.Outputs);

    public int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term) =>
        (term.C * f.Kernel * f.Kernel + term.B) * f.Data.Pitch + row.A;
}

/// <summary><see cref="ReachingOutputs"/> of a class: row = its position, term = (its tap along y, along x,
/// output channel).</summary>
internal readonly struct ReachingOutputsOfClass : IFactor
{
    public bool AlongTerms => true;

    public bool ByClasses => true;

    public FactorCoordinate Row(in GpuFactor f, int batch, int row)
    {
        var c = new PositionClass(f, batch);
        var p = FactorCoordinate.Of(row, PositionClass.Positions(f.GridH, f.Stride),
            PositionClass.Positions(f.GridW, f.Stride));
        return new(p.A * f.H, p.B + (PositionClass.First(f, c.Y) + f.Pad - c.Y) / f.Stride,
            p.C + (PositionClass.First(f, c.X) + f.Pad - c.X) / f.Stride);
    }

    public FactorCoordinate Term(in GpuFactor f, int batch, int k) => FactorCoordinate.Of(k, Middle(f, batch), f.C);

    /// <summary>At least 1, by which <see cref="Term"/> may divide.</summary>
    public int Middle(in GpuFactor f, int batch) => Math.Max(1, PositionClass.Taps(f, new PositionClass(f, batch).X));

    public FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle) =>
        term.Advance(by, middle, f.C);

    public int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term) =>
        default(ReachingOutputs).At(f, row, term);
}

/// <summary><see cref="TapWeights"/> of a class: row = input channel, term as in
/// <see cref="ReachingOutputsOfClass"/>.</summary>
internal readonly struct TapWeightsOfClass : IFactor
{
    public bool AlongTerms => false;

    public bool ByClasses => true;

    public FactorCoordinate Row(in GpuFactor f, int batch, int row)
    {
        var c = new PositionClass(f, batch);
        return new(row, c.Y, c.X);
    }

    public FactorCoordinate Term(in GpuFactor f, int batch, int k) =>
        FactorCoordinate.Of(k, Middle(f, batch), f.Outputs);

    public int Middle(in GpuFactor f, int batch) => default(ReachingOutputsOfClass).Middle(f, batch);

    public FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle) =>
        term.Advance(by, middle, f.Outputs);

    public int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term) =>
        ((term.C * f.Kernel + row.B + f.Stride * term.A) * f.Kernel + row.C + f.Stride * term.B) * f.Data.Pitch + row.A;
}
