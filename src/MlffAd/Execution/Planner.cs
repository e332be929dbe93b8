using MlffAd.Autograd;
using MlffAd.Configuration;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Execution;

/// <summary>Plans the network for inference: walks the description once, folds batch normalisation into the convolutions, notes what to launch, then
/// lets values share memory that are never alive together.</summary>
public sealed class Planner : Operators
{
    private const double Eps = 1e-5;
    private readonly Config _config;
    private readonly NetworkWeights _weights;
    private readonly Device _device;
    private readonly List<Tensor> _constants = [];
    private readonly List<(Value[] Touched, Action Forward)> _steps = [];

    private Planner(Config config, NetworkWeights weights, Device device) => (_config, _weights, _device) = (config, weights, device);

    /// <summary>Plans a network.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="weights">Its weights and running statistics.</param>
    /// <param name="device">Where it will run.</param>
    /// <param name="image">Shape of the input, <c>[N, H, W, 3]</c>.</param>
    /// <param name="describe">The description; returns the values that are wanted afterwards.</param>
    public static Plan Plan(Config config, NetworkWeights weights, Device device, Shape image, Func<IExecutor, Value, Value[]> describe)
    {
        var planner = new Planner(config, weights, device);
        var input = new Value(image, "image");
        var outputs = describe(planner, input);
        return new Plan(input, outputs, [.. planner._steps.Select(step => step.Forward)], [planner.Place(input, outputs), .. planner._constants]);
    }

    /// <inheritdoc/>
    public override Value New(Shape shape, string name) => new(shape, name);

    /// <inheritdoc/>
    public override Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None, Value? residual = null, Value? into = null)
    {
        var (w, bias) = Fold(layer, bn, x.Shape.C);
        var y = into ?? New(layer.Output(x.Shape), layer.Name);
        Run([x, residual], [y], () => Convolution.Forward(x.Tensor, w, bias, y.Tensor, layer.Geometry, residual?.Tensor, f), () => { });
        return y;
    }

    /// <inheritdoc/>
    protected override (Value Weight, Value? Bias) Weights(Layer layer, int inputs)
    {
        Value Constant(string name) => new(Keep(_weights.List[name].Shape, _weights[name], name));
        return (Constant(layer.Name + ".weight"), layer.Layout == WeightLayout.Score ? Constant(layer.Name + ".bias") : null);
    }

    /// <inheritdoc/>
    protected override void Run(ReadOnlySpan<Value?> reads, Value[] writes, Action forward, Action backward)
    {
        var touched = new List<Value>(writes);
        foreach (var value in reads)
            if (value is not null) touched.Add(value);
        _steps.Add(([.. touched], forward));
    }

    /// <summary><c>γ·(x∗w − μ)/σ + β = x∗(γ/σ·w) + (β − μ·γ/σ)</c>, σ = √(running variance + ε).</summary>
    private (Tensor Weight, Tensor Bias) Fold(Layer layer, string bn, int inputs)
    {
        var names = new BnNames(bn);
        double eps = _weights.List[names.Scale].IsBackbone ? _config.Backbone.BnEps : Eps;
        Span<float> w = _weights[layer.Name + ".weight"], gamma = _weights[names.Scale], beta = _weights[names.Shift], mean = _weights[names.Mean], variance = _weights[names.Variance];
        var (folded, bias) = (new float[w.Length], new float[gamma.Length]);
        int filter = w.Length / gamma.Length;
        for (int o = 0; o < gamma.Length; o++)
        {
            double factor = gamma[o] / Math.Sqrt(variance[o] + eps);
            for (int i = o * filter; i < (o + 1) * filter; i++) folded[i] = (float)(factor * w[i]);
            bias[o] = (float)(beta[o] - factor * mean[o]);
        }
        return (Keep(layer.Weight(inputs), folded, layer.Name), Keep(Shape.Of(bias.Length), bias, bn));
    }

    private Tensor Keep(Shape shape, ReadOnlySpan<float> values, string name)
    {
        var tensor = Tensor.From(_device, shape, values, name);
        _constants.Add(tensor);
        return tensor;
    }

    /// <summary>Gives every value a place in one block: first come, first fit among the gaps that dead values leave.</summary>
    private Tensor Place(Value input, Value[] outputs)
    {
        const int alignment = 16;
        var lives = new Dictionary<Value, (int First, int Last)> { [input] = (0, _steps.Count) };
        for (int i = 0; i < _steps.Count; i++)
            foreach (var value in _steps[i].Touched)
                lives[value.Root] = lives.TryGetValue(value.Root, out var life) ? (life.First, Math.Max(life.Last, i)) : (i, i);
        foreach (var value in outputs) lives[value.Root] = (lives[value.Root].First, _steps.Count);

        var placed = new List<(long Begin, long End, int First, int Last)>();
        var starts = new List<(Value Value, long Start)>();
        foreach (var (value, (first, last)) in lives.Where(life => !life.Key.IsBound).OrderByDescending(life => life.Key.Shape.Count))
        {
            long start = 0, length = (value.Shape.Count + alignment - 1) / alignment * alignment;
            foreach (var other in placed.Where(p => p.First <= last && first <= p.Last).OrderBy(p => p.Begin))
                if (other.Begin < start + length) start = Math.Max(start, other.End);
            placed.Add((start, start + length, first, last));
            starts.Add((value, start));
        }
        var block = Tensor.Rent(_device, Shape.Of(checked((int)placed.Max(p => p.End))), "activations");
        foreach (var (value, start) in starts) value.Bind(block.Part(start, value.Shape));
        return block;
    }
}
