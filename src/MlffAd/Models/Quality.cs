namespace MlffAd.Models;

/// <summary>How well a model tells good images from pseudo anomalies drawn on them, images that it has not learnt from
/// (spec §9). It says what a model is worth where there are no defective parts to test it with; how well it finds real
/// defects, <c>evaluate</c> says.</summary>
/// <param name="Image">The AUROC of images.</param>
/// <param name="Pixel">The AUROC of pixels.</param>
/// <param name="Images">The good images.</param>
/// <param name="Anomalies">The pseudo anomalies on them.</param>
public sealed record Quality(double Image, double Pixel, int Images, int Anomalies)
{
    /// <summary>Whether it can be of any model.</summary>
    internal bool IsPossible => Image is >= 0 and <= 1 && Pixel is >= 0 and <= 1 && Images >= 1 && Anomalies >= 1;

    /// <summary>All of it, as part of a sentence.</summary>
    public string InWords() => string.Create(CultureInfo.InvariantCulture,
        $"{Image:0.000} by image, {Pixel:0.000} by pixel, of {Anomalies} pseudo anomalies on {Images} good images");
}
