using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace MlffAd.Kernels.Runtime;

/// <summary>A GPU body and how it is launched: compiled once a device, always in explicit groups.</summary>
/// <typeparam name="TArgs">The body's arguments as one struct (views, extents, constants); it must be
/// internal or public.</typeparam>
/// <param name="name">Name for messages.</param>
/// <param name="body">The body; finds its place with <c>Grid</c> and <c>Group</c>.</param>
/// <param name="group">Threads in a group, at most 256 so that every device can run it.</param>
/// <param name="sharedBytes">Shared memory the body declares.</param>
/// <param name="float64">Whether it computes in float64, which some devices do not.</param>
internal sealed class GpuKernel<TArgs>(
    string name, Action<TArgs> body, int group = 256, int sharedBytes = 0, bool float64 = false) where TArgs : struct
{
    public int Group => group;

    /// <summary>Launches enough groups to give each of <paramref name="items"/> a thread; the body tests its index
    /// against the count.</summary>
    public void LaunchItems(Device device, long items, in TArgs args) =>
        Launch(device, new Index3D(checked((int)((items + group - 1) / group)), 1, 1), args);

    /// <summary>Launches a number of groups.</summary>
    public void Launch(Device device, int groups, in TArgs args) => Launch(device, new Index3D(groups, 1, 1), args);

    /// <summary>Launches a grid of groups.</summary>
    public void Launch(Device device, Index3D groups, in TArgs args)
    {
        var gpu = (GpuDevice)device;
        if (!gpu.Compiled.TryGetValue(this, out var compiled)) gpu.Compiled[this] = compiled = Compile(gpu);
        if (groups.Size == 0) return;
        compiled.Listing.Launches++;
        ((Action<KernelConfig, TArgs>?)compiled.Launcher)?.Invoke(new KernelConfig(groups, new Index3D(group, 1, 1)),
            args);
    }

    private GpuDevice.Compilation Compile(GpuDevice gpu)
    {
        if (gpu.Compiler is { } compiler)
        {
            var listing = List(compiler.Compile(body.Method, group));
            var run = gpu.Machine?.Load(listing);
            return new(run is null ? null : (KernelConfig config, TArgs args) => run(config.GridDim, args), listing);
        }
        var accelerator = gpu.Accelerator;
        if (group > accelerator.MaxNumThreadsPerGroup)
            throw new DeviceException(
                $"The kernel '{name}' needs groups of {group} threads; '{gpu.Name}' has "
                    + $"{accelerator.MaxNumThreadsPerGroup}.");
        if (sharedBytes > accelerator.MaxSharedMemoryPerGroup)
            throw new DeviceException(
                $"The kernel '{name}' needs {sharedBytes} bytes of shared memory; '{gpu.Name}' has "
                    + $"{accelerator.MaxSharedMemoryPerGroup}.");
        if (float64 && accelerator.Capabilities is CLCapabilityContext { Float64: false })
            throw new DeviceException($"The kernel '{name}' computes in float64, which '{gpu.Name}' does not.");
        // Told how many threads a group has, NVIDIA's compiler knows how many registers each may take; the same is said
        // where kernels are only compiled.
        return new(accelerator is CudaAccelerator
            ? accelerator.LoadStreamKernel(body, new KernelSpecialization(group, null))
            : accelerator.LoadStreamKernel(body), List(null));
    }

    /// <summary>The body as it is written: <c>TiledProduct&lt;PatchFactor, RowsOfTerms, ReLU&gt;.Body</c>.</summary>
    private CompiledKernel List(string? ptx)
    {
        static string With(string name, Type[] arguments) =>
            arguments is []
                ? name
                : $"{name}<{string.Join(", ", arguments.Select(type => With(type.Name.Split('`')[0], type.GetGenericArguments())))}>";
        var type = body.Method.DeclaringType!;
        return new(name,
            $"{With(type.Name.Split('`')[0], type.GetGenericArguments())}."
                + With(body.Method.Name, body.Method.GetGenericArguments()),
            group, sharedBytes, ptx);
    }
}

/// <summary>A body that does all elements of a map by themselves, for one channel a thread, for four, and
/// for four in BF16.</summary>
internal sealed class GpuElements<TArgs>(string name, Action<TArgs> one, Action<TArgs> four, Action<TArgs> bf16)
    where TArgs : struct
{
    private readonly GpuKernel<TArgs> _one = new(name, one);
    private readonly GpuKernel<TArgs> _four = new(name + ".wide", four);
    private readonly GpuKernel<TArgs> _bf16 = new(name + ".bf16", bf16);

    /// <summary>Gives each element of <paramref name="map"/> a thread, or each four if the operands'
    /// places allow it.</summary>
    public void Launch(Tensor map, in TArgs args, params ReadOnlySpan<GpuRows> operands)
    {
        if (Channels.InBf16(operands)) _bf16.LaunchItems(map.Device, map.Count / 4, args);
        else if (Channels.InFours(map.C, operands)) _four.LaunchItems(map.Device, map.Count / 4, args);
        else _one.LaunchItems(map.Device, map.Count, args);
    }
}

internal static class GpuTensors
{
    extension(Tensor t)
    {
        /// <summary>The elements of a float32 tensor on a GPU device. Throws if it lies elsewhere, is
        /// dead, or is BF16.</summary>
        public GpuRows Gpu =>
            t.Format == Format.Float32
                ? t.GpuAny
                : throw new ArgumentException($"{t} is BF16 where this operator takes float32.");

        /// <summary>The elements of a tensor on a GPU device in either format, for operators that take both.</summary>
        public GpuRows GpuAny => t.Format == Format.Float32
            ? new(((GpuStorage)t.Storage).View.SubView(t.Offset, t.Extent), t.Pitch, t.Offset % 4 == 0)
            : new(((GpuStorage)t.Storage).View.SubView(t.Offset / 2, t.Extent / 2), t.Pitch, aligned: true, bf16: true);
    }
}
