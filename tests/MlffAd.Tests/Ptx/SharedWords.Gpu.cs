namespace MlffAd.Tests.Ptx;

/// <summary>A group's shared memory, and of each word who used it since the last barrier.</summary>
internal sealed unsafe class SharedWords(int bytes)
{
    private const int Nobody = -1, Several = -2;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(bytes + 16, pinned: true);
    private readonly int[] _writer = new int[(bytes + 3) / 4];
    private readonly int[] _reader = new int[(bytes + 3) / 4];
    private readonly int[] _writtenIn = new int[(bytes + 3) / 4];
    private readonly int[] _readIn = new int[(bytes + 3) / 4];
    private readonly int[] _promised = new int[(bytes + 3) / 4];
    private readonly bool[] _isWritten = new bool[(bytes + 3) / 4];
    private int _interval;

    public byte* Bytes => (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _bytes[0]);

    /// <summary>A group begins: nothing has been written.</summary>
    public void Begin()
    {
        Array.Clear(_isWritten);
        Array.Fill(_promised, Nobody);
        Barrier();
    }

    /// <summary>All threads have come to a barrier.</summary>
    public void Barrier() => _interval++;

    /// <summary>Notes a reading. What is wrong with it, or null.</summary>
    public string? Read(int thread, int at, int count)
    {
        if (Misplaced(at, count) is { } what) return what;
        for (int w = at / 4; w < (at + count) / 4; w++)
        {
            if (_promised[w] != Nobody)
                return $"word {w} of shared memory is read before a copy to it has been waited for";
            if (!_isWritten[w]) return $"word {w} of shared memory is read, and nobody wrote it";
            if (_writtenIn[w] == _interval && _writer[w] != thread)
                return $"word {w} of shared memory is read, which {Who(_writer[w])} wrote, without a barrier between";
            _reader[w] = _readIn[w] == _interval && _reader[w] != thread ? Several : thread;
            _readIn[w] = _interval;
        }
        return null;
    }

    /// <summary>Writes words. What is wrong with that, or null.</summary>
    public string? Write(int thread, int at, uint* values, int words)
    {
        if (Misplaced(at, 4 * words) is { } what) return what;
        for (int i = 0; i < words; i++)
        {
            int w = at / 4 + i;
            if (_promised[w] != Nobody)
                return $"word {w} of shared memory is written before a copy to it has been waited for";
            bool isSame = _isWritten[w] && ((uint*)Bytes)[w] == values[i];   // two threads may write the same
            if (!isSame && Others(thread, w) is { } other) return other;
            ((uint*)Bytes)[w] = values[i];
            Written(thread, w);
        }
        return null;
    }

    /// <summary>Notes that a copy has been asked for. What is wrong with that, or null.</summary>
    public string? Promise(int thread, int at, int count)
    {
        if (Misplaced(at, count) is { } what) return what;
        for (int w = at / 4; w < (at + count) / 4; w++)
        {
            if (_promised[w] != Nobody) return $"word {w} of shared memory is the aim of two copies";
            if (Others(thread, w) is { } other) return other;
            _promised[w] = thread;
        }
        return null;
    }

    /// <summary>A copy has come, to which this thread waited for it.</summary>
    public void Keep(int thread, int at, uint* values, int words)
    {
        for (int i = 0; i < words; i++)
        {
            int w = at / 4 + i;
            ((uint*)Bytes)[w] = values[i];
            _promised[w] = Nobody;
            Written(thread, w);
        }
    }

    private void Written(int thread, int w)
    {
        (_writer[w], _writtenIn[w]) =
            (_writtenIn[w] == _interval && _writer[w] != thread ? Several : thread, _interval);
        _isWritten[w] = true;
    }

    private static string Who(int thread) => thread == Several ? "others" : $"thread {thread}";

    private string? Others(int thread, int w) =>
        _writtenIn[w] == _interval && _writer[w] != thread
            ? $"word {w} of shared memory is written, which {Who(_writer[w])} wrote, without a barrier between"
        : _readIn[w] == _interval && _reader[w] != thread
        ? $"word {w} of shared memory is written, which {Who(_reader[w])} read, without a barrier between"
        : null;

    private string? Misplaced(int at, int count) =>
        at < 0 || at + count > _bytes.Length - 16
            ? $"byte {at} of shared memory, which has {_bytes.Length - 16}"
            : at % count != 0 ? $"{count} bytes of shared memory at {at}" : null;
}
