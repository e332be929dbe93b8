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
            throw new DeviceException(
                $"Not enough memory for another {length * sizeof(float) >> 20} MiB; try a smaller --batch or "
                    + $"--image-size.", e);
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
