using System.Runtime.InteropServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>Ranges that NVIDIA's profilers show above the launches, if the library for it (libnvToolsExt, of CUDA
/// toolkits up to 12) is there.</summary>
internal static unsafe class Nvtx
{
    private static readonly delegate* unmanaged<nint, int> PushRange;
    private static readonly delegate* unmanaged<int> PopRange;

    static Nvtx()
    {
        string name = OperatingSystem.IsWindows() ? "nvToolsExt64_1.dll" : "libnvToolsExt.so.1";
        if (!NativeLibrary.TryLoad(name, out nint library)) return;
        if (!NativeLibrary.TryGetExport(library, "nvtxRangePushA", out nint push)
            || !NativeLibrary.TryGetExport(library, "nvtxRangePop", out nint pop)) return;
        PushRange = (delegate* unmanaged<nint, int>)push;
        PopRange = (delegate* unmanaged<int>)pop;
    }

    public static bool IsPresent => PushRange != null;

    /// <summary>Opens a range; <paramref name="name"/> is a text that ends with a zero and stays.</summary>
    public static void Push(nint name) => PushRange(name);

    /// <summary>Closes the last one.</summary>
    public static void Pop() => PopRange();
}
