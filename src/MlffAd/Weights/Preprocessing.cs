using System.Text.Json;

namespace MlffAd.Weights;

/// <summary>What a backbone was trained on: channel c of its input is <c>(v/scale − mean[c])/std[c]</c>, v an 8-bit
/// value (spec §2.3).</summary>
/// <param name="Order">"RGB" or "BGR": the order of the network's input channels, and of <paramref name="Mean"/> and
/// <paramref name="Std"/>.</param>
/// <param name="Scale">What 8-bit values are divided by: 255 (range 0…1) or 1 (range 0…255).</param>
/// <param name="Mean">Three means, after the division.</param>
/// <param name="Std">Three standard deviations, after the division; positive.</param>
public sealed record Preprocessing(string Order, float Scale, float[] Mean, float[] Std)
{
    /// <summary>What holds without imported weights: RGB in 0…1, ImageNet's means and deviations.</summary>
    public static Preprocessing ImageNet { get; } = new("RGB", 255, [0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>This record, if it can be computed with.</summary>
    /// <exception cref="FormatException">A part is out of its range; the message is a clause that names it.</exception>
    internal Preprocessing Checked()
    {
        if (Order is not ("RGB" or "BGR"))
            throw new FormatException($"the channel order is '{Shown.Text(Order)}', neither RGB nor BGR");
        if (!(float.IsFinite(Scale) && Scale > 0))
            throw new FormatException($"the value scale is {Scale}, not a positive number");
        if (Mean.Length != 3 || !Mean.All(float.IsFinite)) throw new FormatException("the mean is not three numbers");
        if (Std.Length != 3 || !Std.All(s => float.IsFinite(s) && s > 0))
            throw new FormatException("the std is not three positive numbers");
        if (!Mean.Zip(Std).All(c => float.IsFinite(255 / Scale / c.Second) && float.IsFinite(c.First / c.Second)))
            throw new FormatException("the mean, the std and the value scale make numbers beyond a float's range");
        return this;
    }

    /// <summary>Three numbers from their JSON.</summary>
    internal static float[] Three(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateArray().Select(item => item.GetSingle()).ToArray();
    }
}
