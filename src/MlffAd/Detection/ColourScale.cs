namespace MlffAd.Detection;

/// <summary>An RGB colour, 8 bits a channel.</summary>
public readonly record struct MapColour(byte R, byte G, byte B)
{
    /// <summary>This colour with <paramref name="share"/> (0…1) of <paramref name="other"/> over it.</summary>
    public MapColour Blend(MapColour other, float share)
    {
        return new(Mix(R, other.R), Mix(G, other.G), Mix(B, other.B));

        byte Mix(byte below, byte above) => (byte)MathF.Round(below + share * (above - below));
    }
}

/// <summary>Colours for scores, absolute: one score has one colour in every image of a model. The pixel threshold sits
/// in the middle, where lightness and hue jump; below it lies a dark slate blue, above it orange
/// to pale yellow.</summary>
/// <remarks>Both halves are straight lines in OKLCh (B. Ottosson, "A perceptual color space for image processing",
/// 2020), so equal steps of score look equal. Lightness always rises: the scale survives grey printing and
/// colour blindness.</remarks>
public sealed class ColourScale
{
    private const int Half = 256;
    private static readonly MapColour[] Below = Line((0.15, 0.02, 270), (0.32, 0.06, 270));
    private static readonly MapColour[] Above = Line((0.62, 0.19, 35), (0.96, 0.11, 105));

    /// <param name="threshold">The pixel threshold.</param>
    /// <param name="span">Score from the threshold to either end; scores beyond keep the end's colour. The default is
    /// λ, the lead over good pixels that training asks of defective ones (equation 5).</param>
    public ColourScale(float threshold, float span = 5)
    {
        if (!(span > 0)) throw new ArgumentOutOfRangeException(nameof(span), span, "The span of a scale is positive.");
        (Threshold, Span) = (threshold, span);
    }

    /// <summary>The scale of a model's scores: a memory's are distances, and end at twice the threshold.</summary>
    public static ColourScale Of(Config config, float threshold) =>
        config.HasMemory ? new(threshold, Math.Max(Math.Abs(threshold), float.Epsilon)) : new(threshold);

    /// <summary>The score at which the colours jump; a score equal to it is below.</summary>
    public float Threshold { get; }

    /// <summary>Score from the threshold to either end.</summary>
    public float Span { get; }

    /// <summary>The colour of a score.</summary>
    public MapColour Of(float score)
    {
        float away = Math.Min(Math.Abs(score - Threshold) / Span, 1);
        int step = (int)MathF.Round(away * (Half - 1));
        return score > Threshold ? Above[step] : Below[Half - 1 - step];
    }

    /// <summary>How much of a photograph the colour covers: none up to the threshold, then 45 to 80 %.</summary>
    public float Cover(float score) => score > Threshold ? 0.45f + 0.35f * Math.Min((score - Threshold) / Span, 1) : 0;

    private static MapColour[] Line((double L, double C, double H) from, (double L, double C, double H) to)
    {
        return [.. Enumerable.Range(0, Half).Select(i => i / (Half - 1.0))
            .Select(t => OkLch(Mix(from.L, to.L, t), Mix(from.C, to.C, t), Mix(from.H, to.H, t)))];

        static double Mix(double a, double b, double t) => a + t * (b - a);
    }

    private static MapColour OkLch(double lightness, double chroma, double degrees)
    {
        double a = chroma * Math.Cos(degrees * Math.PI / 180), b = chroma * Math.Sin(degrees * Math.PI / 180);
        double l = Cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
        double m = Cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
        double s = Cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
        return new(
            Encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
            Encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
            Encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));

        static double Cube(double x) => x * x * x;
        static byte Encode(double linear)
        {
            double v = Math.Clamp(linear, 0, 1);
            return (byte)Math.Round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * Math.Pow(v, 1 / 2.4) - 0.055));
        }
    }
}
