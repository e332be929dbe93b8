namespace MlffAd.Bench;

/// <summary>A case's figures, or several cases' together.</summary>
/// <param name="Case">The case.</param>
/// <param name="Kernels">Its declared FLOP and bytes, by kernel.</param>
/// <param name="Peaks">The device's peaks, measured beside it.</param>
/// <param name="Seconds">Median time of a call.</param>
internal sealed record OperatorRow(OperatorCase Case, IReadOnlyList<KernelTotals> Kernels, PeakRates Peaks,
    double Seconds = 0)
{
    /// <summary>The kernel's name, or the case's if it runs several.</summary>
    public string Name => Kernels.Count == 1 ? Kernels[0].Name : Case.Name;

    public double Flop => Kernels.Sum(k => k.Flop);

    public double Bytes => Kernels.Sum(k => k.Bytes);

    /// <summary>Seconds per training step.</summary>
    public double InStep => Case.InStep * Seconds;

    /// <summary>Compute-bound: right of the roofline's ridge.</summary>
    public bool BoundByArithmetic => Flop / Arithmetic > Bytes / Peaks.Stream.Ceiling;

    /// <summary>Least seconds at the limiting peak.</summary>
    public double LeastSeconds => Math.Max(Flop / Arithmetic, Bytes / Peaks.Stream.Ceiling) / 1e9;

    private double Arithmetic => Peaks.Arithmetic(Case.Name);
}
