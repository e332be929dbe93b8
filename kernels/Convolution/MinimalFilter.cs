using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>A minimal filtering scheme F(m, 3) (Winograd; Lavin and Gray): m outputs of a 3-tap filter by m + 2
/// products, <c>y = Aᵀ[(G·g) ⊙ (Bᵀ·d)]</c>. Applied along both sides of a tile of m×m outputs it takes (m + 2)²
/// products a channel pair where the definition takes 9·m².</summary>
/// <remarks>It is multiplication of polynomials: both factors are evaluated at m + 1 points and at infinity, multiplied
/// there, and interpolated. Each transformation is one-dimensional, of vectors of channels, from places <c>step</c>
/// floats apart to places <c>toStep</c> floats apart, which may be the same.
/// <para>The sum Σ dy·y is linear in g: the gradient to the filter is <c>dg = Gᵀ[(A·dy) ⊙ (Bᵀ·d)]</c>, with the
/// transposes of the same matrices.</para></remarks>
internal unsafe interface IMinimalFilter
{
    /// <summary>m.</summary>
    static abstract int Outputs { get; }

    /// <summary>Bᵀ: m + 2 inputs to as many points.</summary>
    static abstract void Input(float* from, nint step, float* to, nint toStep);

    /// <summary>G: 3 taps to m + 2 points.</summary>
    static abstract void Filter(float* from, nint step, float* to, nint toStep);

    /// <summary>Aᵀ: m + 2 points to m outputs.</summary>
    static abstract void Output(float* from, nint step, float* to, nint toStep);

    /// <summary>A: gradients to m outputs to m + 2 points.</summary>
    static abstract void OutputGradient(float* from, nint step, float* to, nint toStep);

    /// <summary>Gᵀ: m + 2 points to the gradients to 3 taps.</summary>
    static abstract void FilterGradient(float* from, nint step, float* to, nint toStep);
}

