using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>A minimal filtering scheme F(m, 3) (Winograd; Lavin and Gray): m outputs of a 3-tap filter by m + 2 products,
/// <c>y = Aᵀ[(G·g) ⊙ (Bᵀ·d)]</c>. Applied along both sides of a tile of m×m outputs it takes (m + 2)² products a channel pair where the definition takes 9·m².</summary>
/// <remarks>It is multiplication of polynomials: both factors are evaluated at m + 1 points and at infinity, multiplied there, and interpolated. Each transformation is
/// one-dimensional, of vectors of channels <c>step</c> apart, in place.
/// <para>The sum Σ dy·y is linear in g: the gradient to the filter is <c>dg = Gᵀ[(A·dy) ⊙ (Bᵀ·d)]</c>, with the transposes of the same matrices.</para></remarks>
internal unsafe interface IMinimalFilter
{
    /// <summary>m.</summary>
    static abstract int Outputs { get; }

    /// <summary>Bᵀ: m + 2 inputs to as many points.</summary>
    static abstract void Input(Vector<float>* d, int step);

    /// <summary>G: 3 taps to m + 2 points; there is room for those.</summary>
    static abstract void Filter(Vector<float>* g, int step);

    /// <summary>Aᵀ: m + 2 points to m outputs, the first m places.</summary>
    static abstract void Output(Vector<float>* s, int step);

    /// <summary>A: gradients to m outputs to m + 2 points; there is room for those.</summary>
    static abstract void OutputGradient(Vector<float>* dy, int step);

    /// <summary>Gᵀ: m + 2 points to the gradients to 3 taps, the first 3 places.</summary>
    static abstract void FilterGradient(Vector<float>* s, int step);
}

/// <summary>F(2, 3) at 0, 1, −1, ∞: 16 products for 36.</summary>
internal readonly unsafe struct Winograd2 : IMinimalFilter
{
    public static int Outputs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(Vector<float>* d, int step)
    {
        Vector<float> d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
        (d[0], d[step], d[2 * step], d[3 * step]) = (d0 - d2, d1 + d2, d2 - d1, d3 - d1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(Vector<float>* g, int step)
    {
        Vector<float> g0 = g[0], g1 = g[step], g2 = g[2 * step], even = (g0 + g2) * 0.5f, odd = g1 * 0.5f;
        (g[step], g[2 * step], g[3 * step]) = (even + odd, even - odd, g2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(Vector<float>* s, int step)
    {
        Vector<float> s1 = s[step], s2 = s[2 * step];
        (s[0], s[step]) = (s[0] + s1 + s2, s1 - s2 + s[3 * step]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient(Vector<float>* dy, int step)
    {
        Vector<float> y0 = dy[0], y1 = dy[step];
        (dy[step], dy[2 * step], dy[3 * step]) = (y0 + y1, y0 - y1, y1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient(Vector<float>* s, int step)
    {
        Vector<float> even = (s[step] + s[2 * step]) * 0.5f, odd = (s[step] - s[2 * step]) * 0.5f;
        (s[0], s[step], s[2 * step]) = (s[0] + even, odd, even + s[3 * step]);
    }
}

/// <summary>F(4, 3) at 0, ±a, ±b, ∞: 36 products for 144.</summary>
/// <remarks>With N(p) the product of p's distances to the other finite points: rows of Bᵀ are the coefficients of Π_{q ≠ p} (x − q), rows of G are (1, p, p²)/N(p), columns of Aᵀ (1, p, p², p³).
/// Points ±a and ±b share their even and odd halves. The usual ±1, ±2 make sums of numbers of very different size; with ±⅝, ±1½ the error is a third to a half of theirs
/// (1.5e-5 of the outputs' root mean square at worst, 2.4e-6 on average, for 1024 channels), and their powers are exact.</remarks>
internal readonly unsafe struct Winograd4 : IMinimalFilter
{
    private const float A = 0.625f, B = 1.5f, A2 = A * A, B2 = B * B, A3 = A * A2, B3 = B * B2;

    /// <summary>1/N(0), 1/N(±a), 1/N(±b).</summary>
    private const float N0 = 1 / (A2 * B2), NA = 1 / (2 * A2 * (A2 - B2)), NB = 1 / (2 * B2 * (B2 - A2));

    public static int Outputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(Vector<float>* d, int step)
    {
        Vector<float> d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
        Vector<float> even = d4 - B2 * d2, odd = A * (d3 - B2 * d1);
        (d[step], d[2 * step]) = (even + odd, even - odd);
        (even, odd) = (d4 - A2 * d2, B * (d3 - A2 * d1));
        (d[3 * step], d[4 * step]) = (even + odd, even - odd);
        (d[0], d[5 * step]) = (A2 * B2 * d0 - (A2 + B2) * d2 + d4, A2 * B2 * d1 - (A2 + B2) * d3 + d5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(Vector<float>* g, int step)
    {
        Vector<float> g0 = g[0], g1 = g[step], g2 = g[2 * step], even = NA * (g0 + A2 * g2), odd = NA * A * g1;
        (g[step], g[2 * step]) = (even + odd, even - odd);
        (even, odd) = (NB * (g0 + B2 * g2), NB * B * g1);
        (g[3 * step], g[4 * step]) = (even + odd, even - odd);
        (g[0], g[5 * step]) = (N0 * g0, g2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(Vector<float>* s, int step)
    {
        Vector<float> evenA = s[step] + s[2 * step], oddA = s[step] - s[2 * step], evenB = s[3 * step] + s[4 * step], oddB = s[3 * step] - s[4 * step];
        (s[0], s[step]) = (s[0] + evenA + evenB, A * oddA + B * oddB);
        (s[2 * step], s[3 * step]) = (A2 * evenA + B2 * evenB, A3 * oddA + B3 * oddB + s[5 * step]);
    }
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient(Vector<float>* dy, int step)
    {
        Vector<float> y0 = dy[0], y1 = dy[step], y2 = dy[2 * step], y3 = dy[3 * step], even = y0 + A2 * y2, odd = A * y1 + A3 * y3;
        (dy[step], dy[2 * step]) = (even + odd, even - odd);
        (even, odd) = (y0 + B2 * y2, B * y1 + B3 * y3);
        (dy[3 * step], dy[4 * step], dy[5 * step]) = (even + odd, even - odd, y3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient(Vector<float>* s, int step)
    {
        Vector<float> evenA = NA * (s[step] + s[2 * step]), oddA = s[step] - s[2 * step], evenB = NB * (s[3 * step] + s[4 * step]), oddB = s[3 * step] - s[4 * step];
        (s[0], s[step], s[2 * step]) = (N0 * s[0] + evenA + evenB, NA * A * oddA + NB * B * oddB, A2 * evenA + B2 * evenB + s[5 * step]);
    }
}
