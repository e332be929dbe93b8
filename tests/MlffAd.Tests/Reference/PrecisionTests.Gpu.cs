using MlffAd.Verification;

namespace MlffAd.Tests.Reference;

/// <summary>The reference files in the precisions of tensor cores, where a card's code runs on the processor. A card
/// itself is held to them by 'mlffad verify'.</summary>
public sealed class PrecisionTests
{
    public static TheoryData<string, string> Files => [.. from id in TestDevices.Fast
        where id.Data.StartsWith("ptx", StringComparison.Ordinal)
        from precision in new[] { Precision.Tf32, Precision.Bf16 }
        from file in new[] { "basic", "batchnorm", "conv", "texture", "losses", "net_mini", "backbone-features-a" }
        select ($"{id.Data}-{precision.Name()}", file)];

    [DeviceTheory, MemberData(nameof(Files))]
    public void ReferencesHoldOnTensorCores(string id, string file)
    {
        using var device = TestDevices.Open(id);
        var errors = Verifier.Verify(Golden.PathOf($"{file}.safetensors"), device);
        Assert.NotEmpty(errors);
        Assert.All(errors, e => Assert.True(e.IsWithin, $"{e.Name}: error {e.Error:g3}, tolerance {e.Tolerance:g3}"));
        // Products do round.
        if (file == "conv") Assert.Contains(errors, e => e.Error > 1e-5);
    }
}
