using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>Where the rows of a product's result go.</summary>
/// <param name="rows">The map's rows.</param>
/// <param name="h">Rows of an item's map.</param>
/// <param name="w">Columns of an item's map.</param>
/// <param name="stride">Step between output positions.</param>
/// <param name="originY">Where the first lies.</param>
/// <param name="originX">Where the first lies.</param>
/// <param name="itemPitch">Floats from one item to the next; 0 where they lie without gaps.</param>
internal readonly unsafe struct Scatter(HostRows rows, int h, int w, int stride = 1, int originY = 0, int originX = 0,
    nint itemPitch = 0)
{
    public readonly HostRows Rows = rows;
    private readonly nint _itemPitch = itemPitch > 0 ? itemPitch : (nint)h * w * rows.Pitch;

    /// <summary>Pointers to the rows of <paramref name="count"/> output positions of <paramref name="a"/> from the
    /// <paramref name="first"/> on.</summary>
    public void Fill(in Gather a, int first, int count, float** to)
    {
        int x = first % a.OutW, y = first / a.OutW % a.OutH, n = first / (a.OutW * a.OutH);
        for (int i = 0; i < count; i++)
        {
            to[i] = Rows.Data + n * _itemPitch + ((nint)(y * stride + originY) * w + x * stride + originX) * Rows.Pitch;
            if (++x < a.OutW) continue;
            x = 0;
            if (++y < a.OutH) continue;
            y = 0;
            n++;
        }
    }
}
