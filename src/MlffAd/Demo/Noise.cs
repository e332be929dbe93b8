namespace MlffAd.Demo;

/// <summary>Value noise: random values on the integer lattice, joined smoothly. The same seed and place give
/// the same value.</summary>
internal readonly struct Noise(uint seed)
{
    /// <summary>A random value in [−1, 1) for a lattice point.</summary>
    public float At(int x, int y = 0)
    {
        uint h = (uint)x * 0x9E3779B1 ^ (uint)y * 0x85EBCA77 ^ seed * 0xC2B2AE3D;
        h = (h ^ (h >> 16)) * 0x7FEB352D;
        h = (h ^ (h >> 15)) * 0x846CA68B;
        return (h ^ (h >> 16)) * (2f / (1L << 32)) - 1;
    }

    /// <summary>The noise at a place, in about [−1, 1]; it varies over a length of 1.</summary>
    public float this[float x, float y]
    {
        get
        {
            int i = (int)MathF.Floor(x), j = (int)MathF.Floor(y);
            float a = Smooth(x - i), b = Smooth(y - j);
            float top = At(i, j) + a * (At(i + 1, j) - At(i, j));
            float bottom = At(i, j + 1) + a * (At(i + 1, j + 1) - At(i, j + 1));
            return top + b * (bottom - top);
        }
    }

    /// <summary>Three octaves, each of half the length and half the height: clouds.</summary>
    public float Cloud(float x, float y) =>
        (this[x, y] + 0.5f * this[2 * x + 17, 2 * y + 17] + 0.25f * this[4 * x + 31, 4 * y + 31]) / 1.75f;

    /// <summary>0 below <paramref name="low"/>, 1 above <paramref name="high"/>, smooth between.</summary>
    public static float Step(float low, float high, float x) => Smooth(Math.Clamp((x - low) / (high - low), 0, 1));

    private static float Smooth(float t) => t * t * (3 - 2 * t);
}
