namespace MlffAd.Data;

/// <summary>Draws a thin bent line, like a scratch or a hair: darker than a light ground, lighter than a dark
/// one.</summary>
internal static class Stroke
{
    private const double Step = 0.25; // pixels from one dab to the next

    /// <summary>Draws a line. Lengths are those at S = 256, times S/256.</summary>
    /// <param name="rgb"><c>[S, S, 3]</c>, drawn on.</param>
    /// <param name="side">S.</param>
    /// <param name="rng">The line's own stream.</param>
    public static void Draw(Span<byte> rgb, int side, Rng rng)
    {
        double unit = side / 256.0, margin = 24 * unit;
        double half = rng.Uniform(0.75, 2) * unit, length = rng.Uniform(20, 80) * unit;
        double angle = rng.Uniform(0, Math.PI);
        double x = rng.Uniform(margin, side - margin), y = rng.Uniform(margin, side - margin);
        double bend = rng.Uniform(-0.02, 0.02) / unit, contrast = rng.Uniform(30, 90);
        var cover = new double[side * side];
        for (double drawn = 0; drawn < length; drawn += Step, angle += bend * Step)
        {
            x += Step * Math.Cos(angle);
            y += Step * Math.Sin(angle);
            Dab(cover, side, x, y, half);
        }
        double grey = 0, covered = cover.Sum();
        for (int i = 0; i < cover.Length; i++) grey += cover[i] * (rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2]) / 3;
        if (grey > covered * GreyImage.Middle) contrast = -contrast;
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] = (byte)Math.Clamp(Math.Round(rgb[i] + contrast * cover[i / 3]), 0, 255);
    }

    /// <summary>A disc with a soft edge of a pixel.</summary>
    private static void Dab(double[] cover, int side, double x, double y, double half)
    {
        int left = Math.Max(0, (int)(x - half - 1)), right = Math.Min(side - 1, (int)(x + half + 1));
        int top = Math.Max(0, (int)(y - half - 1)), bottom = Math.Min(side - 1, (int)(y + half + 1));
        for (int v = top; v <= bottom; v++)
            for (int u = left; u <= right; u++)
            {
                double distance = double.Hypot(u + 0.5 - x, v + 0.5 - y);
                ref double here = ref cover[v * side + u];
                here = Math.Max(here, Math.Clamp(half + 0.5 - distance, 0, 1));
            }
    }
}
