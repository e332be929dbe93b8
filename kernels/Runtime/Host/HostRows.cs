using System.Runtime.CompilerServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>A tensor as host bodies see it: rows of channels, <c>Pitch</c> floats apart.</summary>
internal readonly unsafe struct HostRows(float* data, int pitch)
{
    public readonly float* Data = data;
    public readonly int Pitch = pitch;

    public ref float this[int row, int c]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Data[(nint)row * Pitch + c];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Row(int row) => Data + (nint)row * Pitch;
}
