using System.Numerics;
using System.Runtime.CompilerServices;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

/// <summary>Mean and sum of squared deviations of each channel over blocks of a map's rows. The mean is an unevaluated
/// sum of two floats.</summary>
/// <remarks>One pass: <c>Σ d² − (Σ d)²/n</c> with d the deviation from the mean of a few rows spread over the block,
/// which loses few bits. That mean is the first part; rows are spread because a map's border may differ.</remarks>
internal readonly unsafe struct MomentBlocks(Tensor x, Tensor blocks)
{
    /// <summary>Rows of a block: a multiple of every tile's, so that a product's blocks end where these do, and few
    /// enough for float32 sums.</summary>
    public const int Rows = 96;

    /// <summary>Rows accumulated in a register before they are added to a sum in memory.</summary>
    private const int Few = 8;

    private readonly HostRows _x = x.Host, _blocks = blocks.Host;
    private readonly int _rows = x.Rows;

    /// <summary>Whether moments are to be computed.</summary>
    public bool Wanted => _rows > 0;

    public static int Count(int rows) => (rows + Rows - 1) / Rows;

    /// <summary>Rents three rows a block: the two parts of the mean, and the squares.</summary>
    public static Tensor Rent(Tensor x) => Tensor.Rent(x.Device, new Shape(Count(x.Rows), 1, 3, x.C), "moments");

    /// <summary>Computes some columns of a block.</summary>
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

    /// <summary>Accumulates d and d² of a few rows.</summary>
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
