using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace MlffAd.Kernels.Runtime;

/// <summary>The processor itself: host bodies, on the thread team, without ILGPU.</summary>
internal sealed unsafe class HostDevice(int threads) : Device("cpu", Describe().Name, threads, Precision.Float32,
    length => new HostStorage(length))
{
    public static DeviceInfo Describe()
    {
        string simd = Vector512.IsHardwareAccelerated ? "512-bit SIMD" : Vector256.IsHardwareAccelerated
            ? "256-bit SIMD"
            : Vector128.IsHardwareAccelerated ? "128-bit SIMD" : "no SIMD";
        string name = $"{Processor()}, {Environment.ProcessorCount} processors, {simd}";
        return new DeviceInfo("cpu", name, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, null);
    }

    /// <summary>What an x64 processor calls itself: 48 characters in three of its identification leaves. Others, and
    /// those that keep it to themselves, go by their architecture.</summary>
    private static string Processor()
    {
        const int firstLeaf = unchecked((int)0x80000002), leaves = 3;
        string brand = "";
        if (X86Base.IsSupported
            && (uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax >= unchecked((uint)(firstLeaf + leaves - 1)))
        {
            Span<int> registers = stackalloc int[4 * leaves];
            for (int i = 0; i < leaves; i++)
                (registers[4 * i], registers[4 * i + 1], registers[4 * i + 2], registers[4 * i + 3]) =
                    X86Base.CpuId(firstLeaf + i, 0);
            brand = Encoding.ASCII.GetString(MemoryMarshal.AsBytes(registers)).Trim('\0', ' ');
        }
        return brand.Length > 0 ? brand : RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
    }

    public override void Synchronize() { }

    internal override void Write(Tensor to, ReadOnlySpan<float> values)
    {
        var rows = to.Host;
        if (to.IsContiguous) values.CopyTo(to.HostSpan);
        else for (int r = 0; r < to.Rows; r++) values.Slice(r * to.C, to.C).CopyTo(new Span<float>(rows.Row(r), to.C));
    }

    internal override void Read(Tensor from, Span<float> values)
    {
        var rows = from.Host;
        if (from.IsContiguous) from.HostSpan.CopyTo(values);
        else for (int r = 0; r < from.Rows; r++)
            new Span<float>(rows.Row(r), from.C).CopyTo(values.Slice(r * from.C, from.C));
    }
}

/// <summary>What host bodies read and write of a tensor.</summary>
public static unsafe class HostTensors
{
    /// <param name="t">A tensor on the host.</param>
    extension(Tensor t)
    {
        /// <summary>The elements of a tensor on the host, valid while it is alive.</summary>
        /// <exception cref="ObjectDisposedException">It was returned to the pool.</exception>
        /// <exception cref="InvalidOperationException">It is on another device.</exception>
        public HostRows Host => new(
            (t.Storage as HostStorage ?? throw new InvalidOperationException($"{t} is not on the host.")).Pointer
            + t.Offset, t.Pitch);

        /// <summary>The elements of a contiguous tensor on the host, row-major, valid while it is alive.</summary>
        /// <exception cref="ObjectDisposedException">It was returned to the pool.</exception>
        /// <exception cref="InvalidOperationException">It is not contiguous, or on another device.</exception>
        public Span<float> HostSpan => t.IsContiguous
            ? new Span<float>(t.Host.Data, checked((int)t.Count))
            : throw new InvalidOperationException($"{t} is not contiguous.");
    }
}
