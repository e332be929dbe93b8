namespace MlffAd.Execution;

/// <summary>Runs the network for training: computes at once, with batch statistics, and writes the tape, which does the
/// same for the batches that follow.</summary>
/// <remarks>Buffers are reserved for a full batch, so that a smaller last one runs in the same memory. A gradient has
/// its map's format (<see cref="MapFormats"/>).</remarks>
public sealed class Recorder(Config config, Parameters parameters, Tape tape, int capacity) : Operators
{
    private const float Momentum = 0.1f;
    private readonly Moments _moments = new();
    private readonly Device _device = parameters.Weights.Device;
    private readonly MapFormats _formats = new(config, parameters.Weights.Device);
    private readonly List<(Parameter Mean, Parameter Variance, int Items, int Rows)> _batches = [];

    /// <inheritdoc/>
    public override Value New(Shape shape, string name)
    {
        var value = new Value(shape, name);
        value.Bind(Tensor.Rent(_device, shape, name, shape.Count / shape.N * Math.Max(capacity, shape.N),
            _formats.Of(shape, name)));
        tape.Own(value);
        return value;
    }

    /// <inheritdoc/>
    public override Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null) =>
        Conv(layer, x, f, into, null);

    private Value Conv(Layer layer, Value x, Activation f, Value? into, Moments? moments)
    {
        var w = Trained(layer.Name + ".weight");
        var bias = layer.Layout == WeightLayout.Score ? Trained(layer.Name + ".bias") : null;
        var y = into ?? New(layer.Output(x.Shape), layer.Name);
        var g = layer.Geometry;
        // Weights that are rounded already, where a factor is and they come in eights.
        bool rounded = (x.Tensor.Format == Format.Bf16 || y.Tensor.Format == Format.Bf16) && w.Shape.C % 8 == 0
            && parameters.Rounded is not null;
        var factor = rounded ? Parameters.View(parameters.Rounded!, parameters.List[layer.Name + ".weight"]) : w.Tensor;
        Run([x, w, bias], [y],
            () => Convolution.Forward(x.Tensor, factor, bias?.Tensor, y.Tensor, g, null, f, moments),
            () =>
            {
                var dy = y.Gradient;
                if (f != Activation.None) Pointwise.Gradient(f, y.Tensor, dy, dy);
                if (w.NeedsGradient) Convolution.WeightGradient(x.Tensor, dy, w.Receive(out bool add), g, add);
                if (bias is { NeedsGradient: true }) Convolution.BiasGradient(dy, bias.Receive(out bool add), add);
                if (x.NeedsGradient) Convolution.InputGradient(dy, factor, x.Receive(out bool add), g, add);
            });
        return y;
    }

    /// <inheritdoc/>
    public override Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None,
        Value? residual = null, Value? into = null)
    {
        var names = new BnNames(bn);
        bool isBackbone = parameters.List[names.Scale].IsBackbone;
        bool frozen = isBackbone && config.Train.Bn == BnMode.Frozen;
        var raw = Conv(layer, x, Activation.None, null, frozen ? null : _moments);
        var y = into ?? New(raw.Shape, bn);
        float eps = isBackbone ? (float)config.Backbone.BnEps : (float)BatchNorm.Epsilon;
        Value gamma = Trained(names.Scale), beta = Trained(names.Shift);
        var statistics = frozen ? parameters.Statistics : parameters.BatchStatistics;
        Parameter meanOf = parameters.List[names.Mean], varianceOf = parameters.List[names.Variance];
        Tensor mean = Parameters.View(statistics, meanOf), variance = Parameters.View(statistics, varianceOf);
        if (!frozen) _batches.Add((meanOf, varianceOf, raw.Shape.N, raw.Shape.Area));
        Run([raw, gamma, beta, residual], [y],
            () =>
            {
                if (!frozen) BatchNorm.Statistics(raw.Tensor, mean, variance, _moments);
                BatchNorm.Apply(raw.Tensor, Vectors(), y.Tensor, residual?.Tensor, f);
            },
            () =>
            {
                bool addX = false, addResidual = false;
                var dx = raw.NeedsGradient ? raw.Receive(out addX) : null;
                var dresidual = residual is { NeedsGradient: true } ? residual.Receive(out addResidual) : null;
                var maps = new BatchNorm.Maps(raw.Tensor, y.Tensor, y.Gradient)
                {
                    Dx = dx,
                    AddX = addX,
                    Dresidual = dresidual,
                    AddResidual = addResidual,
                    FollowsFromX = residual is null,
                };
                BatchNorm.Gradient(maps, Vectors(), gamma.Receive(out _), beta.Receive(out _), f, frozen);
            });
        return y;

        BatchNorm.Vectors Vectors() => new(mean, variance, gamma.Tensor, beta.Tensor) { Eps = eps };
    }

    /// <summary>Takes the batch's statistics into the running ones, if the step is taken.</summary>
    /// <param name="clip">What <see cref="Sgd.Clip"/> wrote.</param>
    public void CommitStatistics(Tensor clip)
    {
        if (_batches is not [])
            BatchNorm.UpdateRunning(parameters.BatchStatistics, parameters.RowsOfStatistics(RowsOfStatistics),
                _batches[0].Items, parameters.Statistics, Momentum, clip);
    }

    private float[] RowsOfStatistics()
    {
        float[] all = new float[parameters.List.StatisticFloats];
        foreach (var (mean, variance, items, rows) in _batches)
        {
            if (items != _batches[0].Items)
                throw new InvalidOperationException(
                    $"'{mean.Name}' is of {items} items, others of {_batches[0].Items}.");
            all.AsSpan(mean.Start, mean.Count).Fill(BatchNorm.Mean);
            all.AsSpan(variance.Start, variance.Count).Fill(rows);
        }
        return all;
    }

    /// <inheritdoc/>
    protected override bool Differentiates(Value x) => x.NeedsGradient;

    /// <inheritdoc/>
    protected override void Run(ReadOnlySpan<Value?> reads, Value[] writes, Action forward, Action backward)
    {
        forward();
        bool needs = false;
        foreach (var value in reads) needs |= value is { NeedsGradient: true };
        if (needs)
            foreach (var value in writes) value.NeedsGradient = true;
        tape.Record(writes, forward, needs ? backward : null);
    }

    /// <inheritdoc/>
    protected override Value Constant(string name, Shape shape)
    {
        var value = new Value(Tensor.From(_device, shape, parameters.Constant(name), name));
        tape.Own(value);
        return value;
    }

    private Value Trained(string name)
    {
        var p = parameters.List[name];
        Value value = new(Parameters.View(parameters.Weights, p), config.Train.Freezes(p)
            ? null
            : Parameters.View(parameters.Gradients, p));
        tape.Own(value);
        return value;
    }
}
