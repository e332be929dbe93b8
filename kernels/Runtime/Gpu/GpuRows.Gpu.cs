using System.Runtime.CompilerServices;
using ILGPU;

namespace MlffAd.Kernels.Runtime;

/// <summary>A tensor as GPU bodies see it: rows of channels, <c>Pitch</c> elements apart.</summary>
/// <param name="data">The elements, of BF16 two in each.</param>
/// <param name="pitch">Elements from one row to the next.</param>
/// <param name="aligned">Whether the first element lies at a multiple of 16 bytes.</param>
/// <param name="bf16">Whether elements are BF16: then only <see cref="FourHalves"/>, and products that
/// ask, may read them.</param>
internal readonly struct GpuRows(ArrayView<float> data, int pitch, bool aligned, bool bf16 = false)
{
    public readonly ArrayView<float> Data = data;
    public readonly int Pitch = pitch;
    private readonly int _aligned = aligned ? 1 : 0, _bf16 = bf16 ? 1 : 0;

    /// <summary>Whether the first element lies at a multiple of 16 bytes.</summary>
    public bool IsAligned => _aligned != 0;

    /// <summary>Whether elements are BF16.</summary>
    public bool IsBf16 => _bf16 != 0;

    public ref float this[int row, int c]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Data[row * Pitch + c];
    }

    /// <summary>Four channels as 16 bytes: the rows must be aligned, and <see cref="Pitch"/> and <paramref name="c"/>
    /// multiples of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Four Wide(int row, int c) => ref Data.Cast<Four>()[row * (Pitch / 4) + c / 4];

    /// <summary>Two channels as 8 bytes: the rows must be aligned, and <see cref="Pitch"/> and <paramref name="c"/>
    /// multiples of two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Two Pair(int row, int c) => ref Data.Cast<Two>()[row * (Pitch / 2) + c / 2];
}
