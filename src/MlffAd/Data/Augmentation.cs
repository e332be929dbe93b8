using MlffAd.Configuration;

namespace MlffAd.Data;

/// <summary>Changes training images a little, before any pseudo anomaly (spec §2.7).</summary>
/// <remarks>Order: one bilinear warp (rotation about the middle, then shift; border replicated), flip, brightness ×U(1 ± r), contrast about the
/// mean luma ×U(1 ± r); clamped and rounded once, at the end. Holds scratch memory: one instance a thread.</remarks>
public sealed class Augmentation(AugmentConfig config, int side)
{
    private readonly byte[] _before = new byte[3 * side * side];
    private readonly float[] _values = new float[3 * side * side];

    /// <summary>Whether anything changes at all.</summary>
    public bool IsOff => config is { Brightness: 0, Contrast: 0, Shift: 0, Rotate: 0, Flip: Flip.None };

    /// <summary>Changes an image in place.</summary>
    /// <param name="image"><c>[S, S, 3]</c>.</param>
    /// <param name="rng">The entry's own stream.</param>
    public void Apply(Span<byte> image, Rng rng)
    {
        if (IsOff) return;
        double shiftX = rng.Uniform(-config.Shift, config.Shift), shiftY = rng.Uniform(-config.Shift, config.Shift);
        double turn = rng.Uniform(-config.Rotate, config.Rotate) * Math.PI / 180;
        bool mirror = rng.Bernoulli(0.5) && config.Flip is Flip.Horizontal or Flip.Both, overturn = rng.Bernoulli(0.5) && config.Flip is Flip.Vertical or Flip.Both;
        float brightness = (float)rng.Uniform(1 - config.Brightness, 1 + config.Brightness), contrast = (float)rng.Uniform(1 - config.Contrast, 1 + config.Contrast);

        Warp(image, shiftX, shiftY, turn, mirror, overturn);
        double luma = 0;
        for (int p = 0; p < _values.Length; p += 3)
        {
            for (int c = p; c < p + 3; c++) _values[c] *= brightness;
            luma += 0.299 * _values[p] + 0.587 * _values[p + 1] + 0.114 * _values[p + 2];
        }
        float mean = (float)(luma / (side * side));
        for (int i = 0; i < image.Length; i++) image[i] = Pixels.Round(mean + contrast * (_values[i] - mean));
    }

    private void Warp(ReadOnlySpan<byte> image, double shiftX, double shiftY, double turn, bool mirror, bool overturn)
    {
        image.CopyTo(_before);
        var (sin, cos) = Math.SinCos(turn);
        double middle = side / 2.0;
        for (int y = 0, to = 0; y < side; y++)
        {
            double dy = (overturn ? side - 1 - y : y) + 0.5 - middle - shiftY;
            for (int x = 0; x < side; x++, to += 3)
            {
                double dx = (mirror ? side - 1 - x : x) + 0.5 - middle - shiftX;
                var at = new Bilinear(dx * cos + dy * sin + middle, dy * cos - dx * sin + middle, side, side);
                for (int c = 0; c < 3; c++) _values[to + c] = at.Sample(_before, c);
            }
        }
    }
}
