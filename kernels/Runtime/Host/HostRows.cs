using System.Runtime.CompilerServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>A tensor as host bodies see it: rows of channels, <c>Pitch</c> floats apart, without checks of
/// bounds.</summary>
/// <param name="data">The first row's first channel.</param>
/// <param name="pitch">Floats from a row to the next.</param>
public readonly unsafe struct HostRows(float* data, int pitch)
{
    /// <summary>The first row's first channel.</summary>
    public readonly float* Data = data;

    /// <summary>Floats from a row to the next; of a channel slice more than it has channels.</summary>
    public readonly int Pitch = pitch;

    /// <summary>A channel of a row.</summary>
    public ref float this[int row, int c]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Data[(nint)row * Pitch + c];
    }

    /// <summary>The first channel of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Row(int row) => Data + (nint)row * Pitch;
}
