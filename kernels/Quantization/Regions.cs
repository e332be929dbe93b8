using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>A map of M×M cells cut into s×s equal square regions: where the cells of a region lie.</summary>
/// <remarks>Regions are counted row-major through the whole batch, cells row-major within their region.</remarks>
internal readonly record struct Regions(int M, int S)
{
    /// <summary>h, a region's side.</summary>
    public int Side => M / S;

    /// <summary>Cells of a region, h².</summary>
    public int Cells => Side * Side;

    /// <summary>Regions of an image, s².</summary>
    public int PerImage => S * S;

    /// <summary>The map's row (position, through the batch) that holds a region's cell (y, 0); the cells (y, 1…h−1) follow it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Row(int region, int y) => (region / PerImage * M + region % PerImage / S * Side + y) * M + region % S * Side;
}
