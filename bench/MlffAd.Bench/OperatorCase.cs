namespace MlffAd.Bench;

/// <summary>An operator at one shape.</summary>
/// <param name="Name">The kernel's name, or the common part of several.</param>
/// <param name="What">Shapes and variant; unique together with the name.</param>
/// <param name="Operands">Their layout: a slice of a wider tensor is benchmarked as one. A gradient has its value's
/// layout.</param>
/// <param name="FormatOf">Number format of an operand.</param>
/// <param name="Bind">Makes operands that cannot be noise, such as variances, a gradient's forward results or packed
/// vectors, and returns the call.</param>
public sealed record OperatorCase(
    string Name, string What, Value[] Operands, Func<Value, Format> FormatOf, Func<Tensor[], OperatorCall> Bind)
{
    /// <summary>Calls per training step.</summary>
    public int InStep { get; set; }

    /// <summary>Bytes of one set of operands.</summary>
    public long OperandBytes =>
        Operands.Sum(o => o.Root.Shape.Count * (FormatOf(o) == Format.Bf16 ? sizeof(ushort) : sizeof(float)));

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {What}";
}

/// <summary>An operator on its operands.</summary>
/// <param name="Run">Computes.</param>
/// <param name="Held">Resources besides the operands; the caller disposes them.</param>
public readonly record struct OperatorCall(Action Run, IDisposable? Held = null);

/// <summary>A case's operands, filled with noise, in more copies than the last-level cache holds: each call takes the
/// next, so that its reads come from memory, as most do in a training step.</summary>
public sealed class OperatorRun : IDisposable
{
    /// <summary>Limits the copies of very small operands, which are bound by the call.</summary>
    private const int MostCopies = 256;

    private static readonly float[] Noise = MakeNoise();

    private readonly Device _device;
    private readonly OperatorCase _case;
    private readonly List<Tensor> _roots = [];
    private readonly OperatorCall[] _copies;
    private int _next;

    /// <summary>Rents, fills and prepares operands, and calls the operator once to record its kernels.</summary>
    /// <param name="device">Device to run on.</param>
    /// <param name="of">The case.</param>
    /// <param name="footprint">Least bytes of all copies.</param>
    public OperatorRun(Device device, OperatorCase of, long footprint)
    {
        (_device, _case) = (device, of);
        _copies = new OperatorCall[Math.Clamp(footprint / of.OperandBytes + 1, 1, MostCopies)];
        for (int i = 0; i < _copies.Length; i++) _copies[i] = of.Bind(Array.ConvertAll(of.Operands, Rent));
        var profiler = new Profiler(device);
        device.Profiler = profiler;
        try { _copies[0].Run(); }
        finally { device.Profiler = null; }
        Kernels = profiler.Totals;
    }

    /// <summary>The kernels that a call runs, with their FLOP and bytes.</summary>
    public IReadOnlyList<KernelTotals> Kernels { get; }

    /// <summary>Calls once and synchronises.</summary>
    public void Call()
    {
        _copies[_next].Run();
        _next = (_next + 1) % _copies.Length;
        _device.Synchronize();
    }

    /// <summary>Frees the operands and trims the pool, as the next case has other sizes.</summary>
    public void Dispose()
    {
        foreach (var copy in _copies) copy.Held?.Dispose();
        foreach (var root in _roots) root.Dispose();
        _device.Pool.Trim();
    }

    private Tensor Rent(Value place)
    {
        var root = Tensor.Rent(_device, place.Root.Shape, place.Name, format: _case.FormatOf(place));
        _roots.Add(root);
        for (long start = 0; start < root.Count; start += Noise.Length)
        {
            int count = (int)Math.Min(Noise.Length, root.Count - start);
            root.Part(start, Shape.Of(count)).Write(Noise.AsSpan(0, count));
        }
        return place.Root == place ? root : root.Slice(place.Start, place.Shape.C).Reshape(place.Shape);
    }

    private static float[] MakeNoise()
    {
        var random = new Random(1);
        var noise = new float[1 << 20];
        foreach (ref float value in noise.AsSpan()) value = random.NextSingle() - 0.5f;
        return noise;
    }
}
