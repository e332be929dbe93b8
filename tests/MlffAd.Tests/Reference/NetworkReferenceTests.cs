using MlffAd.Verification;

namespace MlffAd.Tests.Reference;

public sealed class NetworkReferenceTests
{
    public static TheoryData<string> Devices => TestDevices.Fast;

    /// <summary>Outputs, losses, every gradient, statistics, five steps and evaluation of a small network
    /// equal libtorch's.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void TheNetworkTrainsAndEvaluatesAsTheReference(string device) => Check("net_mini.safetensors", device, 377);

    /// <summary>The shipped weights give the features of the network that they come from.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void TheShippedBackboneGivesItsSourcesFeatures(string device) =>
    Check("backbone-features-a.safetensors", device, 3);

    private static void Check(string file, string device, int count)
    {
        using var lease = TestDevices.Borrow(device);
        var errors = Verifier.Verify(Golden.PathOf(file), lease.Device);
        Assert.Equal(count, errors.Count);
        Assert.All(errors, e => Assert.True(e.IsWithin, $"{e.Name}: error {e.Error:g3}, tolerance {e.Tolerance:g3}"));
    }
}
