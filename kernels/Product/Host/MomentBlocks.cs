using System.Numerics;
using System.Runtime.CompilerServices;
using MlffAd.Kernels.Runtime;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

/// <summary>Of each block of a map's rows and each channel the mean, in two parts that add up to more digits than one
/// number has, and the sum of squared deviations from it.</summary>
/// <remarks>Numbers count from the mean of a few of the block's rows, spread over it because a map's border may be
/// unlike the rest, so that <c>Σ d² − (Σ d)²/n</c>, which needs only one look at them, loses few bits. That mean is
/// the first part.</remarks>
internal readonly unsafe struct MomentBlocks(Tensor x, Tensor blocks)
{
    /// <summary>Rows of a block: a multiple of every tile's, so that a product's blocks end where these do, and few
    /// enough for float32 sums.</summary>
    public const int Rows = 96;

    /// <summary>Rows whose share of a sum is added while it is in a register.</summary>
    private const int Few = 8;

    private readonly HostRows _x = x.Host, _blocks = blocks.Host;
    private readonly int _rows = x.Rows;

    /// <summary>Whether there are any to make.</summary>
    public bool Wanted => _rows > 0;

    public static int Count(int rows) => (rows + Rows - 1) / Rows;

    /// <summary>A row for each part of the mean, and one for the squares, block after block.</summary>
    public static Tensor Rent(Tensor x) => Tensor.Rent(x.Device, new Shape(Count(x.Rows), 1, 3, x.C), "moments");

    /// <summary>Makes some columns of a block.</summary>
    public void Make(int block, int column, int columns)
    {
        int first = block * Rows, count = Math.Min(Rows, _rows - first), few = Math.Min(Few, count);
        float* from = _blocks.Row(3 * block) + column;
        float* mean = _blocks.Row(3 * block + 1) + column;
        float* squares = _blocks.Row(3 * block + 2) + column;
        Panels.CopyRow(_x.Row(first) + column, columns, columns, from);
        new Span<float>(mean, columns).Clear();
        new Span<float>(squares, columns).Clear();
        for (int i = 0; i < few; i++) Add(first + i * count / few, 1, column, columns, from, mean, squares);
        for (int c = 0; c < columns; c++)
        {
            from[c] += mean[c] / few;
            mean[c] = squares[c] = 0;
        }
        for (int r = 0; r < count; r += Few)
            Add(first + r, Math.Min(Few, count - r), column, columns, from, mean, squares);
        for (int c = 0; c < columns; c++)
        {
            float sum = mean[c];
            mean[c] = sum / count;
            squares[c] = MathF.Max(0, squares[c] - sum * mean[c]);
        }
    }

    /// <summary>Adds a few rows' d and d².</summary>
    private void Add(int r, int n, int column, int columns, float* from, float* sums, float* squares)
    {
        int c = 0;
        for (; c <= columns - V; c += V)
        {
            Vector<float> sum = Vector.Load(sums + c), square = Vector.Load(squares + c), s = Vector.Load(from + c);
            float* p = _x.Row(r) + column + c;
            for (int i = 0; i < n; i++, p += _x.Pitch)
            {
                Cache.FetchFar(p + Few * _x.Pitch);
                var d = Vector.Load(p) - s;
                sum += d;
                square += d * d;
            }
            sum.Store(sums + c);
            square.Store(squares + c);
        }
        for (; c < columns; c++)
            for (int i = 0; i < n; i++)
            {
                float d = _x[r + i, column + c] - from[c];
                sums[c] += d;
                squares[c] += d * d;
            }
    }
}
