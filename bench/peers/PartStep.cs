namespace MlffAd.Peers;

/// <summary>Our training step on a part of the network: minimises the sum of its outputs' means. Recorded once, then
/// replayed.</summary>
internal sealed class PartStep : IDisposable
{
    private readonly Config _config;
    private readonly Parameters _parameters;
    private readonly SgdRange[] _ranges;
    private readonly Tape _tape = new();
    private readonly Recorder _recorder;
    private readonly Value[] _outputs;
    private readonly Tensor _clip;

    public PartStep(Config config, Parameters parameters, Func<IExecutor, Value, Value[]> describe, Tensor images)
    {
        (_config, _parameters) = (config, parameters);
        _ranges = [
            .. parameters.List.Trained.Select(p => new SgdRange(p.Start, p.Count, p.Kind == ParameterKind.Weight
                ? (float)config.Train.WeightDecay
                : 0))];
        _clip = Tensor.From(images.Device, Shape.Of(2), [0, 1], "clip");
        _recorder = new Recorder(config, parameters, _tape, images.Shape.N);
        _outputs = describe(_recorder, new Value(images));
        _tape.Free();
    }

    /// <summary>Takes a step; returns the loss before it.</summary>
    public double Run()
    {
        _tape.Forward();
        double loss = 0;
        foreach (var output in _outputs)
        {
            loss += output.Tensor.ToArray().Average();
            Pointwise.Fill(output.Receive(out _), 1f / output.Shape.Count);
        }
        _tape.Backward();
        Sgd.Step(_parameters.Weights, _parameters.Velocities, _parameters.Gradients, _ranges, (float)_config.Train.Lr,
            (float)_config.Train.Momentum, _clip);
        _recorder.CommitStatistics(_clip);
        _parameters.Weights.Device.Pool.IsWarm = true;
        return loss;
    }

    public void Dispose()
    {
        _tape.Free();
        _clip.Dispose();
    }
}
