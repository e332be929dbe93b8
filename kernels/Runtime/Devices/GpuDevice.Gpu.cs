using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace MlffAd.Kernels.Runtime;

public abstract partial class Device
{
    static partial void OpenGpu(string id, int threads, Precision precision, ref Device? device) =>
        device = GpuDevice.TryOpen(id, threads, precision);

    static partial void OpenPtx(int sm, Precision precision, ref Device? device) =>
        device = GpuDevice.Compiling(sm, precision);

    static partial void ListGpu(List<DeviceInfo> list) => GpuDevice.Describe(list);
}

/// <summary>An ILGPU accelerator: CUDA, OpenCL, or the CPU simulator under the name <c>debug</c>.</summary>
internal sealed class GpuDevice : Device
{
    /// <summary>Largest group the <c>debug</c> simulator offers: one thread of the host per simulated thread.</summary>
    private static readonly CPUDevice Simulator = new(numThreadsPerWarp: 32, numWarpsPerMultiprocessor: 8,
        numMultiprocessors: 1);

    /// <summary>The first architecture whose tensor cores multiply in TF32 and BF16.</summary>
    public const int FirstWithTensorCores = 80;

    /// <summary>Alignment of a card's allocations, in bytes.</summary>
    private const int CardAlignment = 256;

    private readonly Context _context;
    private MemoryBuffer1D<int, Stride1D.Dense>? _counters;

