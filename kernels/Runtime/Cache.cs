using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MlffAd.Kernels.Runtime;

/// <summary>What a program can say to the processor's caches: that memory will be needed, where they would not foresee it, or will not be needed soon.</summary>
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

    /// <summary>Bytes of the last-level cache; 32 MB where the system does not tell.</summary>
    public static readonly long LastLevel = ReadLastLevel();

    /// <summary>Whether a result that is written once is gone from the cache before it is read: it is larger than half of it. Such rows are stored around the cache, which saves reading them first.</summary>
    public static bool IsLeftBy(Tensor y) =>
        4 * y.Count > LastLevel / 2 && y.Pitch % Vector<float>.Count == 0 && (nint)y.Host.Data % (Vector<float>.Count * sizeof(float)) == 0;

    /// <summary>Stores a vector, around the cache if <see cref="IsLeftBy"/> says so of its tensor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<float> v, float* p, bool leaves)
    {
        if (leaves) v.StoreAlignedNonTemporal(p);
        else v.Store(p);
    }

    /// <summary>Linux has a file for each level; the highest is the last.</summary>
    private static long ReadLastLevel()
    {
        const long unknown = 32 << 20;
        try
        {
            string last = Directory.GetDirectories("/sys/devices/system/cpu/cpu0/cache", "index*").Max(StringComparer.Ordinal)!, size = File.ReadAllText(Path.Combine(last, "size")).Trim();
            return long.Parse(size[..^1], CultureInfo.InvariantCulture) << (size[^1] == 'M' ? 20 : 10);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or FormatException or OverflowException) { return unknown; }
    }
}
