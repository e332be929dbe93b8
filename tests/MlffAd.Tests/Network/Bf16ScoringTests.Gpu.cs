using MlffAd.Tests.Kernels;

namespace MlffAd.Tests.Network;

/// <summary>Plans for a device that multiplies in BF16.</summary>
public sealed class Bf16ScoringTests
{
    public static TheoryData<string> Gpus => Bf16MapTests.Gpus;

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void PlansKeepTheirMapsInItAndComeNearFloat32s(string id)
    {
        // With texture; without it fused maps are BF16, too; without the self-calibrated module; without the linear
        // score. Where S alone is wanted, a map in BF16 goes into the score's single column, which
        // tensor cores do not write.
        foreach (var changes in new (string Key, string Value)[][] { [], [("texture.enabled", "false")],
            [("sc.enabled", "false")], [("score.linear", "false")] })
        {
            var config = changes.Aggregate(Preset.Find("tiny").With("backbone.width", "8"),
                (c, change) => c.With(change.Key, change.Value));
            float[] alone = Score(id, config, Precision.Bf16, f => [f.S]).Outputs[0];
            var (expected, bytes, _) = Score(id, config, Precision.Float32, All);
            var (found, half, formats) = Score(id, config, Precision.Bf16, All);
            Assert.Equal([Format.Float32, Format.Float32, Format.Bf16, Format.Bf16, Format.Bf16], formats);
            Assert.True(half < bytes, $"{half} of {bytes}");
            found = [.. found, alone];
            expected = [.. expected, expected[0]];
            for (int i = 0; i < expected.Length; i++)
            {
                double size = Math.Sqrt(expected[i].Average(v => (double)v * v));
                double error = Math.Sqrt(expected[i].Zip(found[i], (a, b) => (double)(a - b) * (a - b)).Average());
                Assert.True(error < 0.03 * size,
                    $"Output {i} of {string.Join(' ', changes)} is off by {error / size:0.000} of its size.");
            }
        }
    }

    private static Value[] All(Features f) => [f.S, f.F, .. f.Stages];

    private static (float[][] Outputs, long Bytes, Format[] Formats) Score(string id, Config config,
        Precision precision, Func<Features, Value[]> wanted)
    {
        using var emulation = precision == Precision.Float32
            ? null
            : new TensorCoreProductTests.Emulation(id, precision);
        using var lease = emulation is null ? TestDevices.Borrow(id) : null;
        using var plan = Planner.Plan(config, Initialisation.Random(MlffNetwork.Parameters(config), 1),
            emulation?.Device
            ?? lease!.Device, new Shape(2, config.ImageSize, config.ImageSize, 3),
            (x, image) => wanted(new MlffNetwork(config).Forward(x, image)));
        plan.Input.Write(NetworkTests.Batch(config, 2, 1).Images);
        plan.Run();
        return ([.. plan.Outputs.Select(t => t.ToArray())], plan.ActivationBytes,
            [.. plan.Outputs.Select(t => t.Format)]);
    }
}
