using System.Runtime.InteropServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>The host's memory.</summary>
public static unsafe partial class HostMemory
{
    private const int Page = 4096, AdviseHugePages = 14;

    /// <summary>Asks Linux for large pages in an array that has not been touched yet: to touch a page of 4 KiB for the
    /// first time takes 3 µs on one virtual machine and 12 on another, and a model has tens of thousands. The system
    /// may have none to give; nothing else changes.</summary>
    /// <param name="memory">The array, of any size.</param>
    public static void AskForLargePages(float[] memory)
    {
        fixed (float* begin = memory) AskForLargePages(begin, (nuint)memory.Length * sizeof(float));
    }

    internal static void AskForLargePages(void* start, nuint bytes)
    {
        nuint first = ((nuint)start + Page - 1) / Page * Page, end = ((nuint)start + bytes) / Page * Page;
        if (OperatingSystem.IsLinux() && end > first) _ = Advise((void*)first, end - first, AdviseHugePages);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint length, int advice);
}
