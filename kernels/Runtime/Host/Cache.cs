using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MlffAd.Kernels.Runtime;

/// <summary>Prefetches and non-temporal stores, and the sizes of the caches.</summary>
internal static unsafe class Cache
{
    /// <summary>Floats of a cache line.</summary>
    public const int Line = 16;

    /// <summary>Prefetches the cache line of one float, or the lines of at most 32; the address need not be valid. A
    /// no-op but on x64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(float* p, int floats = 1)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(p);
        if (floats > Line) Sse.Prefetch0(p + Line);
    }

    /// <summary>Prefetches a cache line into the second level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FetchFar(float* p)
    {
        if (Sse.IsSupported) Sse.Prefetch1(p);
    }

    private const long UntoldSecond = 512 << 10, UntoldLast = 32 << 20;

    private static readonly (int Level, long Bytes)[] Levels = Processor().ToArray() is { Length: > 0 } told
        ? told
        : [.. Linux()];

    /// <summary>Bytes of the second-level and of the last-level cache; 512 kB and 32 MB where unknown.</summary>
    public static readonly long Second =
        Levels.Where(cache => cache.Level == 2).Select(cache => cache.Bytes).FirstOrDefault(UntoldSecond);

    public static readonly long Last =
        Levels.Where(cache => cache.Level >= 2).Select(cache => cache.Bytes).DefaultIfEmpty(UntoldLast).Max();

    /// <summary>Whether a result is evicted before it is read again: it is larger than half the last-level cache.
    /// Non-temporal stores then save the read for ownership.</summary>
    public static bool IsLeftBy(HostRows y, long count) => sizeof(float) * count > Last / 2
        && y.Pitch % Vector<float>.Count == 0 && (nint)y.Data % (Vector<float>.Count * sizeof(float)) == 0;

    /// <summary>Stores a vector; non-temporally if <see cref="IsLeftBy"/> holds for its tensor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<float> v, float* p, bool leaves)
    {
        if (leaves) v.StoreAlignedNonTemporal(p);
        else v.Store(p);
    }

    /// <summary>What an x64 processor says: function 4 on Intel's, 0x8000001D on AMD's, in the same form. A hypervisor
    /// may hide both, but leave AMD's 0x80000006.</summary>
    private static IEnumerable<(int Level, long Bytes)> Processor()
    {
        const int amd = unchecked((int)0x8000001D), amdSecond = unchecked((int)0x80000006), most = 16;
        if (!X86Base.IsSupported) yield break;
        uint last = (uint)X86Base.CpuId(int.MinValue, 0).Eax;
        bool isAmd = last >= unchecked((uint)amd) && (X86Base.CpuId(amd, 0).Eax & 31) != 0;
        if (!isAmd && (X86Base.CpuId(0, 0).Eax < 4 || (X86Base.CpuId(4, 0).Eax & 31) == 0))
        {
            // The third level is given there as the sum over a socket; a core reaches a part of it.
            if (last >= unchecked((uint)amdSecond) && X86Base.CpuId(amdSecond, 0).Ecx >>> 16 is > 0 and int kilobytes)
            {
                yield return (2, (long)kilobytes << 10);
                yield return (3, UntoldLast);
            }
            yield break;
        }
        for (int i = 0; i < most; i++)
        {
            var (eax, ebx, ecx, _) = X86Base.CpuId(isAmd ? amd : 4, i);
            int kind = eax & 31, level = eax >> 5 & 7;
            if (kind == 0) yield break;
            long ways = ((uint)ebx >> 22) + 1;
            long partitions = (ebx >> 12 & 1023) + 1;
            long line = (ebx & 4095) + 1, sets = (uint)ecx + 1L;
            yield return (level, ways * partitions * line * sets);
        }
    }

    /// <summary>What Linux says of processors that do not: a folder for each cache.</summary>
    private static List<(int Level, long Bytes)> Linux()
    {
        var caches = new List<(int Level, long Bytes)>();
        try
        {
            foreach (string cache in Directory.GetDirectories("/sys/devices/system/cpu/cpu0/cache", "index*"))
            {
                string size = File.ReadAllText(Path.Combine(cache, "size")).Trim();
                string level = File.ReadAllText(Path.Combine(cache, "level"));
                caches.Add((int.Parse(level, CultureInfo.InvariantCulture),
                    long.Parse(size[..^1], CultureInfo.InvariantCulture) << (size[^1] == 'M' ? 20 : 10)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException
            or FormatException or OverflowException)
        { }
        return caches;
    }
}
