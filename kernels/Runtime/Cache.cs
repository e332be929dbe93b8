using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MlffAd.Kernels.Runtime;

/// <summary>Asks for memory before it is needed, where the processor would not foresee it.</summary>
internal static unsafe class Cache
{
    private const int Line = 16;

    /// <summary>Fetches the cache lines of one or of at most 32 floats; the address need not be valid. x64 alone has an instruction for it that .NET offers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(float* p, int floats = 1)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(p);
        if (floats > Line) Sse.Prefetch0(p + Line);
    }
}
