using System.Collections.Immutable;

// As in Config.cs, a key's sentence is its documentation.
#pragma warning disable CS1591

namespace MlffAd.Configuration;

/// <summary>Pseudo anomalies (spec §2.4–2.6). Lengths are in pixels of a 256 × 256 image.</summary>
public sealed record SynthConfig
{
    public ConfettiConfig Confetti { get; init; } = new();
    public CutpasteConfig Cutpaste { get; init; } = new();
    public ScarConfig Scar { get; init; } = new();

    [Key("Change of a channel (of 255) from which a pixel counts as anomalous.", Min = 1, Max = 255)]
    public int MaskMinChange { get; init; } = 10;

    [Key("Fewest anomalous pixels, of 256 x 256, that make an image anomalous; fewer are drawn again.", Min = 0,
        Max = 65536)]
    public int MinMaskPixels { get; init; } = 16;
}

/// <summary>Blurred coloured and black squares.</summary>
public sealed record ConfettiConfig
{
    [Key("Relative frequency of confetti among pseudo anomalies.", Min = 0)]
    public double Weight { get; init; } = 0.5;

    // A draw of no blob is repeated, so the mean must not be minute.
    [Key("Mean number of coloured and of black blobs, per pixel of 256 x 256.", Count = 2, Min = 1e-6, Max = 0.01)]
    public ImmutableArray<double> Rates { get; init; } = [1.8e-5, 1.2e-5];

    [Key("Smallest and largest side of a blob.", Range = true, Min = 0, Above = true, Max = 256)]
    public ImmutableArray<double> Sizes { get; init; } = [8, 54];

    [Key("Largest rotation of a blob, either way, in degrees.", Min = 0, Max = 180)]
    public double Rotation { get; init; } = 45;

    [Key("Range of a coloured blob's offset, drawn for each channel.", Range = true, Min = -255, Max = 255)]
    public ImmutableArray<double> Offsets { get; init; } = [-255, -1];

    [Key("Offset of a black blob, in every channel.", Min = -255, Max = 255)]
    public double Black { get; init; } = -255;

    [Key("Standard deviation of the blur.", Min = 0, Above = true, Max = 64)]
    public double Sigma { get; init; } = 5;

    [Key("Reach of the blur on either side.", Min = 0, Max = 128)]
    public double Radius { get; init; } = 12;

    [Key("Grey level, of 1, up to which a pixel becomes brighter instead of darker.", Min = 0, Max = 1)]
    public double DarkBelow { get; init; } = 0.11;
}

/// <summary>A piece of the image pasted elsewhere.</summary>
public sealed record CutpasteConfig
{
    [Key("Relative frequency of CutPaste patches among pseudo anomalies.", Min = 0)]
    public double Weight { get; init; } = 0.25;

    [Key("Smallest and largest area of a patch, as share of the image.", Range = true, Min = 0, Above = true, Max = 1)]
    public ImmutableArray<double> Area { get; init; } = [0.02, 0.15];

    [Key("Smallest ratio of a patch's sides; the largest is its inverse.", Min = 0.01, Max = 1)]
    public double Aspect { get; init; } = 0.3;

    [Key("Half widths of the colour changes: brightness, contrast and saturation factors, hue as share of the circle.",
        Count = 4, Min = 0, Max = 1)]
    public ImmutableArray<double> Jitter { get; init; } = [0.1, 0.1, 0.1, 0.1];
}

/// <summary>A thin rotated piece of the image pasted elsewhere.</summary>
public sealed record ScarConfig
{
    [Key("Relative frequency of CutPaste scars among pseudo anomalies.", Min = 0)]
    public double Weight { get; init; } = 0.25;

    [Key("Smallest and largest width of a scar.", Range = true, Min = 0, Above = true, Max = 256)]
    public ImmutableArray<double> Width { get; init; } = [2, 16];

    [Key("Smallest and largest length of a scar.", Range = true, Min = 0, Above = true, Max = 256)]
    public ImmutableArray<double> Length { get; init; } = [10, 25];

    [Key("Largest rotation of a scar, either way, in degrees.", Min = 0, Max = 180)]
    public double Rotation { get; init; } = 45;

    [Key("Half widths of the colour changes: brightness, contrast and saturation factors, hue as share of the circle.",
        Count = 4, Min = 0, Max = 1)]
    public ImmutableArray<double> Jitter { get; init; } = [0.1, 0.1, 0.1, 0.1];
}

/// <summary>Changes of every training image, before any pseudo anomaly (spec §2.7).</summary>
public sealed record AugmentConfig
{
    [Key("Half width r of the brightness factor, 1 ± r.", Min = 0, Max = 1, Below = true)]
    public double Brightness { get; init; }

    [Key("Half width r of the contrast factor about the grey mean, 1 ± r.", Min = 0, Max = 1, Below = true)]
    public double Contrast { get; init; }

    [Key("Largest shift along each axis, in pixels.", Min = 0, Max = 2048)]
    public double Shift { get; init; }

    [Key("Largest rotation, either way, in degrees.", Min = 0, Max = 180)]
    public double Rotate { get; init; }

    [Key("Mirrorings, each with probability one half: none, h (left-right), v (top-bottom), hv (both).")]
    public Flip Flip { get; init; } = Flip.None;
}
