using MlffAd.Tests.Kernels;

namespace MlffAd.Tests.Network;

/// <summary>Training steps of a device that multiplies in BF16.</summary>
public sealed class Bf16TrainingTests
{
    public static TheoryData<string> Gpus => Bf16MapTests.Gpus;

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void StepsKeepTheirMapsInItAndComeNearFloat32s(string id)
    {
        // With texture its levels and the losses stay float32, without it the losses alone; without the self-calibrated
        // module a map of one format is enlarged into the other.
        foreach (var (changes, exactSc) in new ((string Key, string Value)[], bool)[] { ([], true),
            ([("texture.enabled", "false")], false), ([("sc.enabled", "false")], false) })
        {
            var config = changes.Aggregate(Preset.Find("tiny").With("backbone.width", "8"),
                (c, change) => c.With(change.Key, change.Value));
            var (expected, _) = Train(id, config, Precision.Float32, (_, _) => { });
            var (found, weights) = Train(id, config, Precision.Bf16, (features, parameters) =>
            {
                Assert.All(features.Stages, stage => Assert.Equal(Format.Bf16, stage.Tensor.Format));
                Assert.Equal(exactSc ? Format.Float32 : Format.Bf16, features.Sc.Tensor.Format);
                Assert.Equal((Format.Float32, Format.Float32), (features.F.Tensor.Format, features.S.Tensor.Format));
                Assert.Equal(parameters.Weights.ToArray(), parameters.Rounded!.ToArray(),
                    (w, r) => Math.Abs(w - r) <= Math.Abs(w) / 256);
            });
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 0.03 * expected[i]);
            Assert.All(weights, w => Assert.True(float.IsFinite(w)));
        }
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void ANetworkWhoseChannelsDoNotComeInEightsKeepsFloat32(string id) =>
        Train(id, Preset.Find("tiny").With("backbone.width", "8").With("texture.width", "20"), Precision.Bf16,
            (features, _) => Assert.Equal(Format.Float32, features.Stages[0].Tensor.Format));

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void WhatIsRestoredIsRoundedToo(string id)
    {
        using var emulation = new TensorCoreProductTests.Emulation(id, Precision.Bf16);
        var list = MlffNetwork.Parameters(Preset.Find("tiny"));
        NetworkWeights first = Initialisation.Random(list, 1), second = Initialisation.Random(list, 2);
        using var parameters = new Parameters(emulation.Device, first);
        parameters.Restore(second, new float[list.TrainedFloats]);
        Assert.Equal(second.Trained.ToArray(), parameters.Rounded!.ToArray(),
            (w, r) => Math.Abs(w - r) <= Math.Abs(w) / 256);
    }

    private static (double[] Losses, float[] Weights) Train(string id, Config config, Precision precision,
        Action<Features, Parameters> look)
    {
        using var emulation = precision == Precision.Float32
            ? null
            : new TensorCoreProductTests.Emulation(id, precision);
        using var lease = emulation is null ? TestDevices.Borrow(id) : null;
        var device = emulation?.Device ?? lease!.Device;
        using var parameters = new Parameters(device, Initialisation.Random(MlffNetwork.Parameters(config), 1));
        using var step = new TrainingStep(config, parameters, 3);
        step.OnForward = features => look(features, parameters);
        double Run(int n, int seed)
        {
            var (images, labels) = NetworkTests.Batch(config, n, seed);
            return step.Run(images, labels, 0.001).Losses.Total;
        }
        double first = Run(3, 1), second = Run(3, 2);
        int allocations = device.Pool.Allocations;
        return ([first, second, Run(2, 3), allocations == device.Pool.Allocations ? 1 : 0],
            parameters.Weights.ToArray());
    }
}
