namespace MlffAd.Execution;

/// <summary>Plans the network for inference: walks the description once, folds batch normalisation into the
/// convolutions and notes what to launch, simplifies that (<see cref="PlanAlgebra"/>), packs the weights, and lets
/// values share memory that are never alive together.</summary>
public sealed class Planner : Operators
{
    private readonly Config _config;
    private readonly NetworkWeights _weights;
    private readonly Device _device;
    private readonly Tensor? _groups;
    private readonly List<PlanStep> _steps = [];
    private readonly List<Tensor> _constants = [];

    private Planner(Config config, NetworkWeights weights, Device device, Tensor? groups) =>
        (_config, _weights, _device, _groups) = (config, weights, device, groups);

    /// <summary>Plans a network.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="weights">Its weights and running statistics.</param>
    /// <param name="device">Where it will run.</param>
    /// <param name="image">Shape of the input, <c>[N, H, W, 3]</c>.</param>
    /// <param name="describe">The description; returns the values that are wanted afterwards.</param>
    /// <param name="groups">A group for each cell, read at each run: a memory passes over vectors of the cell's own
    /// group. Null: it takes all.</param>
    public static Plan Plan(Config config, NetworkWeights weights, Device device, Shape image,
        Func<IExecutor, Value, Value[]> describe, Tensor? groups = null)
    {
        var planner = new Planner(config, weights, device, groups);
        var input = new Value(image, "image");
        var outputs = describe(planner, input);
        var steps = planner._steps;
        new PlanAlgebra(steps, outputs).Simplify();
        float[] room = GC.AllocateUninitializedArray<float>(steps.OfType<ConvStep>().Max(step => step.Filter.Count));
        var activations = Place(device, steps, input, outputs, new MapFormats(config, device));
        foreach (var step in steps.OfType<ConvStep>()) step.Pack(device, room);
        foreach (var step in steps.OfType<NearestStep>()) step.Pack(device);
        return new Plan(input, outputs, [.. steps], activations, planner._constants);
    }

    /// <inheritdoc/>
    public override Value New(Shape shape, string name) => new(shape, name);

    /// <inheritdoc/>
    public override Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null) =>
        Conv(layer, x,
            new Filter(_weights.Numbers(layer.Name + ".weight"), layer.Outputs, null, layer.Layout == WeightLayout.Score
            ? _weights[layer.Name + ".bias"].ToArray() : null), f, null, into);

    /// <inheritdoc/>
    public override Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None,
        Value? residual = null, Value? into = null) =>
        Conv(layer, x, _weights.Fold(_config, layer, bn), f, residual, into);

    /// <inheritdoc/>
    protected override Value Constant(string name, Shape shape)
    {
        var tensor = Tensor.From(_device, shape, _weights[name], name);
        _constants.Add(tensor);
        return new Value(tensor);
    }

    /// <inheritdoc/>
    public override (Value Distance, Value Index) NearestVector(Value x, int count, string vectors, string groups)
    {
        Value d = New(x.Shape.WithC(1), "memory.distance"), index = New(x.Shape.WithC(1), "memory.nearest");
        _steps.Add(new NearestStep(x: x, vectors: _weights.Numbers(vectors), groups: _weights.Numbers(groups),
            cellGroups: _groups, distance: d, index: index));
        return (d, index);
    }

    private Value Conv(Layer layer, Value x, Filter filter, Activation f, Value? residual, Value? into)
    {
        var y = into ?? New(layer.Output(x.Shape), layer.Name);
        _steps.Add(new ConvStep(name: layer.Name, geometry: layer.Geometry, x: x, filter: filter, residual: residual,
            f: f, y: y));
        return y;
    }

    /// <inheritdoc/>
    protected override void Mix(Value x, Value y, Action<Tensor, Tensor> forward, Action backward) =>
        _steps.Add(new MixStep(x, y, forward));

    /// <inheritdoc/>
    protected override void Run(ReadOnlySpan<Value?> reads, Value[] writes, Action forward, Action backward)
    {
        var operands = new List<Value>();
        foreach (var value in reads)
            if (value is not null) operands.Add(value);
        _steps.Add(new OperatorStep([.. operands], writes, forward));
    }

    /// <summary>Gives every value a place in one block: first come, first fit among the gaps that
    /// dead values leave.</summary>
    private static Tensor Place(Device device, List<PlanStep> steps, Value input, Value[] outputs, MapFormats formats)
    {
        const int alignment = 16;   // float32 numbers, as all lengths here
        var lives = new Dictionary<Value, (int First, int Last)> { [input] = (0, steps.Count) };
        for (int i = 0; i < steps.Count; i++)
            foreach (var value in steps[i].Reads.Concat(steps[i].Writes))
                lives[value.Root] = lives.TryGetValue(value.Root, out var life)
                    ? (life.First, Math.Max(life.Last, i))
                    : (i, i);
        foreach (var value in outputs) lives[value.Root] = (lives[value.Root].First, steps.Count);

        var placed = new List<(long Begin, long End, int First, int Last)>();
        var starts = new List<(Value Value, Format Format, long Start)>();
        foreach (var (value, (first, last)) in lives.Where(life => !life.Key.IsBound)
            .OrderByDescending(life => life.Key.Shape.Count))
        {
            var format = formats.Of(value.Shape, value.Name);
            long start = 0;
            long numbers = format == Format.Bf16 ? value.Shape.Count / 2 : value.Shape.Count;
            long length = (numbers + alignment - 1) / alignment * alignment;
            foreach (var other in placed.Where(p => p.First <= last && first <= p.Last).OrderBy(p => p.Begin))
                if (other.Begin < start + length) start = Math.Max(start, other.End);
            placed.Add((start, start + length, first, last));
            starts.Add((value, format, start));
        }
        var block = Tensor.Rent(device, Shape.Of(checked((int)placed.Max(p => p.End))), "activations");
        foreach (var (value, format, start) in starts) value.Bind(block.Part(start, value.Shape, format));
        return block;
    }
}
