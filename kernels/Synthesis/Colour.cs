namespace MlffAd.Kernels;

/// <summary>A pixel's three channels, integers in 0…255, and the arithmetic shared by both bodies.</summary>
public readonly struct Colour(int r, int g, int b)
{
    /// <summary>Red.</summary>
    public readonly int R = r;

    /// <summary>Green.</summary>
    public readonly int G = g;

    /// <summary>Blue.</summary>
    public readonly int B = b;

    /// <summary>Luma (ITU-R 601: 0.299 R + 0.587 G + 0.114 B, in 1/65536ths), rounded half up.</summary>
    public int Luma => (19595 * R + 38470 * G + 7471 * B + 32768) >> 16;

    /// <summary>Rounded half up into 0…255.</summary>
    public static int Round(float v) => (int)Math.Max(0f, Math.Min(v + 0.5f, 255f));

    /// <summary>Applies one change, rounded to 8 bits.</summary>
    /// <param name="change">Which.</param>
    /// <param name="amount">Factor, or turn of the hue.</param>
    /// <param name="mean">Mean luma, for contrast.</param>
    public Colour Changed(ColourChange change, float amount, int mean)
    {
        if (change == ColourChange.Hue) return Turned(amount);
        int about = change == ColourChange.Contrast ? mean : change == ColourChange.Saturation ? Luma : 0;
        return new(Round(about + amount * (R - about)), Round(about + amount * (G - about)),
            Round(about + amount * (B - about)));
    }

    /// <summary>Rotates the hue, keeping saturation and value (HSV); computed in floats, rounded once.</summary>
    /// <param name="turn">Share of the circle, −1…1.</param>
    public Colour Turned(float turn)
    {
        int max = Math.Max(R, Math.Max(G, B)), chroma = max - Math.Min(R, Math.Min(G, B));
        if (chroma == 0) return this;
        // Hue in sixths: red 0, green 2, blue 4.
        float hue = max == R ? (float)(G - B) / chroma : max == G
            ? 2 + (float)(B - R) / chroma
            : 4 + (float)(R - G) / chroma;
        hue += 6 * turn;
        return new(Channel(max, chroma, hue), Channel(max, chroma, hue - 2), Channel(max, chroma, hue - 4));
    }

    /// <summary>A channel is full within a sixth of its own hue, absent beyond two, and falls
    /// linearly in between.</summary>
    private static int Channel(int max, int chroma, float hue)
    {
        float away = Math.Abs(hue);
        if (away >= 6) away -= 6;
        away = Math.Min(away, 6 - away);
        return Round(max - chroma * Math.Max(0f, Math.Min(away - 1, 1f)));
    }
}
