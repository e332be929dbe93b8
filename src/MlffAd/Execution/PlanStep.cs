namespace MlffAd.Execution;

/// <summary>A launch that a plan is made of.</summary>
/// <param name="name">What it computes.</param>
/// <param name="reads">Operands.</param>
/// <param name="writes">Results.</param>
internal abstract class PlanStep(string name, Value[] reads, Value[] writes)
{
    public string Name => name;

    public Value[] Reads => reads;

    public Value[] Writes => writes;

    /// <summary>Computes the results.</summary>
    public abstract void Run();
}

/// <summary>Any operator.</summary>
internal sealed class OperatorStep(Value[] reads, Value[] writes, Action forward) : PlanStep(writes[0].Name, reads,
    writes)
{
    public override void Run() => forward();
}

/// <summary>Each channel by itself, means of positions: <see cref="Operators.Mix"/>.</summary>
internal sealed class MixStep(Value x, Value y, Action<Tensor, Tensor> forward) : PlanStep(y.Name, [x], [y])
{
    public Value X => x;

    public Value Y => y;

    /// <summary>The same between other values.</summary>
    public MixStep Between(Value from, Value to) => new(from, to, forward);

    public override void Run() => forward(x.Tensor, y.Tensor);
}

/// <summary><c>y = f(x ∗ w + bias + residual)</c>, its weights where they were until <see cref="Pack"/>.</summary>
internal sealed class ConvStep(string name, ConvGeometry geometry, Value x, Filter filter, Value? residual,
    Activation f, Value y)
    : PlanStep(name, residual is null ? [x] : [x, residual], [y]), IDisposable
{
    private PackedFilter? _packed;
    private Tensor? _bias;

    public ConvGeometry Geometry => geometry;

    public Value X => x;

    public Filter Filter => filter;

    public Value? Residual => residual;

    public Activation F => f;

    public Value Y => y;

    /// <summary>One position at a time: it may change places with a <see cref="MixStep"/>.</summary>
    public bool IsPointwise => geometry is { Kernel: 1, Stride: 1 };

    /// <summary>Nothing but a linear map and a bias.</summary>
    public bool IsLinear => f == Activation.None && residual is null;

    /// <summary>Puts the weights where the step will run, as BF16 where maps are that it multiplies or writes; x and y
    /// have their places.</summary>
    /// <param name="device">There.</param>
    /// <param name="room">For as many numbers as the filter has.</param>
    public void Pack(Device device, float[] room)
    {
        _packed = Convolution.Pack(device, filter.Rows(room, device.Team), geometry, x.Shape, Name,
            x.Tensor.Format == Format.Bf16 || y.Tensor.Format == Format.Bf16 ? Format.Bf16 : Format.Float32);
        if (filter.Bias is { } bias) _bias = Tensor.From(device, Shape.Of(bias.Length), bias, Name + ".bias");
    }

    public override void Run() => Convolution.Forward(x.Tensor, _packed!, _bias, y.Tensor, residual?.Tensor, f);

    public void Dispose()
    {
        _packed?.Dispose();
        _bias?.Dispose();
    }
}

/// <summary>The nearest of stored vectors, which are where they were until <see cref="Pack"/>.</summary>
/// <param name="x">Cells' vectors.</param>
/// <param name="vectors">The stored ones, as wide.</param>
/// <param name="groups">Their groups.</param>
/// <param name="cellGroups">The cells' groups at each run, or null.</param>
/// <param name="distance">Result.</param>
/// <param name="index">Result.</param>
internal sealed class NearestStep(Value x, ReadOnlyMemory<float> vectors, ReadOnlyMemory<float> groups,
    Tensor? cellGroups, Value distance, Value index) : PlanStep(distance.Name, [x], [distance, index]), IDisposable
{
    private PackedVectors? _packed;

    /// <summary>Puts the vectors where the step will run.</summary>
    public void Pack(Device device)
    {
        using var rows = Tensor.From(device, Shape.Of(1, groups.Length, x.Shape.C), vectors.Span, "vectors");
        using var numbers = cellGroups is null ? null
            : Tensor.From(device, Shape.Of(groups.Length), groups.Span, "groups");
        _packed = PackedVectors.Pack(rows, numbers);
    }

    public override void Run() => NearestVector.Forward(x.Tensor, _packed!, distance.Tensor, index.Tensor, cellGroups);

    public void Dispose() => _packed?.Dispose();
}
