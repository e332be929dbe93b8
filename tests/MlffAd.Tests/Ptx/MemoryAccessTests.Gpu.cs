namespace MlffAd.Tests.Ptx;

/// <summary>What docs/gpu.md says of banks and sectors is so, in a training step of a network with
/// channels enough.</summary>
public sealed class MemoryAccessTests
{
    public static TheoryData<string> Devices =>
        [.. TestDevices.Fast.Where(row => row.Data == "ptx:80")
            .SelectMany(row => new[] { row.Data, row.Data + "-bf16" })];

    [DeviceTheory, MemberData(nameof(Devices))]
    public void WarpsMeetInNoBankAndUseWholeSectors(string id)
    {
        using var device = TestDevices.Open(id);
        var meter = ((PtxMachine)((GpuDevice)device).Machine!).Meter = new PtxMeter { Every = 8 };
        var config = Preset.Find("tiny").With("backbone.width", "16").With("texture.width", "64")
            .With("texture.statWidth", "64").With("sc.width", "64").With("fusion.width", "64").With("train.batch", "2");
        using var parameters = new Parameters(device, Initialisation.Random(MlffNetwork.Parameters(config), 1));
        using var step = new TrainingStep(config, parameters, config.Train.Batch);
        Assert.True(step.Run(step.Upload(PseudoAnomalies.Sample(config)), 0.001).IsFinite);

        var kernels = meter.Accesses.GroupBy(a => (Name: a.Kernel.Split(':')[0], a.IsShared))
            .ToDictionary(k => k.Key, k => (double)k.Sum(a => a.Least) / k.Sum(a => a.Cost));
        Assert.True(kernels.Count > 50);
        Assert.Equal(id != "ptx:80", kernels.ContainsKey(("product.tensor", true)));
        foreach (var ((name, isShared), share) in kernels)
        {
            double least = (name, isShared) switch
            {
                ("product.tensor", true) => 0.999,
                // BF16 is stored half a sector at a time; the plain product's tiles are stored by two threads a bank
                ("product.tensor", false) or ("product", true) => 0.9,
                _ when isShared => 0.9,
                ("convolution.to.bf16", _) => 0.5,   // gives the image, three channels of twelve bytes, five of zeros
                _ when name.EndsWith(".wide", StringComparison.Ordinal)
                    || name.EndsWith(".bf16", StringComparison.Ordinal) => 0.9,
                _ => 0,
            };
            Assert.True(share >= least,
                $"{name} uses {share:0.0%} of {(isShared ? "the banks" : "the sectors")} that it keeps busy.");
        }
    }
}
