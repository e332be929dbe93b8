using System.Runtime.InteropServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>Recycles a device's memory blocks: after the first training step nothing is allocated.</summary>
/// <remarks>Sizes are rounded up to classes, eight to an octave, and a request takes a block of its class. The pool
/// holds as many blocks of a class as were ever in use at once, so a repeated sequence of requests allocates nothing.
/// Not thread-safe: a device has one driver thread.</remarks>
public sealed class BufferPool(Func<long, Storage> allocate) : IDisposable
{
    private const int Granule = 64;
    private readonly SortedList<long, Stack<Storage>> _free = [];
    private readonly HashSet<Storage> _live = [];
    private readonly Dictionary<(string Name, Shape Shape, Format Format), Tensor?> _known = [];

    /// <summary>Bytes in use by tensors.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>Largest <see cref="LiveBytes"/> seen.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Bytes taken from the device, free blocks included.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Blocks taken from the device since the start; constant once warm.</summary>
    public int Allocations { get; private set; }

    /// <summary>Names of the tensors that have not been returned.</summary>
    public IEnumerable<string> Live => _live.Select(s => s.Holder ?? "?").Order(StringComparer.Ordinal);

    /// <summary>Set after the first whole step: a request whose class is empty then takes the next larger free block
    /// before it allocates, so that a smaller last batch allocates nothing.</summary>
    public bool IsWarm { get; set; }

    /// <summary>The last tensor of a name, shape and format. Once returned, it is reused for the next request of the
    /// same three, so that a repeated step makes no garbage.</summary>
    internal ref Tensor? Known(string name, Shape shape, Format format) =>
        ref CollectionsMarshal.GetValueRefOrAddDefault(_known, (name, shape, format), out _);

    internal Storage Rent(long floats, string holder)
    {
        long length = SizeClass(floats);
        var storage = Take(length);
        if (storage is null)
        {
            storage = allocate(length);
            Allocations++;
            AllocatedBytes += storage.Length * sizeof(float);
        }
        storage.Holder = holder;
        _live.Add(storage);
        LiveBytes += storage.Length * sizeof(float);
        PeakBytes = Math.Max(PeakBytes, LiveBytes);
        return storage;
    }

    internal void Return(Storage storage)
    {
        if (!_live.Remove(storage))
            throw new InvalidOperationException($"The buffer of '{storage.Holder}' was returned twice.");
        storage.Holder = null;
        LiveBytes -= storage.Length * sizeof(float);
        if (!_free.TryGetValue(storage.Length, out var stack)) _free[storage.Length] = stack = new();
        stack.Push(storage);
    }

    /// <summary>Frees the blocks that are not in use.</summary>
    public void Trim()
    {
        foreach (var storage in _free.Values.SelectMany(s => s))
        {
            AllocatedBytes -= storage.Length * sizeof(float);
            storage.Dispose();
        }
        _free.Clear();
    }

    /// <summary>Refuses leaks: every tensor rented since must have been returned.</summary>
    /// <exception cref="InvalidOperationException">Names the tensors still live beyond
    /// <paramref name="expectedBytes"/>.</exception>
    public void AssertLive(long expectedBytes)
    {
        if (LiveBytes != expectedBytes)
            throw new InvalidOperationException(
                $"{LiveBytes} bytes are live where {expectedBytes} were expected: {string.Join(", ", Live)}.");
    }

    /// <summary>Frees everything, live blocks included: their tensors are dead.</summary>
    public void Dispose()
    {
        Trim();
        foreach (var storage in _live) storage.Dispose();
        _live.Clear();
        LiveBytes = AllocatedBytes = 0;
    }

    /// <summary>The size rounded up to a class: a multiple of an eighth of its power of two.</summary>
    private static long SizeClass(long floats)
    {
        long step = Math.Max(Granule, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)floats) / 16);
        return Math.Max(Granule, (floats + step - 1) / step * step);
    }

    private Storage? Take(long length)
    {
        int exact = _free.IndexOfKey(length);
        if (exact >= 0 && _free.GetValueAtIndex(exact).TryPop(out var storage)) return storage;
        for (int i = 0; IsWarm && i < _free.Count; i++)
            if (_free.GetKeyAtIndex(i) > length && _free.GetValueAtIndex(i).TryPop(out var larger)) return larger;
        return null;
    }
}
