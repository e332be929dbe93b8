namespace MlffAd.Kernels.Runtime;

/// <summary>The most that a device does: the ceilings of its operators.</summary>
/// <param name="Fma">GFLOP/s of float32 multiply-adds in registers, a multiply-add being two; 0 if it
/// was not measured.</param>
/// <param name="Product">GFLOP/s of products as the device multiplies them: on tensor cores if its precision says so,
/// else <paramref name="Fma"/>.</param>
/// <param name="Stream">GB/s to and from memory.</param>
public readonly record struct PeakRates(double Fma, double Product, StreamRates Stream)
{
    /// <summary>The ceiling of a kernel's arithmetic, in GFLOP/s.</summary>
    public double Arithmetic(string kernel) =>
        kernel.StartsWith("convolution", StringComparison.Ordinal)
            || kernel.StartsWith("matmul", StringComparison.Ordinal) ? Product : Fma;
}

/// <summary>Measures what a device does at best.</summary>
public sealed partial class PeakMeter : IDisposable
{
    private readonly Device _device;
    private readonly StreamPeak? _stream;

    /// <summary>Takes the memory that measuring needs, on a processor until it is disposed.</summary>
    public PeakMeter(Device device)
    {
        _device = device;
        _stream = device.IsHost ? new StreamPeak(device.Team) : null;
    }

    /// <summary>Measures; a tenth of a second. All 0 on the simulator.</summary>
    public PeakRates Measure()
    {
        PeakRates rates = default;
        if (_stream is null) MeasureGpu(_device, ref rates);
        else if (FmaPeak.Measure(_device.Team) is var fma) rates = new PeakRates(fma, fma, _stream.Measure());
        return rates;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream?.Dispose();

    static partial void MeasureGpu(Device device, ref PeakRates rates);
}
