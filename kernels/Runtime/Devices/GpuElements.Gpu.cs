namespace MlffAd.Kernels.Runtime;

/// <summary>A body that does all elements of a map by themselves, for one channel a thread, for four, and for four in BF16.</summary>
internal sealed class GpuElements<TArgs>(string name, Action<TArgs> one, Action<TArgs> four, Action<TArgs> bf16) where TArgs : struct
{
    private readonly GpuKernel<TArgs> _one = new(name, one), _four = new(name + ".wide", four), _bf16 = new(name + ".bf16", bf16);

    /// <summary>Gives each element of <paramref name="map"/> a thread, or each four if the operands' places allow it.</summary>
    public void Launch(Tensor map, in TArgs args, params ReadOnlySpan<GpuRows> operands)
    {
        if (Channels.InBf16(operands)) _bf16.LaunchItems(map.Device, map.Count / 4, args);
        else if (Channels.InFours(map.C, operands)) _four.LaunchItems(map.Device, map.Count / 4, args);
        else _one.LaunchItems(map.Device, map.Count, args);
    }
}
