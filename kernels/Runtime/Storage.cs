using System.Runtime.InteropServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>One block of a device's memory, counted in floats. Rented from a <see cref="BufferPool"/>.</summary>
public abstract class Storage(long length) : IDisposable
{
    /// <summary>Capacity in floats.</summary>
    public long Length { get; } = length;

    /// <summary>The tensor that holds the block at present, for leak reports; null while it lies in the pool.</summary>
    internal string? Holder { get; set; }

    /// <summary>Gives the memory back to the device.</summary>
    public abstract void Dispose();
}

/// <summary>Host memory, 64-byte aligned.</summary>
internal sealed unsafe class HostStorage : Storage
{
    private const nuint HugePage = 2 << 20;

    public HostStorage(long length) : base(length)
    {
        nuint bytes = (nuint)length * sizeof(float);
        bool isHuge = OperatingSystem.IsLinux() && bytes >= HugePage;
        try { Pointer = (float*)NativeMemory.AlignedAlloc(bytes, isHuge ? HugePage : 64); }
        catch (OutOfMemoryException e)
        {
            throw new DeviceException($"Not enough memory for another {length * sizeof(float) >> 20} MiB; try a smaller --batch or --image-size.", e);
        }
        if (isHuge) HostMemory.AskForLargePages(Pointer, bytes);
    }

    public float* Pointer { get; private set; }

    public override void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}

/// <summary>The host's memory.</summary>
public static unsafe partial class HostMemory
{
    private const int Page = 4096, AdviseHugePages = 14;

    /// <summary>Asks Linux for large pages in an array that has not been touched yet: to touch a page of 4 KiB for the first time takes 3 µs on one virtual machine and 12 on another, and a model has tens of thousands.
    /// The system may have none to give; nothing else changes.</summary>
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
