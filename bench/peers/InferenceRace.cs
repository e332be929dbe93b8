using MlffAd.Execution.Onnx;

namespace MlffAd.Peers;

/// <summary>A planned network, or its backbone, against ONNX Runtime on the same description's export.</summary>
internal sealed record InferenceRace(string Name, string Preset, bool WholeNetwork,
    int Batch) : Contest($"inference.{Name}", Preset, Batch)
{
    public static new IEnumerable<Contest> All =>
    [
        new InferenceRace("paper.batch1", "paper", true, 1), new InferenceRace("paper.batch8", "paper", true, 8),
        new InferenceRace("fast.batch1", "fast", true, 1), new InferenceRace("fast.batch8", "fast", true, 8),
        new InferenceRace("backbone.batch1", "paper", false, 1),
            new InferenceRace("backbone.batch8", "paper", false, 8),
    ];

    public override (string Text, string Key) Peer => ("ONNX Runtime", "onnxRuntime");

    public override Outcome Run(int threads, int rounds)
    {
        using var device = Device.Open("cpu", threads);
        var weights = Weights(MlffNetwork.Parameters(Config));
        return WholeNetwork
            ? RunWhole(device, weights, threads, rounds)
            : RunBackbone(device, weights, threads, rounds);
    }

    private Outcome RunWhole(Device device, NetworkWeights weights, int threads, int rounds)
    {
        int side = Config.ImageSize;
        var model = new Model(new ModelMetadata(Config: Config, Preprocessing: Preprocessing.ImageNet, Threshold: 0,
            Calibration: null, Training: new TrainingRecord(0, 0, 0, "", null), Class: "race"), weights);
        byte[] bytes = Photographs();
        using var plan =
            Planner.Plan(Config, weights, device, new Shape(Batch, side, side, 3), MlffNetwork.Scores(Config));
        float[] images = new float[bytes.Length];
        var how = KernelOptions.Normalisation(Preprocessing.ImageNet);
        using var peer = new OnnxPeer(OnnxWriter.Write(model), threads);
        peer.Bind(bytes, [Batch, side, side, 3]);
        var times = Race.Run(rounds, () =>
        {
            Normalise.Forward(bytes, images, how);
            plan.Input.Write(images);
            plan.Run();
        }, peer.Run);
        return Outcome(times, Difference(plan.Outputs[0].ToArray(), peer.Output(1)));
    }

    private Outcome RunBackbone(Device device, NetworkWeights weights, int threads, int rounds)
    {
        int side = Config.ImageSize;
        using var plan = Planner.Plan(Config, weights, device, new Shape(Batch, side, side, 3), Backbone);
        using var peer = new OnnxPeer(OnnxWriter.Write(Config, weights, Backbone), threads);
        float[] last = NormalisedPhotographs();
        plan.Input.Write(last);
        peer.Bind(Turn(last, side * side, 3), [Batch, 3, side, side]);
        var times = Race.Run(rounds, plan.Run, peer.Run);
        var f3 = plan.Outputs[2];
        return Outcome(times, Difference(Turn(f3.ToArray(), f3.Shape.Area, f3.C), peer.Output(2)));
    }

    private static Outcome Outcome(Race.Result times, double difference) =>
        new(times, string.Create(CultureInfo.InvariantCulture,
            $"largest difference {difference:0.0e+00} of the largest output"), ("difference", difference));

    /// <summary>NHWC to NCHW.</summary>
    private float[] Turn(float[] last, int area, int channels)
    {
        float[] first = new float[last.Length];
        for (int n = 0; n < Batch; n++)
            for (int p = 0; p < area; p++)
                for (int c = 0; c < channels; c++)
                    first[(n * channels + c) * area + p] = last[(n * area + p) * channels + c];
        return first;
    }
}
