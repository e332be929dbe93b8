namespace MlffAd.Kernels;

/// <summary>Input positions of a strided convolution fall into stride × stride classes, by (y + pad) mod stride and (x
/// + pad) mod stride. A class uses every stride-th tap of the filter. The product runs one class a grid layer, so that
/// no zero is multiplied.</summary>
internal readonly struct PositionClass(in GpuFactor f, int layer)
{
    /// <summary>The class, which is also its first tap.</summary>
    public readonly int Y = layer / f.Stride, X = layer % f.Stride;

    /// <summary>Positions along a side of a map, one at most beyond its edge.</summary>
    public static int Positions(int extent, int stride) => (extent + stride - 1) / stride;

    /// <summary>Taps along a side.</summary>
    public static int Taps(in GpuFactor f, int first) =>
        first < f.Kernel ? (f.Kernel - first + f.Stride - 1) / f.Stride : 0;

    /// <summary>The first position along a side.</summary>
    public static int First(in GpuFactor f, int tap) => (tap + f.Pad * (f.Stride - 1)) % f.Stride;

    /// <summary>Terms of its sum.</summary>
    public int Terms(in GpuFactor f) => Taps(f, Y) * Taps(f, X) * f.C;

    /// <summary>The map's row of position <paramref name="i"/>, or −1 beyond the edge.</summary>
    public int Row(in GpuFactor f, int i)
    {
        var p = FactorCoordinate.Of(i, Positions(f.GridH, f.Stride), Positions(f.GridW, f.Stride));
        int y = First(f, Y) + p.B * f.Stride, x = First(f, X) + p.C * f.Stride;
        return y < f.GridH && x < f.GridW ? (p.A * f.GridH + y) * f.GridW + x : -1;
    }
}
