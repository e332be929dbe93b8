using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>A map of M×M cells cut into s×s equal square regions of side h = M/s: the layout of a region's
/// cells.</summary>
/// <remarks>Regions are counted row-major through the whole batch, cells row-major within their region.</remarks>
internal readonly record struct Regions(int Side, int S)
{
    /// <summary>Cells of a region, h².</summary>
    public int Cells => Side * Side;

    /// <summary>The map's row (position, through the batch) that holds a region's cell (y, 0); the cells (y,
    /// 1…h−1) follow it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Row(int region, int y) => (region / S * Side + y) * (S * Side) + region % S * Side;
}
