namespace MlffAd.Data;

/// <summary>Arithmetic of 8-bit pixels shared by pseudo anomalies, augmentation and masks.</summary>
internal static class Pixels
{
    /// <summary>Brightness as the eye sees it (ITU-R 601: 0.299 R + 0.587 G + 0.114 B, in 1/65536ths), rounded half up.</summary>
    public static byte Luma(byte r, byte g, byte b) => (byte)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);

    /// <summary>Rounded half up into 0…255.</summary>
    public static byte Round(float v) => (byte)Math.Clamp(v + 0.5f, 0, 255);

    /// <summary>Turns a colour around the hue circle, its saturation and value kept (HSV); computed in floats, rounded once.</summary>
    /// <param name="pixel">R, G, B.</param>
    /// <param name="turn">Part of the circle, −½…½.</param>
    public static void TurnHue(Span<byte> pixel, float turn)
    {
        byte r = pixel[0], g = pixel[1], b = pixel[2];
        int max = Math.Max(r, Math.Max(g, b)), chroma = max - Math.Min(r, Math.Min(g, b));
        if (chroma == 0) return;
        // Hue in sixths: red 0, green 2, blue 4.
        float hue = max == r ? (float)(g - b) / chroma : max == g ? 2 + (float)(b - r) / chroma : 4 + (float)(r - g) / chroma;
        hue += 6 * turn;
        for (int c = 0; c < 3; c++)
        {
            // A channel is full within a sixth of its own hue, absent beyond two, and falls linearly in between.
            float away = Math.Abs(hue - 2 * c) % 6;
            away = Math.Min(away, 6 - away);
            pixel[c] = Round(max - chroma * Math.Clamp(away - 1, 0, 1));
        }
    }
}