    static GpuDevice() => NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, static (name, assembly, path) =>
    {
        // Many machines have only the versioned library names.
        string? versioned = OperatingSystem.IsLinux()
            ? name switch { "cuda" => "libcuda.so.1", "OpenCL" => "libOpenCL.so.1", _ => null }
            : null;
        return versioned is not null && NativeLibrary.TryLoad(versioned, out nint handle) ? handle : nint.Zero;
    });

    private GpuDevice(string id, Context context, Accelerator accelerator, int threads, Precision precision,
        PtxCompiler? compiler = null)
        : base(id, accelerator.Name, threads, precision,
            length => Allocate(accelerator, length, alignment: compiler is null ? 0 : CardAlignment))
    {
        (_context, Accelerator, Compiler) = (context, accelerator, compiler);
        Arithmetic = precision switch
        {
            Precision.Tf32 => Arithmetic.Tf32,
            Precision.Bf16 => Arithmetic.Bf16,
            _ =>
            Arithmetic.Float32
        };
    }

    public Accelerator Accelerator { get; }

    /// <summary>Whether the card has tensor cores for TF32 and BF16.</summary>
    public bool HasTensorCores => Compiler?.HasTensorCores ?? AreTensorCoresIn(Accelerator.Device);

    /// <summary>How products are computed.</summary>
    public Arithmetic Arithmetic { get; set; }

    public override Format MapFormat =>
        Arithmetic is Arithmetic.Bf16 or Arithmetic.EmulatedBf16 ? Format.Bf16 : Format.Float32;

    /// <summary>The counters of <see cref="LastGroup"/>: one set, since launches run one after another.</summary>
    public ArrayView<int> Counters => (_counters ??= Zeros()).View.AsContiguous();

    /// <summary>Set on a compile-only device; launches and copies are then no-ops unless <see cref="Machine"/>
    /// interprets them.</summary>
    public PtxCompiler? Compiler { get; }

    /// <summary>Interprets the compiled kernels, if set before the first launch.</summary>
    public IPtxMachine? Machine { get; set; }

    private bool IsIdle => Compiler is not null && Machine is null;

    /// <summary>Compiled kernels, by their <see cref="GpuKernel{TArgs}"/>.</summary>
    public Dictionary<object, Compilation> Compiled { get; } = [];

    /// <summary>A compiled kernel: its launcher, null on a compile-only device, and its listing.</summary>
    public sealed record Compilation(Delegate? Launcher, CompiledKernel Listing);

    public override IReadOnlyList<CompiledKernel> CompiledKernels => [.. Compiled.Values.Select(c => c.Listing)];

    public static GpuDevice Compiling(int sm, Precision precision)
    {
        if (precision != Precision.Float32 && sm < FirstWithTensorCores) throw CannotMultiplyIn(precision, $"ptx:{sm}");
        // Memory is the simulator's, which only a Machine touches.
        var context = CreateContext("debug")!;
        try
        {
            return new GpuDevice(id: $"ptx:{sm}", context: context,
            accelerator: Simulator.CreateAccelerator(context), threads: 1, precision: precision,
            compiler: new PtxCompiler(context, sm));
        }
        catch (DeviceException)
        {
            context.Dispose();
            throw;
        }
    }

    public static GpuDevice? TryOpen(string id, int threads, Precision precision)
    {
        var kinds = id is "auto" ? ["cuda", "opencl"] : new[] { id.Split(':')[0] };
        bool numbered = int.TryParse(id.Split(':').ElementAtOrDefault(1) ?? "0", out int index)
            && id.Count(c => c == ':') <= 1 && index >= 0;
        if (!numbered) return null;
        foreach (string kind in kinds)
        {
            var context = CreateContext(kind);
            if (context is null) continue;
            var devices = Devices(context, kind).Where(d => id != "auto" || kind == "cuda" || IsGpu(d)).ToList();
            if (index < devices.Count)
            {
                string name = kind == "debug" ? kind : $"{kind}:{index}";
                if (precision != Precision.Float32 && !AreTensorCoresIn(devices[index]))
                {
                    context.Dispose();
                    throw CannotMultiplyIn(precision, name);
                }
                try
                {
                    return new GpuDevice(name, context, devices[index].CreateAccelerator(context), threads,
                    precision);
                }
                catch (Exception e) when (e is not DeviceException)
                {
                    context.Dispose();
                    throw new DeviceException($"The device '{name}' could not be opened: {e.Message}", e);
                }
            }
            context.Dispose();
        }
        return null;
    }

    public static void Describe(List<DeviceInfo> list)
    {
        foreach (var (kind, missing) in new[] { ("cuda", "No NVIDIA driver (libcuda) or no card was found."),
            ("opencl", "No OpenCL driver with a usable device was found.") })
        {
            using var context = CreateContext(kind);
            var devices = context is null ? [] : Devices(context, kind).ToList();
            for (int i = 0; i < devices.Count; i++)
                list.Add(new($"{kind}:{i}", devices[i].Name, devices[i].MemorySize, null));
            if (devices.Count == 0) list.Add(new(kind, "", 0, missing));
        }
        list.Add(new("debug", "GPU bodies on ILGPU's CPU simulator (very slow)", 0, null));
    }

    public override void Synchronize() => Accelerator.Synchronize();

    internal override DeviceClock NewClock() => new GpuClock(Accelerator);

    internal override UploadQueue? OpenUploads(long count)
    {
        if (Compiler is not null) return null;
        // Where there is no page-locked memory left, plain copies do.
        try { return new GpuUploads(Accelerator, count); }
        catch (Exception e) when (e is AcceleratorException or OutOfMemoryException) { return null; }
    }

    internal override unsafe void Write(Tensor to, ReadOnlySpan<float> values)
    {
        if (IsIdle) return;
        if (to.Format == Format.Bf16) values = Bf16.Pack(values);
        fixed (float* p = values) Copy(to, p, write: true);
    }

    internal override unsafe void Read(Tensor from, Span<float> values)
    {
        if (IsIdle)
        {
            values.Clear();
            return;
        }
        var words = from.Format == Format.Bf16 ? new float[from.Count / 2] : values;
        fixed (float* p = words) Copy(from, p, write: false);
        if (from.Format == Format.Bf16) Bf16.Unpack(words, values);
    }

    public override void Dispose()
    {
        Synchronize();
        base.Dispose();
        Compiler?.Dispose();
        _counters?.Dispose();
        Accelerator.Dispose();
        _context.Dispose();
    }

    private MemoryBuffer1D<int, Stride1D.Dense> Zeros()
    {
        var counters = Accelerator.Allocate1D<int>(LastGroup.Counters);
        counters.MemSetToZero();
        return counters;
    }

    private static Context? CreateContext(string kind)
    {
        var builder = Context.Create().EnableAlgorithms().Optimize(OptimizationLevel.O2)
            .Inlining(InliningMode.Aggressive).Profiling();
        switch (kind)
        {
            case "cuda": builder.Cuda(); break;
            case "opencl": builder.OpenCL(); break;
            case "debug": builder.CPU(Simulator); break;
            default: return null;
        }
        var context = builder.ToContext();
        TensorCore.Register(context);
        Unfused.Register(context);
        return context;
    }

    private static IEnumerable<ILGPU.Runtime.Device> Devices(Context context, string kind)
    {
        // A context that found nothing holds a CPU device in its place.
        var type = kind switch
        {
            "cuda" => AcceleratorType.Cuda,
            "opencl" => AcceleratorType.OpenCL,
            _ =>
            AcceleratorType.CPU
        };
        return context.Devices.Where(d => d.AcceleratorType == type);
    }

    private static bool AreTensorCoresIn(ILGPU.Runtime.Device device) =>
        device is CudaDevice { Architecture: { } a } && 10 * a.Major + a.Minor >= FirstWithTensorCores;

    private static bool IsGpu(ILGPU.Runtime.Device device) =>
        device is CLDevice { DeviceType: CLDeviceType.CL_DEVICE_TYPE_GPU };

    private static GpuStorage Allocate(Accelerator accelerator, long length, int alignment)
    {
        try
        {
            return new GpuStorage(accelerator.Allocate1D<float>(length + alignment / sizeof(float)), length,
            alignment);
        }
        catch (Exception e) when (e is AcceleratorException or OutOfMemoryException)
        {
            throw new DeviceException(
                $"'{accelerator.Name}' has not enough memory for another {length * sizeof(float) >> 20} MiB; try a "
                    + $"smaller --batch or --image-size.", e);
        }
    }

    /// <summary>Copies between a tensor and host memory, BF16 as packed pairs; a view with gaps
    /// goes row by row.</summary>
    private unsafe void Copy(Tensor tensor, float* host, bool write)
    {
        var view = ((GpuStorage)tensor.Storage).View;
        int runs = tensor.IsContiguous ? 1 : tensor.Rows, perWord = tensor.Format == Format.Bf16 ? 2 : 1;
        long length = tensor.Count / runs / perWord;
        for (int r = 0; r < runs; r++)
        {
            var part = view.SubView((tensor.Offset + (long)r * tensor.Pitch) / perWord, length);
            var span = new Span<float>(host + r * length, checked((int)length));
            if (write) part.CopyFromCPU(Accelerator.DefaultStream, (ReadOnlySpan<float>)span);
            else part.CopyToCPU(Accelerator.DefaultStream, span);
        }
    }
}
