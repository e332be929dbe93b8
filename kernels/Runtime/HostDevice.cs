using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MlffAd.Kernels.Runtime;

/// <summary>The processor itself: host bodies, on the thread team, without ILGPU.</summary>
internal sealed unsafe class HostDevice(int threads) : Device("cpu", Describe().Name, threads, length => new HostStorage(length))
{
    public static DeviceInfo Describe()
    {
        string simd = Vector512.IsHardwareAccelerated ? "512-bit SIMD" : Vector256.IsHardwareAccelerated ? "256-bit SIMD"
            : Vector128.IsHardwareAccelerated ? "128-bit SIMD" : "no SIMD";
        string name = $"{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}, {Environment.ProcessorCount} processors, {simd}";
        return new DeviceInfo("cpu", name, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, null);
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
        else for (int r = 0; r < from.Rows; r++) new Span<float>(rows.Row(r), from.C).CopyTo(values.Slice(r * from.C, from.C));
    }
}
