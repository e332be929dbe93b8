namespace MlffAd.Tests.Network;

public sealed class MemoryNetworkTests
{
    public static TheoryData<string> FastDevices => TestDevices.Fast;

    /// <summary>The planner folds, simplifies and packs; the recorder does what the description says.</summary>
    [Theory, MemberData(nameof(FastDevices))]
    public void APlanScoresAsTheDescriptionDoes(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (string keys in new[]
        {
            "memory.from=2,3", "memory.from=3", "memory.from=1 memory.mean=true",
            "memory.from=1,2,3 memory.scaling=place",
            "memory.from=2,3 memory.mean=true memory.scaling=vector memory.smooth=0",
        })
        {
            var config = keys.Split(' ')
                .Aggregate(Preset.Find("tiny").With("train.bn", "frozen").With("memory.size", "20")
                .With("memory.width", "12"), (c, key) => c.With(key.Split('=')[0], key.Split('=')[1])).Validate();
            var weights = Weights(config);
            var shape = new Shape(2, 64, 64, 3);
            float[] image = Gradients.Random((int)shape.Count, seed: 1);
            using var plan = Planner.Plan(config, weights, lease.Device, shape, MlffNetwork.Scores(config));
            plan.Input.Write(image);
            plan.Run();
            float[] planned = plan.Outputs[0].ToArray();

            using var parameters = new Parameters(lease.Device, weights);
            using var input = Tensor.From(lease.Device, shape, image, "image");
            var tape = new Tape();
            var recorded = MlffNetwork.Scores(config)(new Recorder(config, parameters, tape, 2), new Value(input))[0];
            float[] described = recorded.Tensor.ToArray();
            tape.Free();
            float largest = described.Max(MathF.Abs);
            Assert.True(largest > 0.01f);
            Assert.All(planned.Zip(described), pair => Assert.Equal(pair.Second, pair.First, 1e-3f * largest));
        }
    }

    [Fact]
    public void ProjectionGoesBeforeTheEnlargementOfStageThree()
    {
        var config = new Config().With("memory.size", "20").With("memory.width", "12");
        using var device = Device.Open("cpu", 1);
        using var plan =
            Planner.Plan(config, NetworkWeights.Zeros(MlffNetwork.Parameters(config)), device,
                new Shape(1, 256, 256, 3), (x, image) => [new MemoryNetwork(config).Cells(x, image)]);
        plan.Run();
        var products = plan.Measure()
            .Where(step => step.Name.StartsWith(MemoryNetwork.Projection, StringComparison.Ordinal)).ToList();
        Assert.Contains(products,
            step => step.Output.H == 16 && step.Kernel.StartsWith("convolution", StringComparison.Ordinal));
    }

    private static NetworkWeights Weights(Config config)
    {
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), seed: 3);
        foreach (var constant in weights.List.Constants)
        {
            float[] values = Gradients.Random(constant.Count, seed: constant.Count, scale: 0.5f);
            if (constant.Name == MemoryNetwork.Groups) Array.Fill(values, 0);
            values.CopyTo(weights[constant]);
        }
        return weights;
    }
}
