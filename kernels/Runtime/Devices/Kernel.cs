using System.Runtime.InteropServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>An operator's name in profiles: its GPU and host bodies are timed and counted under it.</summary>
/// <remarks>Every public operator opens one range: <c>using var _ = Forward.Begin(y, flop, bytes);</c>. Costs two
/// branches without a profiler.</remarks>
public sealed class Kernel(string name)
{
    /// <summary>Name, <c>family.operation</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The name for NVIDIA's profilers, created on first use.</summary>
    private nint _label;

    /// <summary>Opens the range; dispose it after the launch.</summary>
    /// <param name="about">A tensor of the call: gives the device, and the shape in traces.</param>
    /// <param name="flop">Floating-point operations of the call.</param>
    /// <param name="bytes">Bytes that must be read and written.</param>
    public Range Begin(Tensor about, long flop, long bytes) => new(this, about, flop, bytes);

    /// <summary>A call in progress.</summary>
    public readonly ref struct Range
    {
        private readonly Profiler? _profiler;
        private readonly Kernel _kernel;
        private readonly Tensor _about;
        private readonly int _start;
        private readonly long _flop, _bytes;
        private readonly bool _shown;

        internal Range(Kernel kernel, Tensor about, long flop, long bytes)
        {
            _profiler = about.Device.Profiler;
            (_kernel, _about, _flop, _bytes) = (kernel, about, flop, bytes);
            if (_shown = !about.Device.IsHost && Nvtx.IsPresent)
            {
                if (kernel._label == 0) kernel._label = Marshal.StringToCoTaskMemUTF8(kernel.Name);
                Nvtx.Push(kernel._label);
            }
            if (_profiler is not null) _start = _profiler.Start();
        }

        /// <summary>Closes the range.</summary>
        public void Dispose()
        {
            _profiler?.Stop(_kernel.Name, _about, _start, _flop, _bytes);
            if (_shown) Nvtx.Pop();
        }
    }
}
