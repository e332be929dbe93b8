using System.Collections.Immutable;

namespace MlffAd.Data;

/// <summary>Draws CutPaste's two kinds (spec §2.5): a piece of the image, its colours changed a little,
/// pasted elsewhere.</summary>
internal static class CutPaste
{
    /// <summary>An upright piece, for images of side S.</summary>
    public static AnomalyDraw Patch(CutpasteConfig config, int side, Rng rng)
    {
        double area = rng.Uniform(config.Area[0], config.Area[1]) * side * side;
        double aspect = Math.Exp(rng.Uniform(Math.Log(config.Aspect), -Math.Log(config.Aspect)));
        int width = Length(Math.Sqrt(area * aspect), side), height = Length(Math.Sqrt(area / aspect), side);
        int left = rng.Below(side - width + 1), top = rng.Below(side - height + 1);
        var changes = Changes(config.Jitter, rng);
        return new(new Piece(Left: left, Top: top, Width: width, Height: height,
            X: rng.Below(side - width + 1) + width / 2.0, Y: rng.Below(side - height + 1) + height / 2.0, Sin: 0,
            Cos: 1, Changes: changes));
    }

    /// <summary>A thin piece, rotated.</summary>
    public static AnomalyDraw Scar(ScarConfig config, int side, Rng rng)
    {
        double unit = side / 256.0;
        int width = Length(rng.Uniform(config.Width[0], config.Width[1]) * unit, side);
        int height = Length(rng.Uniform(config.Length[0], config.Length[1]) * unit, side);
        int left = rng.Below(side - width + 1), top = rng.Below(side - height + 1);
        var changes = Changes(config.Jitter, rng);
        var (sin, cos) = Math.SinCos(rng.Uniform(-config.Rotation, config.Rotation) * Math.PI / 180);
        var piece = new Piece(Left: left, Top: top, Width: width, Height: height, X: 0, Y: 0, Sin: sin, Cos: cos,
            Changes: changes);
        var (reachX, reachY) = piece.Reach;
        // Uniform among the places where the rotated piece lies inside; in the middle if it is larger than the image.
        return new(piece with
        {
            X = reachX < side / 2.0 ? rng.Uniform(reachX, side - reachX) : side / 2.0,
            Y = reachY < side / 2.0 ? rng.Uniform(reachY, side - reachY) : side / 2.0,
        });
    }

    private static int Length(double pixels, int side) =>
        Math.Clamp((int)Math.Round(pixels, MidpointRounding.AwayFromZero), 1, side);

    /// <summary>All four changes of colour, in random order.</summary>
    private static (ColourChange, float)[] Changes(ImmutableArray<double> halfWidths, Rng rng)
    {
        var order = Enum.GetValues<ColourChange>();
        rng.Shuffle(order.AsSpan());
        return [.. order.Select(change =>
        {
            double amount = rng.Uniform(-halfWidths[(int)change], halfWidths[(int)change]);
            return (change, (float)(change == ColourChange.Hue ? amount : 1 + amount));
        })];
    }
}
