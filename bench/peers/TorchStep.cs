using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace MlffAd.Peers;

/// <summary>A training step in libtorch (spec §8), from the same initial weights as ours.</summary>
internal sealed class TorchStep : IDisposable
{
    private readonly Config _config;
    private readonly Dictionary<string, Tensor> _parameters = [];
    private readonly List<(Tensor Weight, Tensor Velocity, double Decay)> _trained = [];
    private readonly Tensor _images;
    private readonly Shape _shape;
    private readonly Func<TorchExecutor, Value, Tensor> _loss;

    static TorchStep()
    {
        if (OperatingSystem.IsLinux())
            WeakSymbols.Mark(Path.Combine(AppContext.BaseDirectory, "runtimes/linux-x64/native/libLibTorchSharp.so"),
                "GLIBCXX_3.4.32");
    }

    /// <summary>Copies weights and images.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="weights">Initial weights.</param>
    /// <param name="images">Normalised images.</param>
    /// <param name="shape">Their shape, [N, S, S, 3].</param>
    /// <param name="threads">libtorch's threads.</param>
    /// <param name="loss">The loss, as a function of the images.</param>
    public TorchStep(Config config, NetworkWeights weights, float[] images, Shape shape, int threads,
        Func<TorchExecutor, Value, Tensor> loss)
    {
        (_config, _shape, _loss) = (config, shape, loss);
        set_num_threads(threads);
        OneDnn.TellCaches();
        _images = tensor(images, TorchExecutor.Dims(shape));
        foreach (var p in weights.List.Trained.Concat(weights.List.Statistics))
            _parameters[p.Name] = tensor(weights[p].ToArray(), p.Kind == ParameterKind.Weight
                ? TorchExecutor.Dims(p.Shape)
                : [p.Shape.C]);
        foreach (var p in weights.List.Trained)
        {
            var weight = _parameters[p.Name];
            weight.requires_grad = true;
            _trained.Add((weight, zeros_like(weight), p.Kind == ParameterKind.Weight ? config.Train.WeightDecay : 0));
        }
    }

    /// <summary>Takes a step; returns the loss before it.</summary>
    public float Run()
    {
        using var scope = NewDisposeScope();
        foreach (var (weight, _, _) in _trained) weight.grad = null;
        using var loss = Forward();
        loss.backward();
        using (no_grad())
            foreach (var (weight, velocity, decay) in _trained)
            {
                velocity.mul_(_config.Train.Momentum).add_(weight.grad!);
                if (decay > 0) velocity.add_(weight, alpha: decay);
                weight.add_(velocity, alpha: -_config.Train.Lr);
            }
        return loss.ToSingle();
    }

    /// <summary>A trained tensor's numbers.</summary>
    public float[] Weight(string name) => [.. _parameters[name].detach().data<float>()];

    public void Dispose()
    {
        foreach (var tensor in _parameters.Values.Concat(_trained.Select(t => t.Velocity)).Append(_images))
            tensor.Dispose();
    }

    /// <summary>Returns the loss; disposes all but the tensors that backward needs.</summary>
    private Tensor Forward()
    {
        using var scope = NewDisposeScope();
        var executor = new TorchExecutor(_config, _parameters);
        return _loss(executor, executor.Input(_images, _shape)).MoveToOuterDisposeScope();
    }
}
