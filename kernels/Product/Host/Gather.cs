using System.Runtime.InteropServices;

namespace MlffAd.Kernels;

/// <summary>The rows of a product's left factor, addressed in place: at output position (n, y, x) the filter's tap (ty,
/// tx) reads source row (n, y·Stride + OriginY + ty, x·Stride + OriginX + tx), or zeros outside the map.</summary>
/// <remarks>A tile reads through one pointer a row and tap, so that 1×1, 3×3 and strided convolutions and matrices are
/// one product (implicit GEMM with an indirection buffer).</remarks>
internal readonly unsafe struct Gather
{
    /// <summary>Zeros for rows outside the map; as long as the longest run that a tile or the packer reads.</summary>
    private static readonly float* Zeros = (float*)NativeMemory.AllocZeroed(Product.BlockK, sizeof(float));

    /// <summary>The source: items of H × W positions; floats from one item, and from one
    /// position, to the next.</summary>
    public float* Data { get; init; }
    public nint ItemPitch { get; init; }
    public nint Pitch { get; init; }
    public int H { get; init; }
    public int W { get; init; }

    /// <summary>Output positions of an item.</summary>
    public int OutH { get; init; }
    public int OutW { get; init; }

    /// <summary>Taps.</summary>
    public int TapsY { get; init; }
    public int TapsX { get; init; }

    public int Stride { get; init; }
    public int OriginY { get; init; }
    public int OriginX { get; init; }

    /// <summary>Floats read at each tap, and from one to the next.</summary>
    public int Length { get; init; }
    public int Step { get; init; }

    public int Taps => TapsY * TapsX;

    /// <summary>The rows of a batch of matrices, each [rows, length] or, transposed, [length, rows].</summary>
    public static Gather Matrix(HostRows source, int rows, int length, bool transposed = false) => new()
    {
        Data = source.Data,
        ItemPitch = (nint)source.Pitch * (transposed ? length : rows),
        Pitch = transposed ? 1 : source.Pitch,
        H = rows,
        W = 1,
        OutH = rows,
        OutW = 1,
        TapsY = 1,
        TapsX = 1,
        Stride = 1,
        Length = length,
        Step = transposed ? source.Pitch : 1,
    };

    /// <summary>Locates <paramref name="count"/> positions from <paramref name="first"/> on; the last is repeated up to
    /// <paramref name="padded"/>.</summary>
    public void Locate(int first, int count, int padded, SourceRow* places)
    {
        int x = first % OutW, y = first / OutW % OutH, n = first / (OutW * OutH);
        for (int i = 0; i < count; i++)
        {
            int top = y * Stride + OriginY, left = x * Stride + OriginX;
            places[i] = new SourceRow(Data + n * ItemPitch + ((nint)top * W + left) * Pitch, top, left);
            if (++x < OutW) continue;
            x = 0;
            if (++y < OutH) continue;
            y = 0;
            n++;
        }
        for (int i = count; i < padded; i++) places[i] = places[count - 1];
    }

    /// <summary>Pointers to float <paramref name="offset"/> of a tap's row at each place.</summary>
    public void Fill(int tap, int offset, int count, SourceRow* places, float** rows)
    {
        int ty = tap / TapsX, tx = tap % TapsX;
        nint shift = ((nint)ty * W + tx) * Pitch + (nint)offset * Step;
        for (int i = 0; i < count; i++)
        {
            bool inside = (uint)(places[i].Top + ty) < (uint)H && (uint)(places[i].Left + tx) < (uint)W;
            rows[i] = inside ? places[i].Corner + shift : Zeros;
        }
    }

    /// <summary>The first tap's row at an output position (its address even where it lies outside) and
    /// its coordinates.</summary>
    public readonly struct SourceRow(float* corner, int top, int left)
    {
        public readonly float* Corner = corner;
        public readonly int Top = top, Left = left;
    }
}
