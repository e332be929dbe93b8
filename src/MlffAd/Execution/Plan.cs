namespace MlffAd.Execution;

/// <summary>A network ready to run: a flat list of launches over memory that is laid out once. Running it
/// allocates nothing.</summary>
public sealed class Plan : IDisposable
{
    private readonly PlanStep[] _steps;
    private readonly Tensor _activations;
    private readonly IReadOnlyList<Tensor> _constants;

    internal Plan(Value input, Value[] outputs, PlanStep[] steps, Tensor activations, IReadOnlyList<Tensor> constants)
    {
        _constants = constants;
        (Input, Outputs) = (input.Tensor, [.. outputs.Select(value => value.Tensor)]);
        (_steps, _activations) = (steps, activations);
    }

    /// <summary>The input, to be written before <see cref="Run"/>.</summary>
    public Tensor Input { get; }

    /// <summary>What the description returned, valid after <see cref="Run"/>.</summary>
    public IReadOnlyList<Tensor> Outputs { get; }

    /// <summary>Launches.</summary>
    public int Steps => _steps.Length;

    /// <summary>Computes the outputs; does not wait for a GPU. Waits for other plans of the device: threads that share
    /// this one hold <see cref="Device.Gate"/> from writing the input to reading the outputs.</summary>
    public void Run()
    {
        lock (Input.Device.Gate)
            foreach (var step in _steps) step.Run();
    }

    /// <summary>Runs once, timing each launch.</summary>
    public IReadOnlyList<PlannedStep> Measure()
    {
        var device = Input.Device;
        using var gate = device.Gate.EnterScope();
        var before = device.Profiler;
        var measured = new List<PlannedStep>();
        try
        {
            foreach (var step in _steps)
            {
                var profiler = device.Profiler = new Profiler(device);
                step.Run();
                var kernels = profiler.Totals;
                var output = step.Writes[0].Tensor;
                measured.Add(new(Name: step.Name, Kernel: string.Join(" + ", kernels.Select(k => k.Name)),
                    Output: output.Shape, Offset: output.OffsetBytes, Flop: (long)kernels.Sum(k => k.Flop),
                    Bytes: (long)kernels.Sum(k => k.Bytes), Seconds: kernels.Sum(k => k.Seconds)));
            }
        }
        finally
        {
            device.Profiler = before;
        }
        return measured;
    }

    /// <summary>Bytes of the block in which all values lie.</summary>
    public long ActivationBytes => sizeof(float) * _activations.Count;

    /// <summary>Returns the memory.</summary>
    public void Dispose()
    {
        using var gate = Input.Device.Gate.EnterScope();
        foreach (var step in _steps) (step as IDisposable)?.Dispose();
        _activations.Dispose();
        foreach (var constant in _constants) constant.Dispose();
    }
}

/// <summary>A launch of a plan.</summary>
/// <param name="Name">The layer's or value's name; a dot joins layers that became one.</param>
/// <param name="Kernel">What ran, with its algorithm.</param>
/// <param name="Output">Shape of the result.</param>
/// <param name="Offset">Where the result begins in the plan's block, bytes.</param>
/// <param name="Flop">Floating-point operations by the definition.</param>
/// <param name="Bytes">Bytes that must move.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record PlannedStep(string Name, string Kernel, Shape Output, long Offset, long Flop, long Bytes,
    double Seconds);
