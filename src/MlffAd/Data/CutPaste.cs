using System.Collections.Immutable;
using MlffAd.Configuration;

namespace MlffAd.Data;

/// <summary>CutPaste's two kinds (spec §2.5): a piece of the image, its colours changed a little, pasted elsewhere.</summary>
internal sealed class CutPaste(SynthConfig config, int side)
{
    private readonly byte[] _piece = new byte[3 * side * side];
    private readonly double _unit = side / 256.0;

    /// <summary>An upright piece.</summary>
    public void Patch(ReadOnlySpan<byte> before, Span<byte> after, Rng rng)
    {
        var c = config.Cutpaste;
        double area = rng.Uniform(c.Area[0], c.Area[1]) * side * side, aspect = Math.Exp(rng.Uniform(Math.Log(c.Aspect), -Math.Log(c.Aspect)));
        int width = Length(Math.Sqrt(area * aspect)), height = Length(Math.Sqrt(area / aspect));
        var piece = Cut(before, width, height, rng);
        Jitter(piece, c.Jitter, rng);
        int x0 = rng.Below(side - width + 1), y0 = rng.Below(side - height + 1);
        for (int y = 0; y < height; y++) piece.Slice(3 * y * width, 3 * width).CopyTo(after[(3 * ((y0 + y) * side + x0))..]);
    }

    /// <summary>A thin piece, rotated; inside sampled bilinearly, its edge hard: a pixel belongs to it when its centre does.</summary>
    public void Scar(ReadOnlySpan<byte> before, Span<byte> after, Rng rng)
    {
        var c = config.Scar;
        int width = Length(rng.Uniform(c.Width[0], c.Width[1]) * _unit), height = Length(rng.Uniform(c.Length[0], c.Length[1]) * _unit);
        var piece = Cut(before, width, height, rng);
        Jitter(piece, c.Jitter, rng);
        var (sin, cos) = Math.SinCos(rng.Uniform(-c.Rotation, c.Rotation) * Math.PI / 180);
        double reachX = (width * Math.Abs(cos) + height * Math.Abs(sin)) / 2, reachY = (width * Math.Abs(sin) + height * Math.Abs(cos)) / 2;
        // Uniform among the places where the rotated piece lies inside; in the middle if it is larger than the image.
        double cx = reachX < side / 2.0 ? rng.Uniform(reachX, side - reachX) : side / 2.0, cy = reachY < side / 2.0 ? rng.Uniform(reachY, side - reachY) : side / 2.0;
        for (int y = Math.Max(0, (int)(cy - reachY)); y < Math.Min(side, cy + reachY); y++)
        {
            for (int x = Math.Max(0, (int)(cx - reachX)); x < Math.Min(side, cx + reachX); x++)
            {
                double dx = x + 0.5 - cx, dy = y + 0.5 - cy, u = dx * cos + dy * sin + width / 2.0, v = dy * cos - dx * sin + height / 2.0;
                if (u >= 0 && u < width && v >= 0 && v < height) Sample(piece, width, height, u, v, after.Slice(3 * (y * side + x), 3));
            }
        }
    }

    private static void Sample(ReadOnlySpan<byte> piece, int width, int height, double u, double v, Span<byte> pixel)
    {
        var at = new Bilinear(u, v, width, height);
        for (int c = 0; c < 3; c++) pixel[c] = Pixels.Round(at.Sample(piece, c));
    }

    private int Length(double pixels) => Math.Clamp((int)Math.Round(pixels, MidpointRounding.AwayFromZero), 1, side);

    private Span<byte> Cut(ReadOnlySpan<byte> image, int width, int height, Rng rng)
    {
        int x0 = rng.Below(side - width + 1), y0 = rng.Below(side - height + 1);
        var piece = _piece.AsSpan(0, 3 * width * height);
        for (int y = 0; y < height; y++) image.Slice(3 * ((y0 + y) * side + x0), 3 * width).CopyTo(piece[(3 * y * width)..]);
        return piece;
    }

    /// <summary>Brightness, contrast (about the mean luma, a whole number), saturation (about each pixel's luma) and hue, in random order;
    /// rounded to 8 bits after each, as an image library does it.</summary>
    private static void Jitter(Span<byte> piece, ImmutableArray<double> halfWidths, Rng rng)
    {
        Span<int> order = [0, 1, 2, 3];
        rng.Shuffle(order);
        foreach (int change in order)
        {
            double amount = rng.Uniform(-halfWidths[change], halfWidths[change]);
            float factor = (float)(1 + amount);
            switch (change)
            {
                case 0: Scale(piece, 0, factor); break;
                case 1: Scale(piece, MeanLuma(piece), factor); break;
                case 2:
                    for (int p = 0; p < piece.Length; p += 3)
                    {
                        float luma = Pixels.Luma(piece[p], piece[p + 1], piece[p + 2]);
                        for (int c = p; c < p + 3; c++) piece[c] = Pixels.Round(luma + factor * (piece[c] - luma));
                    }
                    break;
                default:
                    for (int p = 0; p < piece.Length; p += 3) Pixels.TurnHue(piece.Slice(p, 3), (float)amount);
                    break;
            }
        }
    }

    private static void Scale(Span<byte> piece, int about, float factor)
    {
        Span<byte> table = stackalloc byte[256];
        for (int v = 0; v < 256; v++) table[v] = Pixels.Round(about + factor * (v - about));
        foreach (ref byte v in piece) v = table[v];
    }

    private static int MeanLuma(ReadOnlySpan<byte> piece)
    {
        long sum = 0;
        for (int p = 0; p < piece.Length; p += 3) sum += Pixels.Luma(piece[p], piece[p + 1], piece[p + 2]);
        return (int)((2 * sum + piece.Length / 3) / (2 * (piece.Length / 3)));
    }
}
