using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>Memory bandwidth in GB/s. Counts the bytes that a loop reads and writes, as operators do, not the reads for
/// ownership of ordinary stores: a copy with non-temporal stores may therefore be faster than one without, and than
/// reading.</summary>
/// <param name="Read">A sum of an array: 4 bytes a number.</param>
/// <param name="Copy">One array to another: 8 bytes a number.</param>
/// <param name="CopyPast">The same with non-temporal stores: 8 bytes a number.</param>
public readonly record struct StreamRates(double Read, double Copy, double CopyPast)
{
    /// <summary>The ceiling for operators that are bound by memory: the fastest of the three, as an operator does not
    /// say how much of its traffic is which.</summary>
    public double Ceiling => Math.Max(Read, Math.Max(Copy, CopyPast));
}

/// <summary>Measures the team's memory bandwidth on arrays larger than any cache: the ceiling of memory-bound
/// operators.</summary>
public sealed unsafe class StreamPeak : IDisposable
{
    /// <summary>Bytes of an array: four times the last-level cache of a processor of a dozen cores.</summary>
    public const int ArrayBytes = 128 << 20;

    private const int Floats = ArrayBytes / sizeof(float), Passes = 3;

    private readonly ThreadTeam _team;
    private readonly HostStorage _from = new(Floats), _to = new(Floats);

    /// <summary>Allocates the arrays.</summary>
    public StreamPeak(ThreadTeam team)
    {
        _team = team;
        // Written once by who reads them later: a page that nobody wrote may be the one page of
        // zeros, which the cache holds.
        foreach (var array in (ReadOnlySpan<HostStorage>)[_from, _to]) team.For(Floats, new Zero(array.Pointer));
    }

    /// <summary>The fastest of three passes of each kind, from the first thread's start to the last's end;
    /// takes some 60 ms.</summary>
    public StreamRates Measure()
    {
        double read = 0, copy = 0, past = 0;
        for (int i = 0; i < Passes; i++)
        {
            read = Math.Max(read, Rate(new Sum(_from.Pointer, _to.Pointer), ArrayBytes));
            copy = Math.Max(copy, Rate(new Copying(_from.Pointer, _to.Pointer, past: false), 2.0 * ArrayBytes));
            past = Math.Max(past, Rate(new Copying(_from.Pointer, _to.Pointer, past: true), 2.0 * ArrayBytes));
        }
        return new StreamRates(read, copy, past);
    }

    /// <summary>Frees the arrays.</summary>
    public void Dispose()
    {
        _from.Dispose();
        _to.Dispose();
    }

    private double Rate<T>(T job, double bytes) where T : struct, IJob
    {
        long start = Stopwatch.GetTimestamp();
        _team.For(Floats / Line, job);
        return bytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    /// <summary>An item of the jobs below: four vectors of the widest kind, so that each job has four
    /// loads on the way.</summary>
    private const int Line = 64;

    private readonly struct Zero(float* to) : IJob
    {
        public void Run(int begin, int end) => new Span<float>(to + begin, end - begin).Clear();
    }

    /// <summary>Sums in as many chains as an item has vectors; a thread leaves its sum where it began, so that nobody
    /// removes the loop.</summary>
    private readonly struct Sum(float* from, float* to) : IJob
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int begin, int end)
        {
            Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
            int v = Vector<float>.Count;
            float* last = from + (nint)end * Line;
            for (float* x = from + (nint)begin * Line; x < last; x += 4 * v)
            {
                s0 += Vector.Load(x);
                s1 += Vector.Load(x + v);
                s2 += Vector.Load(x + 2 * v);
                s3 += Vector.Load(x + 3 * v);
            }
            to[(nint)begin * Line] = Vector.Sum(s0 + s1 + s2 + s3);
        }
    }

    private readonly struct Copying(float* from, float* to, bool past) : IJob
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int begin, int end)
        {
            int v = Vector<float>.Count;
            nint last = (nint)end * Line;
            for (nint i = (nint)begin * Line; i < last; i += 4 * v)
            {
                Vector<float> x0 = Vector.Load(from + i), x1 = Vector.Load(from + i + v);
                Vector<float> x2 = Vector.Load(from + i + 2 * v);
                Vector<float> x3 = Vector.Load(from + i + 3 * v);
                Cache.Store(x0, to + i, past);
                Cache.Store(x1, to + i + v, past);
                Cache.Store(x2, to + i + 2 * v, past);
                Cache.Store(x3, to + i + 3 * v, past);
            }
        }
    }
}
