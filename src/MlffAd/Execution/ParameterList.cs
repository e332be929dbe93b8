namespace MlffAd.Execution;

/// <summary>A trained tensor or a running statistic: its name and shapes, and where it lies among its like.</summary>
/// <param name="Name">As in files (spec §12).</param>
/// <param name="Shape">In memory; convolutions <c>[Cout, K, K, Cin]</c>.</param>
/// <param name="FileShape">In files; convolutions <c>[Cout, Cin, K, K]</c>.</param>
/// <param name="Start">First number, in the flat buffer of all trained tensors or of all statistics.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Part">Where its layer stands.</param>
public sealed record Parameter(
    string Name, Shape Shape, int[] FileShape, int Start, ParameterKind Kind, NetworkPart Part)
{
    /// <summary>Numbers.</summary>
    public int Count => (int)Shape.Count;

    /// <summary>Whether it belongs to the backbone.</summary>
    public bool IsBackbone => Part is NetworkPart.Stem or NetworkPart.Backbone;

    /// <summary>What a weight starts from.</summary>
    public InitialValues Initial { get; init; }
}

/// <summary>What a parameter is; decides its start value, and whether it decays.</summary>
public enum ParameterKind
{
    /// <summary>A convolution's or row product's weight; the score's vector.</summary>
    Weight,

    /// <summary>γ of a batch normalisation.</summary>
    Scale,

    /// <summary>β of a batch normalisation; the score's bias.</summary>
    Shift,

    /// <summary>A running mean.</summary>
    RunningMean,

    /// <summary>A running variance.</summary>
    RunningVariance,

    /// <summary>Made once, never trained: remembered vectors, scales.</summary>
    Constant,
}

/// <summary>The names of a batch normalisation's four tensors.</summary>
internal readonly record struct BnNames(string Bn)
{
    public string Scale => Bn + ".weight";
    public string Shift => Bn + ".bias";
    public string Mean => Bn + ".running_mean";
    public string Variance => Bn + ".running_var";
}

/// <summary>All parameters of a network, found by walking its description without computing anything.</summary>
/// <remarks>Each starts at a multiple of 16 floats, so that vector loads of a view are aligned. The lists are in the
/// order of the data's way, the flat buffers in another.</remarks>
public sealed class ParameterList : Operators
{
    private const int Alignment = 16;
    private readonly Dictionary<string, Parameter> _byName = [];
    private readonly List<Parameter> _trained = [], _statistics = [], _constants = [];

    private ParameterList() { }

    /// <summary>The trained tensors, in the order of the data's way; not that of their starts.</summary>
    public IReadOnlyList<Parameter> Trained => _trained;

    /// <summary>The running statistics of batch normalisation.</summary>
    public IReadOnlyList<Parameter> Statistics => _statistics;

    /// <summary>What was made once and does not train.</summary>
    public IReadOnlyList<Parameter> Constants => _constants;

    /// <summary>Floats of the flat buffer of trained tensors, gaps included.</summary>
    public int TrainedFloats { get; private set; }

    /// <summary>Floats of the flat buffer of statistics, gaps included.</summary>
    public int StatisticFloats { get; private set; }

    /// <summary>Floats of the flat buffer of constants, gaps included.</summary>
    public int ConstantFloats { get; private set; }

    /// <summary>Whether there is a parameter of that name.</summary>
    internal bool Has(string name) => _byName.ContainsKey(name);

    /// <summary>A parameter by name.</summary>
    public Parameter this[string name] => _byName[name];

    /// <summary>Walks a description, of a network or of a part of one.</summary>
    /// <exception cref="MlffAdException">A map of one image, or all weights together, would have 2³¹ numbers or more
    /// (exit code 2).</exception>
    public static ParameterList Of(Config config, Func<IExecutor, Value, Value[]> describe)
    {
        var list = new ParameterList();
        describe(list, new Value(new Shape(1, config.ImageSize, config.ImageSize, 3), "image"));
        // What a step of descent treats alike lies together: four runs instead of one for every few tensors.
        list.TrainedFloats =
            list.Place(list._trained, p => (p.IsBackbone ? 0 : 2) + (p.Kind == ParameterKind.Weight ? 0 : 1));
        list.StatisticFloats = list.Place(list._statistics, p => p.IsBackbone ? 0 : 1);
        list.ConstantFloats = list.Place(list._constants, _ => 0);
        return list;
    }

    /// <inheritdoc/>
    public override Value New(Shape shape, string name) =>
        shape.Count <= int.MaxValue ? new(shape, name) : throw TooLarge(name);

    /// <inheritdoc/>
    public override Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null)
    {
        int inputs = x.Shape.C, k = layer.Geometry.Kernel;
        Add(_trained, layer, layer.Name + ".weight", ParameterKind.Weight, layer.Weight(inputs), layer.Layout switch
        {
            WeightLayout.Convolution => [layer.Outputs, inputs, k, k],
            WeightLayout.Rows => [layer.Outputs, inputs],
            _ => [inputs],
        });
        if (layer.Layout == WeightLayout.Score)
            Add(_trained, layer, layer.Name + ".bias", ParameterKind.Shift, Shape.Of(1), [1]);
        return into ?? New(layer.Output(x.Shape), layer.Name);
    }

    /// <inheritdoc/>
    public override Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None,
        Value? residual = null, Value? into = null)
    {
        var y = Conv(layer, x, f, into);
        var names = new BnNames(bn);
        var shape = Shape.Of(layer.Outputs);
        Add(_trained, layer, names.Scale, ParameterKind.Scale, shape, [layer.Outputs]);
        Add(_trained, layer, names.Shift, ParameterKind.Shift, shape, [layer.Outputs]);
        Add(_statistics, layer, names.Mean, ParameterKind.RunningMean, shape, [layer.Outputs]);
        Add(_statistics, layer, names.Variance, ParameterKind.RunningVariance, shape, [layer.Outputs]);
        return y;
    }

    /// <inheritdoc/>
    protected override Value Constant(string name, Shape shape)
    {
        Add(_constants, default, name, ParameterKind.Constant, shape, [shape.W, shape.C]);
        return New(shape, name);
    }

    /// <inheritdoc/>
    protected override void Run(ReadOnlySpan<Value?> reads, Value[] writes, Action forward, Action backward) { }

    private void Add(
        List<Parameter> list, Layer layer, string name, ParameterKind kind, Shape shape, int[] fileShape)
    {
        var parameter = new Parameter(name, shape, fileShape, Start: 0, kind, layer.Part) { Initial = layer.Initial };
        _byName.Add(name, parameter);
        list.Add(parameter);
    }

    /// <summary>Gives each parameter its start, group by group; returns the end.</summary>
    private int Place(List<Parameter> list, Func<Parameter, int> group)
    {
        long end = 0;
        foreach (int i in Enumerable.Range(0, list.Count).OrderBy(i => group(list[i])).ToArray())
        {
            _byName[list[i].Name] = list[i] = list[i] with { Start = (int)end };
            end += (list[i].Shape.Count + Alignment - 1) / Alignment * Alignment;
            if (end > Array.MaxLength) throw TooLarge(list[i].Name);
        }
        return (int)end;
    }

    private static MlffAdException TooLarge(string name) => new(ExitCode.Usage,
        $"The network would be too large: with '{name}' it has more than 2^31 numbers; take a smaller imageSize or "
            + "smaller widths.");
}
