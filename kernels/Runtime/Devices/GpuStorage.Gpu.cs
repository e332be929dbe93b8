using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace MlffAd.Kernels.Runtime;

/// <summary>Memory of an ILGPU accelerator.</summary>
/// <param name="buffer">The memory.</param>
/// <param name="length">Floats that are asked for.</param>
/// <param name="alignment">Bytes that they shall begin at a multiple of, for which the buffer has room; 0 for
/// where it begins.</param>
internal sealed class GpuStorage(MemoryBuffer1D<float, Stride1D.Dense> buffer, long length,
    int alignment) : Storage(length)
{
    public ArrayView<float> View { get; } = alignment == 0
        ? buffer.View.AsContiguous()
        : buffer.View.AsContiguous().AlignTo(alignment).Main.SubView(0, length);

    public override void Dispose() => buffer.Dispose();
}

/// <summary>Page-locked memory, which cards read by themselves, and a stream.</summary>
internal sealed class GpuUploads(Accelerator accelerator, long count) : UploadQueue
{
    private readonly PageLockedArray1D<float> _memory = accelerator.AllocatePageLocked1D<float>(count);
    private readonly AcceleratorStream _stream = accelerator.CreateStream();

    public override void Send(ReadOnlySpan<float> values, Tensor to)
    {
        Wait();
        values.CopyTo(_memory.Span);
        ((GpuStorage)to.Storage).View.SubView(to.Offset, values.Length)
            .CopyFrom(_stream, _memory.ArrayView.SubView(0, values.Length));
    }

    public override void Wait() => _stream.Synchronize();

    public override void Dispose()
    {
        Wait();
        _stream.Dispose();
        _memory.Dispose();
    }
}

/// <summary>Marks in an accelerator's stream.</summary>
internal sealed class GpuClock(Accelerator accelerator) : DeviceClock
{
    private readonly ProfilingMarker _began = accelerator.DefaultStream.AddProfilingMarker();
    private readonly List<ProfilingMarker> _marks = [];

    public override int Mark()
    {
        _marks.Add(accelerator.DefaultStream.AddProfilingMarker());
        return _marks.Count - 1;
    }

    public override double Seconds(int from, int to)
    {
        _marks[to].Synchronize();
        return _marks[to].MeasureFrom(from < 0 ? _began : _marks[from]).TotalSeconds;
    }

    public override void Clear()
    {
        foreach (var mark in _marks) mark.Dispose();
        _marks.Clear();
    }
}
