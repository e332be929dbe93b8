using System.Diagnostics;
using System.Globalization;

namespace MlffAd.Kernels.Runtime;

/// <summary>One kernel's totals.</summary>
public sealed record KernelTotals(string Name)
{
    /// <summary>Calls.</summary>
    public long Calls { get; internal set; }

    /// <summary>Time in seconds, device waits included.</summary>
    public double Seconds { get; internal set; }

    /// <summary>Floating-point operations, by the kernel's own formula.</summary>
    public double Flop { get; internal set; }

    /// <summary>Bytes that must move, by the kernel's own formula.</summary>
    public double Bytes { get; internal set; }
}

/// <summary>A call that was timed.</summary>
/// <param name="Name">The kernel.</param>
/// <param name="About">The call's tensor: name and shape.</param>
/// <param name="Begin">Seconds since the profiler began.</param>
/// <param name="Seconds">How long it took, device waits included.</param>
/// <param name="Flop">Floating-point operations, by the kernel's own formula.</param>
/// <param name="Bytes">Bytes that must move, by the kernel's own formula.</param>
public readonly record struct KernelCall(string Name, string About, double Begin, double Seconds, long Flop, long Bytes);

/// <summary>Adds up calls, time, FLOP and bytes per kernel. Each range waits for the device, so times are true and the whole is slower.</summary>
/// <remarks><c>MLFFAD_TRACE=1</c> prints the totals when the device closes, 2 also a line per call, 3 with its shape; all to standard error.</remarks>
public sealed class Profiler(Device device, int traceLevel = 0)
{
    private readonly Dictionary<string, KernelTotals> _totals = [];
    private readonly long _began = Stopwatch.GetTimestamp();

    /// <summary>Totals, longest first.</summary>
    public IReadOnlyList<KernelTotals> Totals => [.. _totals.Values.OrderByDescending(t => t.Seconds)];

    /// <summary>When set, every call is kept here.</summary>
    public IList<KernelCall>? Calls { get; set; }

    internal static int LevelFromEnvironment =>
        int.TryParse(Environment.GetEnvironmentVariable("MLFFAD_TRACE"), CultureInfo.InvariantCulture, out int level) ? level : 0;

    internal long Start()
    {
        device.Synchronize();
        return Stopwatch.GetTimestamp();
    }

    internal void Stop(string name, Tensor about, long start, long flop, long bytes)
    {
        device.Synchronize();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (!_totals.TryGetValue(name, out var t)) _totals[name] = t = new(name);
        t.Calls++;
        t.Seconds += seconds;
        t.Flop += flop;
        t.Bytes += bytes;
        Calls?.Add(new KernelCall(name, about.ToString(), Stopwatch.GetElapsedTime(_began, start).TotalSeconds, seconds, flop, bytes));
        if (traceLevel >= 2)
            Console.Error.WriteLine(Line(name, 1, seconds, flop, bytes) + (traceLevel >= 3 ? $"  {about}" : ""));
    }

    internal void Report()
    {
        if (traceLevel < 1) return;
        Console.Error.WriteLine($"{device.Id}: {"kernel",-32} {"calls",6} {"ms",10} {"GFLOP/s",9} {"GB/s",8}");
        foreach (var t in Totals) Console.Error.WriteLine(Line(t.Name, t.Calls, t.Seconds, t.Flop, t.Bytes));
    }

    private string Line(string name, long calls, double seconds, double flop, double bytes) => string.Create(CultureInfo.InvariantCulture,
        $"{device.Id}: {name,-32} {calls,6} {seconds * 1e3,10:F3} {flop / seconds * 1e-9,9:F1} {bytes / seconds * 1e-9,8:F1}");
}
