namespace MlffAd.Kernels.Runtime;

/// <summary>A GPU body that a device has compiled.</summary>
/// <param name="name">The kernel's name, as in messages.</param>
/// <param name="body">The method, with its type arguments: a body is compiled once for each.</param>
/// <param name="group">Threads in a group.</param>
/// <param name="sharedBytes">Shared memory that it declares.</param>
/// <param name="ptx">Its PTX text; null on devices that run kernels.</param>
public sealed class CompiledKernel(string name, string body, int group, int sharedBytes, string? ptx)
{
    /// <summary>The kernel's name, as in messages.</summary>
    public string Name => name;

    /// <summary>The method, with its type arguments.</summary>
    public string Body => body;

    /// <summary>Threads in a group.</summary>
    public int Group => group;

    /// <summary>Shared memory that it declares, in bytes.</summary>
    public int SharedBytes => sharedBytes;

    /// <summary>Its PTX text; null on devices that run kernels.</summary>
    public string? Ptx => ptx;

    /// <summary>How often it was launched.</summary>
    public long Launches { get; internal set; }
}
