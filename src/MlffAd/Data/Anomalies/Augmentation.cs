namespace MlffAd.Data;

/// <summary>Draws how training images are changed a little, before any pseudo anomaly (spec §2.7).</summary>
public static class Augmentation
{
    /// <summary>Draws a rotation and a shift, flips with probability ½ each, and factors in 1 ± r.</summary>
    /// <param name="config"><c>augment.*</c>.</param>
    /// <param name="rng">The entry's own stream.</param>
    /// <returns>Null if nothing changes at all.</returns>
    public static Warp? Draw(AugmentConfig config, Rng rng)
    {
        if (config is { Brightness: 0, Contrast: 0, Shift: 0, Rotate: 0, Flip: Flip.None }) return null;
        double shiftX = rng.Uniform(-config.Shift, config.Shift), shiftY = rng.Uniform(-config.Shift, config.Shift);
        var (sin, cos) = Math.SinCos(rng.Uniform(-config.Rotate, config.Rotate) * Math.PI / 180);
        bool mirror = rng.Bernoulli(0.5) && config.Flip is Flip.Horizontal or Flip.Both;
        bool overturn = rng.Bernoulli(0.5) && config.Flip is Flip.Vertical or Flip.Both;
        float brightness = (float)rng.Uniform(1 - config.Brightness, 1 + config.Brightness);
        float contrast = (float)rng.Uniform(1 - config.Contrast, 1 + config.Contrast);
        return new Warp(ShiftX: shiftX, ShiftY: shiftY, Sin: sin, Cos: cos, Mirror: mirror, Overturn: overturn,
            Brightness: brightness, Contrast: contrast);
    }
}
