namespace MlffAd.Kernels;

/// <summary>Normalisation of 8-bit RGB to a backbone's input: channel c is <c>Factor[c]·v + Shift[c]</c>.</summary>
/// <remarks>Equals <c>(v·scale/255 − mean)/std</c> (spec §2.3).</remarks>
public sealed class PixelNormalisation
{
    /// <summary>RGB in 0…1, ImageNet's means and deviations; the default without imported weights.</summary>
    public static readonly PixelNormalisation ImageNet = new(bgr: false, valueScale: 1, [0.485f, 0.456f, 0.406f],
        [0.229f, 0.224f, 0.225f]);

    /// <summary>Folds scale, mean and deviation into factor and shift.</summary>
    /// <param name="bgr">Whether the network's channel order is BGR.</param>
    /// <param name="valueScale">Value of white before the mean is subtracted: 1 or 255.</param>
    /// <param name="mean">Three means, in the network's channel order and scale.</param>
    /// <param name="deviation">Three standard deviations, likewise.</param>
    public PixelNormalisation(bool bgr, float valueScale, ReadOnlySpan<float> mean, ReadOnlySpan<float> deviation)
    {
        if (mean.Length != 3 || deviation.Length != 3)
            throw new ArgumentException($"{mean.Length} means and {deviation.Length} deviations for three channels.");
        Bgr = bgr;
        for (int c = 0; c < 3; c++)
        {
            Factor[c] = (float)(valueScale / 255.0 / deviation[c]);
            Shift[c] = (float)(-mean[c] / (double)deviation[c]);
        }
    }

    internal bool Bgr { get; }

    internal float[] Factor { get; } = new float[3];

    internal float[] Shift { get; } = new float[3];

    /// <summary>Factor[c], three numbers.</summary>
    public ReadOnlySpan<float> Factors => Factor;

    /// <summary>Shift[c], three numbers.</summary>
    public ReadOnlySpan<float> Shifts => Shift;
}

/// <summary>Normalises pixels to the network's input: <c>y[.., c] = Factor[c]·x[.., c or 2 − c] + Shift[c]</c> (spec
/// §2.3).</summary>
/// <remarks>One multiply-add per element; reads and writes every element once. An image is input and has no
/// gradient.</remarks>
public static partial class Normalise
{
    private static readonly Kernel Named = new("imaging.normalise");

    /// <summary>Normalises a batch.</summary>
    /// <param name="x"><c>[N, H, W, 3]</c>, RGB, 0…255, contiguous.</param>
    /// <param name="y">Receives the same shape, contiguous; may be <paramref name="x"/>.</param>
    /// <param name="how">Scale, means, deviations, channel order.</param>
    public static void Forward(Tensor x, Tensor y, PixelNormalisation how)
    {
        Shape.Same("normalise", x, y);
        Shape.Require("normalise", x.C == 3 && x.IsContiguous
            && y.IsContiguous, "images have three channels without gaps", x, y);
        using var _ = Named.Begin(y, 2 * y.Count, 2 * sizeof(float) * y.Count);
        if (y.Device.IsHost) Host(x, y, how);
        else Gpu(x, y, how);
    }

    static partial void Gpu(Tensor x, Tensor y, PixelNormalisation how);
}
