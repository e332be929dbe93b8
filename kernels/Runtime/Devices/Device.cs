namespace MlffAd.Kernels.Runtime;

/// <summary>A device that could be opened, or why it cannot.</summary>
/// <param name="Id">What <c>--device</c> takes: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:1</c>, <c>debug</c>.</param>
/// <param name="Name">The hardware's or driver's name for it.</param>
/// <param name="MemoryBytes">Its memory; 0 if unknown.</param>
/// <param name="Unavailable">Why it cannot be used, as a sentence; null if it can.</param>
public sealed record DeviceInfo(string Id, string Name, long MemoryBytes, string? Unavailable);

/// <summary>Where tensors live and operators run: <c>cpu</c> (SIMD bodies), <c>cuda:n</c>, <c>opencl:n</c> (ILGPU
/// bodies), or <c>debug</c> (ILGPU bodies on ILGPU's CPU simulator, for the debugger).</summary>
/// <remarks>Not thread-safe: threads that share a device hold its <see cref="Gate"/>, as plans and scorers do. Launches
/// on a GPU are asynchronous; <see cref="Tensor.Read"/> and <see cref="Synchronize"/> wait.</remarks>
public abstract partial class Device : IDisposable
{
    private protected Device(string id, string name, int threads, Precision precision, Func<long, Storage> allocate)
    {
        Precision = precision;
        (Id, Name) = (id, name);
        Team = new ThreadTeam(threads);
        Pool = new BufferPool(allocate);
        if (Profiler.LevelFromEnvironment is > 0 and int level) Profiler = new Profiler(this, level);
    }

    /// <summary>The re-entrant lock to hold from writing operands to reading results, and while renting or returning
    /// tensors.</summary>
    public Lock Gate { get; } = new();

    /// <summary>What <c>--device</c> takes.</summary>
    public string Id { get; }

    /// <summary>The hardware's name.</summary>
    public string Name { get; }

    /// <summary>The precision of matrix products.</summary>
    public Precision Precision { get; }

    /// <summary>The format of most of a network's maps: BF16 if products are BF16.</summary>
    public virtual Format MapFormat => Format.Float32;

    /// <summary>Host threads: they run the host bodies on <c>cpu</c>, and prepare batches for other devices.</summary>
    public ThreadTeam Team { get; }

    /// <summary>The device's memory blocks.</summary>
    public BufferPool Pool { get; }

    /// <summary>When set, every kernel is timed.</summary>
    public Profiler? Profiler { get; set; }

    /// <summary>Whether host bodies run here.</summary>
    public bool IsHost => this is HostDevice;

    /// <summary>The GPU bodies that were compiled for this device, in the order of their first launch; none
    /// on <c>cpu</c>.</summary>
    public virtual IReadOnlyList<CompiledKernel> CompiledKernels => [];

    /// <summary>Waits until everything launched is done.</summary>
    public abstract void Synchronize();

    internal abstract void Write(Tensor to, ReadOnlySpan<float> values);

    internal abstract void Read(Tensor from, Span<float> values);

    /// <summary>A clock whose marks are enqueued with the device's work.</summary>
    internal virtual DeviceClock NewClock() => new HostClock();

    /// <summary>A queue for copies of up to <paramref name="count"/> numbers that overlap with computing; null if the
    /// device has none.</summary>
    internal virtual UploadQueue? OpenUploads(long count) => null;

    /// <summary>Opens a device.</summary>
    /// <param name="id"><c>cpu</c>, <c>cuda</c>, <c>cuda:n</c>, <c>opencl</c>, <c>opencl:n</c>, <c>debug</c>, or
    /// <c>auto</c>: the first CUDA device, else the first OpenCL device that is a GPU, else <c>cpu</c>.</param>
    /// <param name="threads">Host threads; 0 for one a processor.</param>
    /// <param name="precision">Precision of matrix products.</param>
    /// <exception cref="DeviceException">There is no such device, it cannot be opened, or it cannot
    /// multiply so.</exception>
    public static Device Open(string id = "auto", int threads = 0, Precision precision = Precision.Float32)
    {
        Device? device = null;
        if (id != "cpu") OpenGpu(id, threads, precision, ref device);
        if (device is not null) return device;
        if (id is "auto" or "cpu")
            return precision == Precision.Float32 ? new HostDevice(threads) : throw CannotMultiplyIn(precision, "cpu");
        var all = List();
        string known = string.Join(", ", all.Where(d => d.Unavailable is null).Select(d => d.Id).Append("auto"));
        throw new DeviceException($"There is no device '{id}' here; there are: "
            + $"{known}{(all.Any(d => d.Unavailable is not null) ? " ('mlffad devices' says why others are unavailable)" : "")}.");
    }

    /// <summary>A device that compiles GPU bodies for an NVIDIA architecture and runs nothing: for looking at the code
    /// that a training step or a plan would launch, and how often.</summary>
    /// <param name="sm">The architecture: 75, 80, 90 …</param>
    /// <param name="precision">How it shall multiply.</param>
    /// <exception cref="DeviceException">This build has no GPU bodies, or the architecture cannot
    /// multiply so.</exception>
    public static Device OpenCompiler(int sm, Precision precision = Precision.Float32)
    {
        Device? device = null;
        OpenPtx(sm, precision, ref device);
        return device ?? throw new DeviceException("This build is for the processor alone: it has no GPU kernels.");
    }

    /// <summary>All devices that exist here, and the kinds that do not with the reason.</summary>
    public static IReadOnlyList<DeviceInfo> List()
    {
        var list = new List<DeviceInfo> { HostDevice.Describe() };
        ListGpu(list);
        return list;
    }

    private protected static DeviceException CannotMultiplyIn(Precision precision, string id) =>
        new(
            $"The device '{id}' multiplies in float32 only; {precision.Name()} takes an NVIDIA card of compute "
                + $"capability 8.0 or later.");

    static partial void OpenGpu(string id, int threads, Precision precision, ref Device? device);

    static partial void OpenPtx(int sm, Precision precision, ref Device? device);

    static partial void ListGpu(List<DeviceInfo> list);

    /// <summary>Frees the device's memory and threads.</summary>
    public virtual void Dispose()
    {
        Profiler?.Report();
        Pool.Dispose();
        Team.Dispose();
        GC.SuppressFinalize(this);
    }
}
