namespace MlffAd.Network;

/// <summary>The configuration in the kernels' terms.</summary>
public static class KernelOptions
{
    /// <summary>Levels and band of a quantisation of <paramref name="levels"/> levels.</summary>
    public static Quantization Quantization(TextureConfig texture, int levels) =>
        new(levels, texture.Levels == LevelPositions.Paper
            ? LevelPlacement.Paper
            : LevelPlacement.Centre, texture.Band switch
            {
                Band.Spacing => LevelBand.Spacing,
                Band.Absolute =>
                LevelBand.Absolute,
                _ => LevelBand.Half
            });

    /// <summary>The losses' constants.</summary>
    public static LossOptions Loss(LossConfig c) =>
        new(Alpha: (float)c.Alpha, Beta: (float)c.Beta, Xi: (float)c.Xi, Gamma: (float)c.Gamma,
            Lambda: (float)c.Lambda, PairAll: c.Pairing == Pairing.All, Patch: c.Patch,
            Temperature: (float)c.Temperature);

    /// <summary>From 8-bit pixels to the network's input.</summary>
    public static PixelNormalisation Normalisation(Preprocessing p) =>
        new(p.Order == "BGR", 255 / p.Scale, p.Mean, p.Std);
}
