namespace MlffAd.Tests.Ptx;

/// <summary>How the threads of a group reach memory.</summary>
internal sealed unsafe partial class PtxGroup
{
    /// <summary>An address that the kernel may use: within one of its views, and aligned.</summary>
    private void* Global(int thread, in PtxInstruction i, ulong address, int bytes)
    {
        address += (ulong)i.Offset;
        ref int last = ref _lastView[_at[thread]];
        if (!Holds(_views[last], address, bytes))
        {
            last = Math.Max(0, Array.FindIndex(_views, v => Holds(v, address, bytes)));
            if (!Holds(_views[last], address, bytes)) throw Fault(thread,
                $"{bytes} bytes outside of everything that the kernel was given{Nearest(address)}");
        }
        if (address % (ulong)bytes != 0) throw Fault(thread,
            $"{bytes} bytes at an address that is no multiple of them");
        _notes?.Note(thread, _at[thread], i.Text, isShared: false, address, bytes);
        return (void*)address;
    }

    private string Nearest(ulong address)
    {
        var (view, v) = _views.Index()
            .MinBy(v => address < v.Item.Begin ? v.Item.Begin - address : address - v.Item.End);
        return $": view {view} has {v.End - v.Begin} bytes, and this is its byte {(long)(address - v.Begin)}";
    }

    private static bool Holds((ulong Begin, ulong End) view, ulong address, int bytes) =>
        address >= view.Begin && address + (ulong)bytes <= view.End;

    private void* SharedRead(int thread, in PtxInstruction i, ulong address, int bytes)
    {
        int at = (int)address + i.Offset;
        if (_shared.Read(thread, at, bytes) is { } what) throw Fault(thread, what);
        _notes?.Note(thread, _at[thread], i.Text, isShared: true, (ulong)at, bytes);
        return _shared.Bytes + at;
    }

    private void SharedWrite(int thread, in PtxInstruction i, ulong* r, int words)
    {
        uint* values = stackalloc uint[words];
        for (int w = 0; w < words; w++) values[w] = U(r, i.Operands[1 + w]);
        SharedWrite(thread, i, r[i.A], values, words);
    }

    private void SharedWrite(int thread, in PtxInstruction i, ulong address, uint* values, int words)
    {
        int at = (int)address + i.Offset;
        if (_shared.Write(thread, at, values, words) is { } what) throw Fault(thread, what);
        _notes?.Note(thread, _at[thread], i.Text, isShared: true, (ulong)at, 4 * words);
    }

    /// <summary>Asks for a copy of 16 bytes: the first <paramref name="size"/> come, the others are 0. It
    /// is done when it must be: nobody may rely on it before.</summary>
    private void Copy(int thread, in PtxInstruction i, int to, ulong from, int bytes, int size)
    {
        if (i.Offset != 0) throw new NotSupportedException(i.Text);
        if (size < 0 || size > bytes) throw Fault(thread, $"a copy of {size} bytes of {bytes}");
        if (size > 0) Global(thread, i, from, bytes);
        if (_shared.Promise(thread, to, bytes) is { } what) throw Fault(thread, what);
        _notes?.Note(thread, _at[thread], i.Text, isShared: true, (ulong)to, bytes);
        _copies[thread].Enqueue((to, size, bytes, from));
    }

    /// <summary>Waits until only the last groups of copies may be missing; −1: for those that belong to no group yet,
    /// too.</summary>
    private void Wait(int thread, int groups)
    {
        var (copies, committed) = (_copies[thread], _committed[thread]);
        // Each entry says how many copies there had been at its commit; those done since are gone from the queue's
        // front.
        int done = 0;
        while (committed.Count > Math.Max(groups, 0)) done = committed.Dequeue();
        if (groups < 0) done = copies.Count;
        int left = copies.Count;
        uint* words = stackalloc uint[4];
        for (int c = 0; c < done && copies.TryDequeue(out var copy); c++)
        {
            new Span<uint>(words, 4).Clear();
            new Span<byte>((void*)copy.Source, copy.Size).CopyTo(new Span<byte>(words, copy.Bytes));
            _shared.Keep(thread, copy.At, words, copy.Bytes / 4);
        }
        int gone = left - copies.Count;
        for (int c = committed.Count; c > 0; c--) committed.Enqueue(Math.Max(0, committed.Dequeue() - gone));
    }
}
