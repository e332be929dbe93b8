using MlffAd.Autograd;
using MlffAd.Configuration;
using MlffAd.Execution;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;
using MlffAd.Network;
using MlffAd.Weights;

namespace MlffAd.Training;

/// <summary>What a step found.</summary>
/// <param name="Losses">The losses before the step.</param>
/// <param name="GradientNorm">Before clipping; not a number if the loss was not finite.</param>
public readonly record struct StepResult(FinalLosses Losses, double GradientNorm)
{
    /// <summary>Whether the step was taken; else weights and statistics are as before.</summary>
    public bool IsFinite => double.IsFinite(Losses.Total) && double.IsFinite(GradientNorm);
}

/// <summary>One step of stochastic gradient descent on a batch (spec §7, §8): forward, losses, backward, update.</summary>
public sealed class TrainingStep : IDisposable
{
    private readonly Config _config;
    private readonly Parameters _parameters;
    private readonly MlffNetwork _network;
    private readonly LossOptions _loss;
    private readonly SgdRange[] _ranges;
    private readonly Tensor _images, _labels, _values;
    private readonly Dictionary<int, Recording> _recordings = [];

    /// <summary>Prepares for batches of up to <c>train.batch</c> images.</summary>
    public TrainingStep(Config config, Parameters parameters, int capacity)
    {
        (_config, _parameters, _network, _loss) = (config, parameters, new MlffNetwork(config), KernelOptions.Loss(config.Loss));
        var device = parameters.Weights.Device;
        _images = Tensor.Rent(device, new Shape(capacity, config.ImageSize, config.ImageSize, 3), "images");
        _labels = Tensor.Rent(device, new Shape(capacity, config.MapSide, config.MapSide, 1), "labels");
        _values = Tensor.Rent(device, Shape.Of(4), "losses");
        _ranges = [.. Ranges()];
    }

    /// <summary>Told of what was computed, while it is still there.</summary>
    public Action<Features>? OnForward { get; set; }

    /// <summary>Told when the gradients are complete, before they are clipped and used.</summary>
    public Action? OnGradients { get; set; }

    /// <summary>Takes a step.</summary>
    /// <param name="images">Normalised, <c>[N, S, S, 3]</c>.</param>
    /// <param name="labels">1 where a cell is anomalous, <c>[N, M, M]</c>.</param>
    /// <param name="rate">Learning rate lr_t.</param>
    public StepResult Run(ReadOnlySpan<float> images, ReadOnlySpan<float> labels, double rate)
    {
        int n = labels.Length / _config.Cells;
        bool again = _recordings.TryGetValue(n, out var recording);
        recording ??= new Recording(_config, _parameters, _images.Items(0, n), _labels.Items(0, n), capacity: _images.Shape.N);
        recording.Images.Write(images);
        recording.Labels.Write(labels);
        if (again) recording.Tape.Forward();
        else recording.Features = _network.Forward(recording.Recorder, new Value(recording.Images));
        _recordings[n] = recording;
        var (features, tape) = (recording.Features!, recording.Tape);
        OnForward?.Invoke(features);

        Value F = features.F, S = features.S;
        Losses.Evaluate(F.Tensor, S.Tensor, recording.Labels, _loss, _values, F.Receive(out _), S.Receive(out _));
        float[] v = _values.ToArray();
        var losses = new FinalLosses(v[0], v[1], v[2], v[3]);
        if (!float.IsFinite(v[0]))
        {
            tape.Free();
            return new StepResult(losses, double.NaN);
        }

        tape.Backward();
        OnGradients?.Invoke();
        double norm = Math.Sqrt(Sgd.SquaredNorm(_parameters.Gradients)), clip = _config.Train.ClipNorm;
        var result = new StepResult(losses, norm);
        if (result.IsFinite)
        {
            double scale = clip > 0 ? Math.Min(1, clip / norm) : 1;
            Sgd.Step(_parameters.Weights, _parameters.Velocities, _parameters.Gradients, _ranges, (float)rate, (float)_config.Train.Momentum, (float)scale);
            recording.Recorder.CommitStatistics();
        }
        _parameters.Weights.Device.Pool.IsWarm = true;
        return result;
    }

    /// <summary>Returns the input buffers.</summary>
    public void Dispose()
    {
        foreach (var recording in _recordings.Values) recording.Tape.Free();
        foreach (var tensor in (ReadOnlySpan<Tensor>)[_images, _labels, _values]) tensor.Dispose();
    }

    /// <summary>What a batch of one size comes to, written down at the first.</summary>
    private sealed class Recording
    {
        public Recording(Config config, Parameters parameters, Tensor images, Tensor labels, int capacity) => (Images, Labels, Recorder) = (images, labels, new Recorder(config, parameters, Tape, capacity));

        public Tensor Images { get; }
        public Tensor Labels { get; }
        public Tape Tape { get; } = new();
        public Recorder Recorder { get; }
        public Features? Features { get; set; }
    }

    /// <summary>Runs of parameters that are treated alike; gaps between them hold zeros and may be in either.</summary>
    private IEnumerable<SgdRange> Ranges()
    {
        SgdRange? run = null;
        foreach (var p in _parameters.List.Trained.OrderBy(p => p.Start))
        {
            float decay = p.Kind == ParameterKind.Weight ? (float)_config.Train.WeightDecay : 0, scale = p.IsBackbone ? (float)_config.Train.BackboneLrScale : 1;
            bool frozen = _config.Train.Freezes(p);
            if (run is { } r && r.Decay == decay && r.RateScale == scale && r.Frozen == frozen) run = r with { Count = p.Start + p.Count - r.Start };
            else
            {
                if (run is { } done) yield return done;
                run = new SgdRange(p.Start, p.Count, decay, scale, frozen);
            }
        }
        if (run is { } last) yield return last;
    }
}
