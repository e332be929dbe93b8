namespace MlffAd.Bench;

/// <summary>A case's figures, or several cases' together.</summary>
/// <param name="Case">What ran.</param>
/// <param name="Kernels">What it declares, by kernel.</param>
/// <param name="Peaks">What the device did at best beside it.</param>
/// <param name="Seconds">Median time of a call.</param>
internal sealed record OperatorRow(OperatorCase Case, IReadOnlyList<KernelTotals> Kernels, PeakRates Peaks,
    double Seconds = 0)
{
    /// <summary>The kernel: an operator may choose between several.</summary>
    public string Name => Kernels.Count == 1 ? Kernels[0].Name : Case.Name;

    public double Flop => Kernels.Sum(k => k.Flop);

    public double Bytes => Kernels.Sum(k => k.Bytes);

    /// <summary>Seconds of a training step.</summary>
    public double InStep => Case.InStep * Seconds;

    /// <summary>Above the ridge, where multiplying takes longer than moving at the peaks' speeds.</summary>
    public bool BoundByArithmetic => Flop / Arithmetic > Bytes / Peaks.Stream.Ceiling;

    /// <summary>Seconds that the peak in question allows.</summary>
    public double LeastSeconds => Math.Max(Flop / Arithmetic, Bytes / Peaks.Stream.Ceiling) / 1e9;

    private double Arithmetic => Peaks.Arithmetic(Case.Name);
}
