namespace MlffAd.Kernels.Runtime;

/// <summary>Double-buffered upload: copies from page-locked host memory on a queue of its own, while the device
/// computes on the previous buffer.</summary>
/// <remarks>A plain copy where host and device share memory.</remarks>
public sealed class Upload : IDisposable
{
    private readonly Device _device;
    private readonly string _name;
    private readonly Tensor?[] _filled = new Tensor?[2];
    private Tensor[] _buffers = [];
    private UploadQueue? _queue;
    private int _turn;

    /// <summary>Reserves <paramref name="count"/> numbers; grows if more come.</summary>
    public Upload(Device device, long count, string name)
    {
        (_device, _name) = (device, name);
        Open(count);
    }

    private void Open(long count)
    {
        _queue = _device.OpenUploads(count);
        _buffers = [.. Enumerable.Range(0, _queue is null ? 1 : 2)
            .Select(_ => Tensor.Rent(_device, Shape.Of((int)count), _name))];
        Array.Clear(_filled);
        // The queue does not wait for what the device has been told so far, and may still write to these buffers.
        if (_queue is not null) _device.Synchronize();
    }

    /// <summary>Starts the copy; <paramref name="values"/> may be reused at once. Synchronise the device at least once
    /// between two calls.</summary>
    public void Begin(ReadOnlySpan<float> values)
    {
        if (values.Length > _buffers[0].Count)
        {
            Dispose();
            Open(values.Length + values.Length / 4);
        }
        _turn = (_turn + 1) % _buffers.Length;
        ref var to = ref _filled[_turn];
        if (to?.Count != values.Length) to = _buffers[_turn].Part(0, Shape.Of(values.Length));
        if (_queue is null) to.Write(values);
        else _queue.Send(values, to);
    }

    /// <summary>Waits for the copy. The buffer returned is valid, and may be overwritten, for work enqueued before the
    /// next synchronisation.</summary>
    public Tensor End()
    {
        var from = _filled[_turn] ?? throw new InvalidOperationException($"Nothing was brought for '{_name}'.");
        _queue?.Wait();
        return from;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _queue?.Dispose();
        foreach (var buffer in _buffers) buffer.Dispose();
    }
}

/// <summary>A queue of copies that overlap with the device's computing.</summary>
internal abstract class UploadQueue : IDisposable
{
    /// <summary>Waits for the previous copy and starts one.</summary>
    public abstract void Send(ReadOnlySpan<float> values, Tensor to);

    /// <summary>Waits for it.</summary>
    public abstract void Wait();

    public abstract void Dispose();
}
