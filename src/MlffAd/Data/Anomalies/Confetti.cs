namespace MlffAd.Data;

/// <summary>Draws blurred coloured and black squares (spec §2.4).</summary>
internal static class Confetti
{
    /// <summary>One try, for images of side S.</summary>
    public static AnomalyDraw Draw(ConfettiConfig config, int side, Rng rng) =>
        new(Group(config, side, config.Rates[0], coloured: true, rng),
            Group(config, side, config.Rates[1], coloured: false, rng));

    /// <summary>Their number is Poisson's for the whole image, at any S that of 256×256, drawn again
    /// until there is one.</summary>
    private static Square[] Group(ConfettiConfig config, int side, double rate, bool coloured, Rng rng)
    {
        int count;
        do count = rng.Poisson(rate * 256 * 256); while (count == 0);
        var squares = new Square[count];
        for (int i = 0; i < count; i++)
        {
            double half = Math.Max(1, Math.Round(rng.Uniform(config.Sizes[0], config.Sizes[1]) * (side / 256.0),
                MidpointRounding.AwayFromZero)) / 2;
            double x = rng.Uniform(0, side), y = rng.Uniform(0, side);
            var (sin, cos) = Math.SinCos(rng.Uniform(-config.Rotation, config.Rotation) * Math.PI / 180);
            float Offset() => (float)(coloured ? rng.Uniform(config.Offsets[0], config.Offsets[1]) : config.Black);
            squares[i] = new(X: x, Y: y, Half: half, Sin: sin, Cos: cos, R: Offset(), G: Offset(), B: Offset());
        }
        return squares;
    }
}
