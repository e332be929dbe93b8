using MlffAd.Autograd;
using MlffAd.Configuration;
using MlffAd.Execution;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Peers;

/// <summary>A training step of ours on a description that is no whole network: it descends the sum of its outputs' means.</summary>
internal sealed class PartStep(Config config, Parameters parameters, Func<IExecutor, Value, Value[]> describe, Tensor images) : IDisposable
{
    private readonly Tape _tape = new();
    private readonly SgdRange[] _ranges = [.. parameters.List.Trained.Select(p => new SgdRange(p.Start, p.Count, p.Kind == ParameterKind.Weight ? (float)config.Train.WeightDecay : 0))];

    /// <summary>Takes a step; returns the loss before it.</summary>
    public double Run()
    {
        var recorder = new Recorder(config, parameters, _tape, images.Shape.N);
        double loss = 0;
        foreach (var output in describe(recorder, new Value(images)))
        {
            loss += output.Tensor.ToArray().Average();
            Pointwise.Fill(output.Receive(out _), 1f / output.Shape.Count);
        }
        _tape.Backward();
        Sgd.Step(parameters.Weights, parameters.Velocities, parameters.Gradients, _ranges, (float)config.Train.Lr, (float)config.Train.Momentum);
        recorder.CommitStatistics();
        return loss;
    }

    public void Dispose() => _tape.Clear();
}