/// <summary>F(2, 3) at 0, 1, −1, ∞: 16 products for 36.</summary>
internal readonly unsafe struct Winograd2 : IMinimalFilter
{
    public static int Outputs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> d0 = Vector.Load(from), d1 = Vector.Load(from + step);
        Vector<float> d2 = Vector.Load(from + 2 * step), d3 = Vector.Load(from + 3 * step);
        (d0 - d2).Store(to);
        (d1 + d2).Store(to + toStep);
        (d2 - d1).Store(to + 2 * toStep);
        (d3 - d1).Store(to + 3 * toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> g0 = Vector.Load(from), g1 = Vector.Load(from + step);
        Vector<float> g2 = Vector.Load(from + 2 * step), even = (g0 + g2) * 0.5f, odd = g1 * 0.5f;
        g0.Store(to);
        (even + odd).Store(to + toStep);
        (even - odd).Store(to + 2 * toStep);
        g2.Store(to + 3 * toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> s0 = Vector.Load(from), s1 = Vector.Load(from + step);
        Vector<float> s2 = Vector.Load(from + 2 * step), s3 = Vector.Load(from + 3 * step);
        (s0 + s1 + s2).Store(to);
        (s1 - s2 + s3).Store(to + toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> y0 = Vector.Load(from), y1 = Vector.Load(from + step);
        y0.Store(to);
        (y0 + y1).Store(to + toStep);
        (y0 - y1).Store(to + 2 * toStep);
        y1.Store(to + 3 * toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> s0 = Vector.Load(from), s1 = Vector.Load(from + step);
        Vector<float> s2 = Vector.Load(from + 2 * step), s3 = Vector.Load(from + 3 * step);
        Vector<float> even = (s1 + s2) * 0.5f;
        (s0 + even).Store(to);
        ((s1 - s2) * 0.5f).Store(to + toStep);
        (even + s3).Store(to + 2 * toStep);
    }
}

/// <summary>F(4, 3) at 0, ±a, ±b, ∞: 36 products for 144.</summary>
/// <remarks>With N(p) the product of p's distances to the other finite points: rows of Bᵀ are the coefficients of Π_{q
/// ≠ p} (x − q), rows of G are (1, p, p²)/N(p), columns of Aᵀ (1, p, p², p³). Points ±a and ±b share their even and odd
/// halves. The usual ±1, ±2 make sums of numbers of very different size; with ±⅝, ±1½ the error is a third to a half of
/// theirs (1.5e-5 of the outputs' root mean square at worst, 2.4e-6 on average, for 1024 channels), and their
/// powers are exact.</remarks>
internal readonly unsafe struct Winograd4 : IMinimalFilter
{
    private const float A = 0.625f, B = 1.5f, A2 = A * A, B2 = B * B, A3 = A * A2, B3 = B * B2;

    /// <summary>1/N(0), 1/N(±a), 1/N(±b).</summary>
    private const float N0 = 1 / (A2 * B2), NA = 1 / (2 * A2 * (A2 - B2)), NB = 1 / (2 * B2 * (B2 - A2));

    public static int Outputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> d0 = Vector.Load(from), d1 = Vector.Load(from + step);
        Vector<float> d2 = Vector.Load(from + 2 * step), d3 = Vector.Load(from + 3 * step);
        Vector<float> d4 = Vector.Load(from + 4 * step), d5 = Vector.Load(from + 5 * step);
        (A2 * B2 * d0 - (A2 + B2) * d2 + d4).Store(to);
        Vector<float> even = d4 - B2 * d2, odd = A * (d3 - B2 * d1);
        (even + odd).Store(to + toStep);
        (even - odd).Store(to + 2 * toStep);
        (even, odd) = (d4 - A2 * d2, B * (d3 - A2 * d1));
        (even + odd).Store(to + 3 * toStep);
        (even - odd).Store(to + 4 * toStep);
        (A2 * B2 * d1 - (A2 + B2) * d3 + d5).Store(to + 5 * toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> g0 = Vector.Load(from), g1 = Vector.Load(from + step);
        Vector<float> g2 = Vector.Load(from + 2 * step), even = NA * (g0 + A2 * g2);
        Vector<float> odd = NA * A * g1;
        (N0 * g0).Store(to);
        (even + odd).Store(to + toStep);
        (even - odd).Store(to + 2 * toStep);
        (even, odd) = (NB * (g0 + B2 * g2), NB * B * g1);
        (even + odd).Store(to + 3 * toStep);
        (even - odd).Store(to + 4 * toStep);
        g2.Store(to + 5 * toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> s0 = Vector.Load(from), s1 = Vector.Load(from + step);
        Vector<float> s2 = Vector.Load(from + 2 * step), s3 = Vector.Load(from + 3 * step);
        Vector<float> s4 = Vector.Load(from + 4 * step), s5 = Vector.Load(from + 5 * step);
        Vector<float> evenA = s1 + s2, oddA = s1 - s2, evenB = s3 + s4, oddB = s3 - s4;
        (s0 + evenA + evenB).Store(to);
        (A * oddA + B * oddB).Store(to + toStep);
        (A2 * evenA + B2 * evenB).Store(to + 2 * toStep);
        (A3 * oddA + B3 * oddB + s5).Store(to + 3 * toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> y0 = Vector.Load(from), y1 = Vector.Load(from + step);
        Vector<float> y2 = Vector.Load(from + 2 * step), y3 = Vector.Load(from + 3 * step);
        y0.Store(to);
        Vector<float> even = y0 + A2 * y2, odd = A * y1 + A3 * y3;
        (even + odd).Store(to + toStep);
        (even - odd).Store(to + 2 * toStep);
        (even, odd) = (y0 + B2 * y2, B * y1 + B3 * y3);
        (even + odd).Store(to + 3 * toStep);
        (even - odd).Store(to + 4 * toStep);
        y3.Store(to + 5 * toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient(float* from, nint step, float* to, nint toStep)
    {
        Vector<float> s0 = Vector.Load(from), s1 = Vector.Load(from + step);
        Vector<float> s2 = Vector.Load(from + 2 * step), s3 = Vector.Load(from + 3 * step);
        Vector<float> s4 = Vector.Load(from + 4 * step), s5 = Vector.Load(from + 5 * step);
        Vector<float> evenA = NA * (s1 + s2), oddA = s1 - s2, evenB = NB * (s3 + s4);
        Vector<float> oddB = s3 - s4;
        (N0 * s0 + evenA + evenB).Store(to);
        (NA * A * oddA + NB * B * oddB).Store(to + toStep);
        (A2 * evenA + B2 * evenB + s5).Store(to + 2 * toStep);
    }
}
