using System.Reflection;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace MlffAd.Kernels.Runtime;

/// <summary>Compiles GPU bodies to PTX for an NVIDIA architecture where there may be no such device.</summary>
internal sealed class PtxCompiler : IDisposable
{
    /// <summary>The PTX version that CUDA 12.0 and everything later understands.</summary>
    private static readonly CudaInstructionSet Version = CudaInstructionSet.ISA_80;

    /// <summary>The architectures that this version knows.</summary>
    private static readonly int[] Known = [50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90];

    private readonly PTXBackend _backend;

    /// <summary>Whether the architecture has tensor cores for TF32 and BF16.</summary>
    public bool HasTensorCores { get; }

    /// <param name="context">Of the kernels; knows their intrinsics.</param>
    /// <param name="sm">Architecture, for instance 80 or 90.</param>
    /// <exception cref="DeviceException">There is none of that number.</exception>
    public PtxCompiler(Context context, int sm)
    {
        if (!Known.Contains(sm))
            throw new DeviceException(
                $"There is no architecture {sm} to compile for; there are: {string.Join(", ", Known)}.");
        HasTensorCores = sm >= GpuDevice.FirstWithTensorCores;
        var architecture = new CudaArchitecture(sm / 10, sm % 10);
        _backend = new PTXBackend(context, new CudaCapabilityContext(architecture), architecture, Version, null!);
    }

    /// <summary>The PTX of a body in groups of a fixed number of threads.</summary>
    public string Compile(MethodInfo body, int group)
    {
        var kernel = (PTXCompiledKernel)_backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(body),
            new KernelSpecialization(group, null));
        return kernel.PTXAssembly;
    }

    public void Dispose() => _backend.Dispose();
}

/// <summary>What runs PTX where there is no card.</summary>
internal interface IPtxMachine
{
    /// <summary>Reads a kernel. What is returned runs it: a grid of groups, the body's arguments.</summary>
    Action<Index3D, object> Load(CompiledKernel kernel);
}
