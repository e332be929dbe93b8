using System.Runtime.CompilerServices;
using Xunit.Sdk;
using Xunit.v3;

namespace MlffAd.Tests;

/// <summary>A theory whose rows are devices. Where there is none of its devices it is left out, and one skipped test
/// says so for all of them.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer(typeof(DeviceTheoryDiscoverer))]
public sealed class DeviceTheoryAttribute : TheoryAttribute
{
    public DeviceTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line) => SkipTestWithoutData = true;
}

/// <summary>Finds the rows, and counts theories that have none.</summary>
public sealed class DeviceTheoryDiscoverer : TheoryDiscoverer
{
    private static int _leftOut;

    /// <summary>How many theories were left out.</summary>
    public static int LeftOut => _leftOut;

    public override async ValueTask<IReadOnlyCollection<IXunitTestCase>> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, IXunitTestMethod testMethod, IFactAttribute factAttribute)
    {
        // Whether there are rows is asked here, not when the theory runs.
        discoveryOptions.SetPreEnumerateTheories(true);
        var cases = await base.Discover(discoveryOptions, testMethod, factAttribute);
        if (cases.Any(row => row.SkipReason is null)) return cases;
        Interlocked.Increment(ref _leftOut);
        return [];
    }
}

public sealed class DeviceTheoryTests
{
    [Fact]
    public void EveryTheoryHasADevice() => Assert.SkipWhen(DeviceTheoryDiscoverer.LeftOut > 0,
        $"no GPU: {DeviceTheoryDiscoverer.LeftOut} tests of its kernels are left out");
}
