using System.Collections.Concurrent;

namespace MlffAd.Tests;

/// <summary>The devices that operator tests run on: <c>cpu</c>, <c>debug</c>, and each OpenCL and CUDA device there is.
/// Where it is asked for by name, <c>ptx:80</c>: the code of a CUDA device, run on the processor.</summary>
internal static partial class TestDevices
{
    private static readonly string[] Present = [.. Device.List().Where(d => d.Unavailable is null).Select(d => d.Id)];

    // MLFFAD_TEST_DEVICES=opencl:0 tests that device alone; tests that name a device themselves still find it.
    private static readonly Lazy<string[]> Ids = new(() =>
    {
        if (Environment.GetEnvironmentVariable("MLFFAD_REQUIRE_OPENCL") == "1"
            && !Present.Any(id => id.StartsWith("opencl", StringComparison.Ordinal)))
            throw new InvalidOperationException("MLFFAD_REQUIRE_OPENCL=1, but there is no OpenCL device.");
        return Environment.GetEnvironmentVariable("MLFFAD_TEST_DEVICES") is { Length: > 0 } only
            ? only.Split(',')
            : Present;
    });

    private static readonly ConcurrentDictionary<string, (Lock Lock, Lazy<Device> Device)> Shared = [];

    /// <summary>Every device.</summary>
    public static TheoryData<string> All => [.. Ids.Value];

    /// <summary>Every device fast enough for a network: all but the simulator.</summary>
    public static TheoryData<string> Fast => [.. Ids.Value.Where(id => id != "debug")];

    /// <summary>Those that the command line can open, too, and whose time means something.</summary>
    public static TheoryData<string> Timed =>
        [.. Ids.Value.Where(id => id != "debug" && !id.StartsWith("ptx", StringComparison.Ordinal))];

    /// <summary>Opens a device, with two threads.</summary>
    public static Device Open(string id)
    {
        Device? device = null;
        OpenMachine(id, ref device);
        return device ?? Device.Open(id, threads: 2);
    }

    static partial void OpenMachine(string id, ref Device? device);

    /// <summary>Borrows a device alone. On return every tensor rented meanwhile must have been disposed, or the test
    /// fails with its name.</summary>
    public static Lease Borrow(string id)
    {
        var (gate, device) = Shared.GetOrAdd(id, id => (new Lock(), new Lazy<Device>(() => Open(id))));
        gate.Enter();
        return new Lease(device.Value, gate);
    }

    public sealed class Lease(Device device, Lock gate) : IDisposable
    {
        private readonly long _live = device.Pool.LiveBytes;

        public Device Device => device;

        public void Dispose()
        {
            try { device.Pool.AssertLive(_live); }
            finally { gate.Exit(); }
        }
    }
}
