namespace MlffAd.Kernels;

/// <summary>A convolution's constant weights, packed for a device by <see cref="Convolution.Pack"/>.</summary>
public sealed class PackedFilter : IDisposable
{
    internal PackedFilter(ConvGeometry geometry, HostAlgorithm algorithm, Panels? panels, Tensor? weights) =>
        (Geometry, Algorithm, Panels, Weights) = (geometry, algorithm, panels, weights);

    /// <summary>The filter's geometry.</summary>
    public ConvGeometry Geometry { get; }

    /// <summary>The host's algorithm.</summary>
    internal HostAlgorithm Algorithm { get; }

    /// <summary>On the host: the factors, packed.</summary>
    internal Panels? Panels { get; }

    /// <summary>On a GPU: the weights themselves.</summary>
    internal Tensor? Weights { get; }

    /// <summary>Returns the memory.</summary>
    public void Dispose()
    {
        if (Panels is { } panels) panels.Dispose();
        Weights?.Dispose();
    }
}

/// <summary>The host's algorithms of convolution.</summary>
internal enum HostAlgorithm
{
    /// <summary>Implicit GEMM: one product whose rows are patches, read in place.</summary>
    Implicit,

    /// <summary>Minimal filtering of tiles of 2×2 outputs.</summary>
    Winograd2,

    /// <summary>Minimal filtering of tiles of 4×4 outputs.</summary>
    Winograd4,
}
