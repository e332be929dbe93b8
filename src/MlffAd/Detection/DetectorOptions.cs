namespace MlffAd.Detection;

/// <summary>How a <see cref="Detector"/> computes, and what it calls defective.</summary>
public sealed record DetectorOptions
{
    /// <summary>Where to compute, as <see cref="Kernels.Runtime.Device.Open"/> takes it: <c>cpu</c>, <c>cuda:0</c> …,
    /// or <c>auto</c>: the first GPU, else the processor.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>How matrices are multiplied; other than float32 on the tensor cores of an NVIDIA card alone.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Processor threads; 0: one for each processor. Findings do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>A photograph is defective above this score; null: the model's own threshold.</summary>
    public float? Threshold { get; init; }

    /// <summary>A pixel is defective above this score, for boxes and heat maps; null: the model's own.</summary>
    public float? PixelThreshold { get; init; }

    /// <summary>Files of more pixels are refused before memory is taken for them.</summary>
    public long MaxPixels { get; init; } = ImageFile.MaxPixels;
}
