using System.Diagnostics;
using System.Globalization;

namespace MlffAd.Kernels.Runtime;

/// <summary>One kernel's totals.</summary>
public sealed record KernelTotals(string Name)
{
    /// <summary>Calls.</summary>
    public long Calls { get; internal set; }

    /// <summary>Time in seconds.</summary>
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
/// <param name="Seconds">How long it took.</param>
/// <param name="Flop">Floating-point operations, by the kernel's own formula.</param>
/// <param name="Bytes">Bytes that must move, by the kernel's own formula.</param>
public readonly record struct KernelCall(string Name, string About, double Begin, double Seconds, long Flop,
    long Bytes);

/// <summary>Time stamps in a device's queue of work.</summary>
internal abstract class DeviceClock
{
    /// <summary>Enqueues a mark after all work so far; its number.</summary>
    public abstract int Mark();

    /// <summary>Seconds between two marks; waits for the later one. Mark −1 is the clock's start.</summary>
    public abstract double Seconds(int from, int to);

    /// <summary>Forgets all marks.</summary>
    public abstract void Clear();
}

/// <summary>The host's clock: calls are synchronous.</summary>
internal sealed class HostClock : DeviceClock
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly List<long> _marks = [];

    public override int Mark()
    {
        _marks.Add(Stopwatch.GetTimestamp());
        return _marks.Count - 1;
    }

    public override double Seconds(int from, int to) =>
        Stopwatch.GetElapsedTime(from < 0 ? _began : _marks[from], _marks[to]).TotalSeconds;

    public override void Clear() => _marks.Clear();
}

/// <summary>Sums calls, time, FLOP and bytes per kernel. A GPU stamps the times itself, between launches, so profiling
/// does not synchronise; where launches are the bottleneck, the GPU's idle time counts.</summary>
/// <remarks><c>MLFFAD_TRACE=1</c> prints the totals when the device closes, 2 also a line per call, 3 with its shape;
/// all to standard error.</remarks>
public sealed class Profiler(Device device, int traceLevel = 0)
{
    /// <summary>GPU calls between two readings of the marks.</summary>
    private const int MostPending = 4096;

    private DeviceClock? _clock;
    private int _open;
    private readonly Dictionary<string, KernelTotals> _totals = [];
    private readonly List<(string Name, string About, int From, int To, long Flop, long Bytes)> _pending = [];
    private readonly List<KernelCall>? _calls;

    /// <summary>A profiler that keeps every call.</summary>
    public Profiler(Device device, List<KernelCall> calls) : this(device) => _calls = calls;

    /// <summary>Totals, longest first.</summary>
    public IReadOnlyList<KernelTotals> Totals
    {
        get
        {
            Finish();
            return [.. _totals.Values.OrderByDescending(t => t.Seconds)];
        }
    }

    internal static int LevelFromEnvironment =>
        int.TryParse(Environment.GetEnvironmentVariable("MLFFAD_TRACE"), CultureInfo.InvariantCulture, out int level)
            ? level
            : 0;

    // Made when it is first needed: a device has its profiler before it is complete.
    private DeviceClock Clock => _clock ??= device.NewClock();

    internal int Start()
    {
        _open++;
        return Clock.Mark();
    }

    internal void Stop(string name, Tensor about, int start, long flop, long bytes)
    {
        _pending.Add((name, _calls is null && traceLevel < 3
            ? ""
            : about.ToString(), start, Clock.Mark(), flop, bytes));
        if (--_open == 0 && (device.IsHost || traceLevel >= 2 || _pending.Count >= MostPending)) Finish();
    }

    /// <summary>Waits for all calls so far and sums them. Not to be called within a range.</summary>
    public void Finish()
    {
        foreach (var (name, about, from, to, flop, bytes) in _pending)
        {
            double seconds = Clock.Seconds(from, to);
            if (!_totals.TryGetValue(name, out var t)) _totals[name] = t = new(name);
            t.Calls++;
            t.Seconds += seconds;
            t.Flop += flop;
            t.Bytes += bytes;
            _calls?.Add(new KernelCall(Name: name, About: about, Begin: Clock.Seconds(-1, from), Seconds: seconds,
                Flop: flop, Bytes: bytes));
            if (traceLevel >= 2)
                Console.Error.WriteLine(Line(name, 1, seconds, flop, bytes) + (traceLevel >= 3 ? $"  {about}" : ""));
        }
        _pending.Clear();
        _clock?.Clear();
    }

    internal void Report()
    {
        if (traceLevel < 1) return;
        Console.Error.WriteLine($"{device.Id}: {"kernel",-32} {"calls",6} {"ms",10} {"GFLOP/s",9} {"GB/s",8}");
        foreach (var t in Totals) Console.Error.WriteLine(Line(t.Name, t.Calls, t.Seconds, t.Flop, t.Bytes));
    }

    private string Line(string name, long calls, double seconds, double flop, double bytes) =>
        string.Create(CultureInfo.InvariantCulture,
            $"{device.Id}: {name,-32} {calls,6} {seconds * 1e3,10:F3} {flop / seconds * 1e-9,9:F1} "
                + $"{bytes / seconds * 1e-9,8:F1}");
}
