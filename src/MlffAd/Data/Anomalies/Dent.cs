namespace MlffAd.Data;

/// <summary>Draws a dent: within a disc the surface is stretched away from its middle, one flank lighter, the other
/// darker.</summary>
internal static class Dent
{
    private const double Shade = 0.35;

    /// <summary>Draws a dent. Its radius is that at S = 256, times S/256.</summary>
    /// <param name="before"><c>[S, S, 3]</c>, the image.</param>
    /// <param name="rgb">The same, drawn on.</param>
    /// <param name="side">S.</param>
    /// <param name="rng">The dent's own stream.</param>
    public static void Draw(ReadOnlySpan<byte> before, Span<byte> rgb, int side, Rng rng)
    {
        double radius = rng.Uniform(8, 24) * (side / 256.0), depth = rng.Uniform(0.5, 0.9);
        double middleX = rng.Uniform(radius, side - radius), middleY = rng.Uniform(radius, side - radius);
        for (int v = (int)(middleY - radius); v < Math.Min(side, middleY + radius); v++)
            for (int u = (int)(middleX - radius); u < Math.Min(side, middleX + radius); u++)
            {
                double x = (u + 0.5 - middleX) / radius, y = (v + 0.5 - middleY) / radius, fall = 1 - x * x - y * y;
                if (fall <= 0) continue;
                double from = radius * (1 - depth * fall * fall), light = 1 + Shade * fall * (x + y);
                var at = new Bilinear(middleX + x * from, middleY + y * from, side, side);
                for (int c = 0, to = 3 * (v * side + u); c < 3; c++)
                    rgb[to + c] = (byte)Math.Clamp(Math.Round(at.Sample(before, c) * light), 0, 255);
            }
    }
}
