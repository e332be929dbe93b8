using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>A host body: items <c>begin … end − 1</c> of an operator's work, independent of all others.</summary>
public interface IJob
{
    /// <summary>Does the items of a half-open range.</summary>
    void Run(int begin, int end);
}

/// <summary>A host body whose items differ in cost: threads take them one at a time.</summary>
internal interface IItemJob
{
    /// <summary>Does an item. A part is one thread's: scratch memory by part needs no lock.</summary>
    void Run(int part, int item);
}

/// <summary>A fork–join team of a fixed number of threads. Each call splits its items into equal contiguous ranges, one
/// a thread.</summary>
/// <remarks>A host body computes an item the same way on any thread, so results do not depend on their number. Workers
/// spin for some 20 µs after a call, so that the next operator finds them awake, then park. No call allocates: the job
/// lives on the caller's stack and workers reach it by pointer.</remarks>
public sealed unsafe class ThreadTeam : IDisposable
{
    private const int Spins = 200;

    [ThreadStatic] private static bool _inside;

    private readonly Lock _oneCaller = new();
    private readonly Worker[] _workers;
    private delegate*<void*, int, int, void> _call;
    private void* _job;
    private int _items, _parts;
    private volatile int _pending;
    private volatile bool _stop;
    private volatile ExceptionDispatchInfo? _failure;

    /// <summary>Starts the team.</summary>
    /// <param name="count">Threads, the caller included; 0 means one for each processor.</param>
    public ThreadTeam(int count = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Count = count == 0 ? Environment.ProcessorCount : count;
        _workers = new Worker[Count - 1];
        for (int i = 0; i < _workers.Length; i++) _workers[i] = new Worker(this, i + 1);
    }

    /// <summary>Threads, the caller included.</summary>
    public int Count { get; }

    /// <summary>Threads available to a call from the current thread: 1 inside an item of another call.</summary>
    internal int Here => _inside ? 1 : Count;

    /// <summary>Work that is worth waking a thread for, in elements of a pass that memory bounds.</summary>
    private const long LeastWork = 8192;

    /// <summary>Runs a job's items on the team, each item worth a thread, and returns when all are done.</summary>
    /// <param name="items">Number of items.</param>
    /// <param name="job">The body.</param>
    public void For<T>(int items, T job) where T : struct, IJob => For(items, job, LeastWork);

    /// <summary>Runs a job's items on the team and returns when all are done; small jobs take fewer threads.</summary>
    /// <param name="items">Number of items.</param>
    /// <param name="job">The body.</param>
    /// <param name="workPerItem">What an item costs, in elements of a pass that memory bounds.</param>
    public void For<T>(int items, T job, long workPerItem) where T : struct, IJob
    {
        if (items <= 0) return;
        int grain = (int)Math.Max(1, LeastWork / Math.Max(1, workPerItem));
        int parts = Math.Min(Count, (items + grain - 1) / grain);
        if (parts <= 1 || _inside)
        {
            job.Run(0, items);
            return;
        }
        lock (_oneCaller)
        {
            _call = &Invoke<T>;
            _job = Unsafe.AsPointer(ref job);
            (_items, _parts, _failure, _pending) = (items, parts, null, parts - 1);
            for (int i = 0; i < parts - 1; i++) _workers[i].Wake();
            Do(0);
            for (int spin = 0; _pending != 0; spin++)
            {
                if (spin < Spins) Thread.SpinWait(20);
                else Thread.Yield();
            }
            _failure?.Throw();
        }
    }

    /// <summary>Runs a job's items from a work-stealing queue (<see cref="Shares"/>) and returns when all are
    /// done.</summary>
    internal void Share<T>(int parts, int items, T job) where T : struct, IItemJob
    {
        int* next = stackalloc int[parts * Shares.Pitch];
        new Span<int>(next, parts * Shares.Pitch).Clear();
        For(parts, new ShareJob<T>(new Shares(next, items, parts), job));
    }

    /// <summary>First item of a part, if the items are split into equal parts.</summary>
    internal static int Start(int part, int parts, int items) => (int)((long)items * part / parts);

    /// <summary>Stops the threads.</summary>
    public void Dispose()
    {
        _stop = true;
        foreach (var worker in _workers) worker.Wake();
    }

    private static void Invoke<T>(void* job, int begin, int end)
        where T : struct, IJob => Unsafe.AsRef<T>(job).Run(begin, end);

    private void Do(int part)
    {
        _inside = true;
        try { _call(_job, Start(part, _parts, _items), Start(part + 1, _parts, _items)); }
        catch (Exception e) { _failure = ExceptionDispatchInfo.Capture(e); }
        finally { _inside = false; }
    }

    private readonly struct ShareJob<T>(Shares shares, T job) : IJob where T : struct, IItemJob
    {
        public void Run(int begin, int end)
        {
            for (int part = begin; part < end; part++)
                for (int item; (item = shares.Take(part)) >= 0;) job.Run(part, item);
        }
    }

    private sealed class Worker
    {
        private readonly ThreadTeam _team;
        private readonly int _part;
        private readonly SemaphoreSlim _signal = new(0);
        private volatile int _calls;
        private int _parked;

        public Worker(ThreadTeam team, int part)
        {
            (_team, _part) = (team, part);
            new Thread(Loop) { IsBackground = true, Name = $"mlffad worker {part}" }.Start();
        }

        public void Wake()
        {
            Interlocked.Increment(ref _calls);
            if (Volatile.Read(ref _parked) == 1) _signal.Release();
        }

        private void Loop()
        {
            for (int seen = 0; ; seen++)
            {
                for (int spin = 0; _calls == seen && spin < Spins; spin++) Thread.SpinWait(20);
                if (_calls == seen) Park(seen);
                if (_team._stop) return;
                _team.Do(_part);
                Interlocked.Decrement(ref _team._pending);
            }
        }

        private void Park(int seen)
        {
            Interlocked.Exchange(ref _parked, 1);
            while (_calls == seen) _signal.Wait();
            Interlocked.Exchange(ref _parked, 0);
        }
    }
}

/// <summary>Work-stealing queue: each thread drains its own contiguous share first, whose data is in its caches, then
/// helps the others, so that a delayed thread holds up none.</summary>
/// <param name="next">A counter for each part, <see cref="Pitch"/> ints apart, all 0.</param>
/// <param name="items">Number of items.</param>
/// <param name="parts">Number of parts.</param>
internal readonly unsafe struct Shares(int* next, int items, int parts)
{
    /// <summary>Ints from one counter to the next: two cache lines, since the adjacent-line prefetcher works in
    /// pairs.</summary>
    public const int Pitch = 32;

    /// <summary>The next item for a part, or −1 if none is left.</summary>
    public int Take(int part)
    {
        for (int i = 0; i < parts; i++)
        {
            int owner = (part + i) % parts;
            int first = ThreadTeam.Start(owner, parts, items);
            int count = ThreadTeam.Start(owner + 1, parts, items) - first;
            int* counter = next + owner * Pitch;
            if (Volatile.Read(ref *counter) >= count) continue;
            int item = Interlocked.Increment(ref *counter) - 1;
            if (item < count) return first + item;
        }
        return -1;
    }
}
