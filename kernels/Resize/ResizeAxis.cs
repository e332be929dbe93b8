using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>Sample positions of a bilinear resize along one axis, exact fractions of integers: the same on every
/// device.</summary>
/// <remarks>Output i lies at source coordinate s = i·(in − 1)/(out − 1) with corners aligned (0 if out = 1), else at s
/// = max(0, (i + ½)·in/out − ½), and is (1 − t)·x[⌊s⌋] + t·x[min(⌊s⌋ + 1, in − 1)], t = s − ⌊s⌋.</remarks>
internal readonly struct ResizeAxis(int source, int target, bool corners)
{
    private readonly int _source = source, _target = target, _corners = corners ? 1 : 0;

    private int Denominator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _corners != 0 ? (_target > 1 ? _target - 1 : 1) : 2 * _target;
    }

    /// <summary>⌊s⌋ of output i, and t.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int At(int i, out float t)
    {
        int numerator = _corners != 0 ? (_target > 1 ? i * (_source - 1) : 0) : (2 * i + 1) * _source - _target;
        if (numerator < 0) numerator = 0;
        int below = numerator / Denominator;
        t = (numerator - below * Denominator) / (float)Denominator;
        return below;
    }

    /// <summary>The other sample: min(⌊s⌋ + 1, in − 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Above(int below) => below + 1 < _source ? below + 1 : below;

    /// <summary>Weight of source h in output i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Weight(int i, int h)
    {
        int below = At(i, out float t);
        return (below == h ? 1 - t : 0) + (Above(below) == h ? t : 0);
    }

    /// <summary>The first output with ⌊s⌋ ≥ h, or the number of outputs: source h is used only by outputs
    /// <c>First(h − 1)</c> to <c>First(h + 1) − 1</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int First(int h)
    {
        if (h <= 0) return 0;
        if (h >= _source || _corners != 0 && _target == 1) return _target;   // the single output lies at source 0
        // s ≥ h solved for i; both divisors are positive as 0 < h < in.
        int first = _corners != 0
            ? (h * (_target - 1) + _source - 2) / (_source - 1)
            : (2 * _target * h + _target - _source + 2 * _source - 1) / (2 * _source);
        return first < 0 ? 0 : first < _target ? first : _target;
    }
}
