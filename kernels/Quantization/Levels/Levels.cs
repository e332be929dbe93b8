using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>The N levels of one region and which positions they see: the arithmetic shared by every body here, host and
/// GPU, forward and gradient.</summary>
/// <remarks>A position that a forward pass counts at level n must be found at n by the gradient, or the gradient
/// belongs to another function. Floats round, so both must round alike. To guarantee it, membership is decided here
/// alone, by subtractions, divisions, products and comparisons in which no product feeds a sum, so that a compiler has
/// nothing to fuse into a multiply-add (<c>L_n = lo + span·k/2N</c> has a division in between; it is one exact scaling
/// where N is a power of two). Each remaining operation is rounded correctly by the host and by CUDA, where equal
/// inputs therefore give equal bits; OpenCL may divide with 2.5 ulp of error, yet the same in all bodies of a device.
/// Indices are clamped before they are used, so NaN and infinite similarities stay inside the arrays.</remarks>
internal readonly struct Levels
{
    private readonly float _lo, _span, _delta, _reach;
    private readonly int _offset;
    private readonly bool _binned, _open;

    /// <summary>The levels between <paramref name="lo"/> and <paramref name="hi"/>.</summary>
    public Levels(Quantization q, float lo, float hi)
    {
        Count = q.Levels;
        _lo = lo;
        _span = hi - lo;
        _delta = _span / Count;
        _offset = q.Placement == LevelPlacement.Centre ? 1 : 2;
        _binned = q.Placement == LevelPlacement.Centre && q.Band == LevelBand.Half;
        _open = q.Band == LevelBand.Spacing;
        _reach = q.Band == LevelBand.Spacing ? _delta : q.Band == LevelBand.Half ? _span / (2 * Count) : 0.5f / Count;
    }

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>w_n, the share of hi in <c>L_n = (1 − w_n)·lo + w_n·hi</c>: ∂L_n/∂hi, and 1 − ∂L_n/∂lo.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Weight(int n) => (float)(2 * n + _offset) / (2 * Count);

    /// <summary>L_n.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Level(int n) => _lo + _span * (2 * n + _offset) / (2 * Count);

    /// <summary>No level below this one sees <paramref name="m"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int First(float m)
    {
        // Bins: the level itself. Else: where m stands among the levels, less the reach, less one for rounding.
        int n = _binned ? Clamp((m - _lo) / _delta) : Clamp((m - _reach - _lo) / _delta - 0.5f * _offset) - 1;
        return n < 0 ? 0 : n < Count ? n : Count - 1;
    }

    /// <summary>No level above this one sees <paramref name="m"/>; −1, less than any first, where Δ = 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Last(float m)
    {
        if (!(_delta > 0)) return -1;
        int n = _binned ? Clamp((m - _lo) / _delta) : Clamp((m + _reach - _lo) / _delta - 0.5f * _offset) + 1;
        return n < Count ? n : Count - 1;
    }

    /// <summary>Whether a level between first and last sees an m that lies <paramref name="d"/> = L − m below
    /// it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Sees(float d) => _binned || (d < _reach && (_open ? d > -_reach : d >= -_reach));

    /// <summary>E = 1 − |L − m| of a level that sees m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Code(float d) => d < 0 ? 1 + d : 1 - d;

    /// <summary>Gradient of m for a gradient <paramref name="g"/> of E: <c>g·sign(L − m)</c>, 0 at 0; L's is the
    /// opposite.</summary>
    /// <remarks>Selects g, not a sign: for OpenCL, ILGPU 1.5.3 compiles a choice between constants to their
    /// <em>bits</em>.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSimilarity(float d, float g) => d > 0 ? g : d < 0 ? -g : 0;

    /// <summary>Σ_n E_n of one position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum(float m)
    {
        float sum = 0;
        for (int n = First(m), last = Last(m); n <= last; n++)
        {
            float d = Level(n) - m;
            if (Sees(d)) sum += Code(d);
        }
        return sum;
    }

    // Integer part, clamped to [0, N] as a float: casting a larger value or NaN is undefined on some devices.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Clamp(float x) => x > 0 ? x < Count ? (int)x : Count : 0;
}
