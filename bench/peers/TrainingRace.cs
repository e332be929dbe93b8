using MlffAd.Training;
using TorchSharp;

namespace MlffAd.Peers;

/// <summary>A training step (forward, loss, backward, update) of the whole network, or of its backbone, against
/// libtorch on the same description, from the same weights.</summary>
internal sealed record TrainingRace(string Name, string Preset, bool WholeNetwork,
    int Batch) : Contest($"training.{Name}", Preset, Batch)
{
    public static new IEnumerable<Contest> All =>
        [new TrainingRace("backbone.batch8", "paper", false, 8), new TrainingRace("paper.batch8", "paper", true, 8)];

    public override (string Text, string Key) Peer => ("libtorch", "libtorch");

    public override Outcome Run(int threads, int rounds)
    {
        using var device = Device.Open("cpu", threads);
        float[] images = NormalisedPhotographs();
        return WholeNetwork ? RunWhole(device, images, rounds) : RunBackbone(device, images, rounds);
    }

    private Outcome RunWhole(Device device, float[] images, int rounds)
    {
        float[] labels = Labels();
        var weights = Weights(MlffNetwork.Parameters(Config));
        using var parameters = new Parameters(device, weights);
        using var step = new TrainingStep(Config, parameters, Batch);
        return Run(parameters, weights, images, rounds, () => step.Run(images, labels, Config.Train.Lr).Losses.Total,
            (x, image) =>
        {
            var features = new MlffNetwork(Config).Forward(x, image);
            var y = torch.tensor(labels, [Batch, Config.MapSide, Config.MapSide, 1]);
            return TorchLosses.Evaluate(x.Read(features.F), x.Read(features.S), y, Config.Loss);
        });
    }

    /// <summary>The backbone's loss is the mean distance of its cells' features from 0, summed over
    /// f1, f2 and f3.</summary>
    private Outcome RunBackbone(Device device, float[] images, int rounds)
    {
        Value[] Describe(IExecutor x, Value image) => [.. Backbone(x, image).Select(x.Distance)];
        var weights = Weights(ParameterList.Of(Config, Describe));
        using var parameters = new Parameters(device, weights);
        using var input =
            Tensor.From(device, new Shape(Batch, Config.ImageSize, Config.ImageSize, 3), images, "images");
        using var step = new PartStep(Config, parameters, Describe, input);
        return Run(parameters, weights, images, rounds, step.Run,
            (x, image) => Describe(x, image).Select(S => x.Read(S).mean()).Aggregate((a, b) => a + b));
    }

    /// <summary>Compares a first step of both, then races.</summary>
    private Outcome Run(Parameters parameters, NetworkWeights weights, float[] images, int rounds, Func<double> ours,
        Func<TorchExecutor, Value, torch.Tensor> loss)
    {
        double first = ours(), gigabytes = parameters.Weights.Device.Pool.AllocatedBytes / 1e9;
        int side = Config.ImageSize, threads = parameters.Weights.Device.Team.Count;
        using var peer = new TorchStep(Config, weights, images, new Shape(Batch, side, side, 3), threads, loss);
        double lossDifference = Math.Abs(peer.Run() / first - 1);
        var (stepDifference, weightDifference) = Compare(weights, parameters.ToHost(), peer);
        string remark = string.Create(CultureInfo.InvariantCulture,
            $"loss differs by {lossDifference:0.0e+00}, first step by {stepDifference:0.0e+00} of its length, weights "
                + $"after it by {weightDifference:0.0e+00}; ours holds {gigabytes:0.00} GB");
        return new(Race.Run(rounds, () => ours(), () => peer.Run()), remark, ("lossDifference", lossDifference),
            ("stepDifference", stepDifference), ("weightDifference", weightDifference), ("oursGigabytes", gigabytes));
    }

    /// <summary>Difference of both steps relative to the step's length, and the largest difference of a weight relative
    /// to its tensor's largest.</summary>
    /// <remarks>The first is some 1e-3: where an activation is 0 up to rounding, the two disagree on whether the ReLU
    /// passes its gradient. The second omits shifts, which start from 0: some of the whole network's have no gradient,
    /// because the next batch normalisation removes them.</remarks>
    private static (double Step, double Weights) Compare(NetworkWeights before, NetworkWeights ours, TorchStep peer)
    {
        double squares = 0, errors = 0, largest = 0;
        foreach (var p in before.List.Trained)
        {
            float[] theirs = peer.Weight(p.Name);
            Span<float> from = before[p], mine = ours[p];
            for (int i = 0; i < theirs.Length; i++)
            {
                squares += Math.Pow((double)theirs[i] - from[i], 2);
                errors += Math.Pow((double)theirs[i] - mine[i], 2);
            }
            if (p.Kind == ParameterKind.Weight) largest = Math.Max(largest, Difference(mine, theirs));
        }
        return (Math.Sqrt(errors / squares), largest);
    }

    /// <summary>A square of anomalous cells in every other image.</summary>
    private float[] Labels()
    {
        int side = Config.MapSide;
        float[] labels = new float[Batch * side * side];
        for (int n = 0; n < Batch; n += 2)
            for (int y = 0; y < side / 4; y++)
                labels.AsSpan((n * side + side / 4 + y) * side + side / 2, side / 4).Fill(1);
        return labels;
    }
}
