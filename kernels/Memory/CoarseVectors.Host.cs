using System.Numerics;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>A memory's vectors seen from a few directions, those in which they differ most: their distance there is a
/// lower bound of the whole distance, for an eighth of the work.</summary>
/// <remarks>With R of k nearly orthonormal rows, <c>‖Rq − Rm‖ ≤ ‖R‖₂·‖q − m‖</c>, and <c>‖R‖₂² ≤ 1 + ‖RRᵀ − I‖_F</c>.
/// What float32 products lose of Rq and Rm is at most <c>√k·γ_{D+1}·‖R‖₂</c> of their lengths. Whatever the directions,
/// the bound holds; the better they are, the more it spares.</remarks>
internal sealed unsafe class CoarseVectors : IDisposable
{
    /// <summary>k, and what is worth looking at from so few directions.</summary>
    public const int Directions = 64, LeastWidth = 4 * Directions, LeastCount = 1024;

    /// <summary>Vectors that the directions are found by, and steps of the iteration.</summary>
    private const int Sample = 2048, Steps = 4;

    private readonly Tensor _halfNorms;

    /// <summary>Finds the directions, and sorts the vectors so that those of a panel are alike.</summary>
    /// <param name="vectors">B rows of D.</param>
    public CoarseVectors(Tensor vectors)
    {
        var device = vectors.Device;
        int width = vectors.C, count = vectors.Rows;
        using var basis = FindDirections(vectors);
        Stretch = Math.Sqrt(1 + DistanceFromUnity(basis));
        Basis = Panels.OfColumns(device, basis.Host, 1, width, Directions);
        using var seen = Tensor.Rent(device, Shape.Of(1, count, Directions), "vectors seen from few directions");
        MatMul.ForwardPacked(vectors, Basis, seen);
        Order = Sort(seen);
        using var sorted = Tensor.Rent(device, seen.Shape, "the same, sorted");
        for (int j = 0; j < count; j++) Copy(seen.Host.Row(Order[j]), sorted.Host.Row(j), Directions);
        _halfNorms = Tensor.Rent(device, Shape.Of(count), "half squared norms");
        LargestNorm = Ranks.HalfNorms(sorted, _halfNorms);
        Panels = Panels.OfColumns(device, sorted.Host, 1, Directions, count);
    }

    /// <summary>A bound of ‖R‖₂.</summary>
    public double Stretch { get; }

    /// <summary>R, as a product's right factor.</summary>
    public Panels Basis { get; }

    /// <summary>R·m of the sorted vectors.</summary>
    public Panels Panels { get; }

    /// <summary>−½‖R·m‖² of the sorted vectors.</summary>
    public float* HalfNorms => _halfNorms.Host.Data;

    /// <summary>max ‖R·m‖.</summary>
    public double LargestNorm { get; }

    /// <summary>Which vector each sorted one is.</summary>
    public int[] Order { get; }

    /// <summary>The rank that a panel must reach for one of its vectors to be at most u away.</summary>
    /// <param name="seen">R·q.</param>
    /// <param name="width">D.</param>
    /// <param name="norms">‖q‖ and the largest ‖m‖, together.</param>
    /// <param name="u">A distance.</param>
    public double Reach(float* seen, int width, double norms, double u)
    {
        double gamma = (width + 1) / (double)(1 << 24) * 1.001, square = Ranks.Square(seen, Directions);
        double far = Stretch * (u + Math.Sqrt(Directions) * gamma * norms);
        return 0.5 * (square - far * far) - Ranks.Error(Directions, Math.Sqrt(square), LargestNorm);
    }

    public void Dispose()
    {
        Basis.Dispose();
        Panels.Dispose();
        _halfNorms.Dispose();
    }

    /// <summary>Directions of large second moment: a few steps of orthogonal iteration on XᵀX, X some of the
    /// vectors.</summary>
    private static Tensor FindDirections(Tensor vectors)
    {
        var device = vectors.Device;
        int width = vectors.C, rows = Math.Min(Sample, vectors.Rows);
        using var some = Tensor.Rent(device, Shape.Of(1, rows, width), "sample");
        for (int i = 0; i < rows; i++)
            Copy(vectors.Host.Row((int)((long)i * vectors.Rows / rows)), some.Host.Row(i), width);
        using var moments = Tensor.Rent(device, Shape.Of(1, width, width), "moments");
        MatMul.ForwardHost(some, some, moments, transposeA: true, transposeB: false, add: false);
        var basis = Tensor.Rent(device, Shape.Of(1, Directions, width), "directions");
        using var next = Tensor.Rent(device, basis.Shape, "next directions");
        for (int i = 0; i < Directions; i++) Copy(some.Host.Row(i * (rows / Directions)), basis.Host.Row(i), width);
        for (int step = 0; step < Steps; step++)
        {
            Orthonormalise(basis);
            MatMul.ForwardHost(basis, moments, next, transposeA: false, transposeB: false, add: false);
            for (int i = 0; i < Directions; i++) Copy(next.Host.Row(i), basis.Host.Row(i), width);
        }
        Orthonormalise(basis);
        return basis;
    }

    /// <summary>‖RRᵀ − I‖_F, in float64.</summary>
    private static double DistanceFromUnity(Tensor basis)
    {
        var rows = basis.Host;
        double sum = 0;
        for (int i = 0; i < Directions; i++)
            for (int j = 0; j <= i; j++)
            {
                float* a = rows.Row(i), b = rows.Row(j);
                double dot = i == j ? -1 : 0;
                for (int k = 0; k < basis.C; k++) dot += (double)a[k] * b[k];
                sum += (i == j ? 1 : 2) * dot * dot;
            }
        return Math.Sqrt(sum);
    }

    /// <summary>Gram and Schmidt, twice, since once loses what float32 can; a row that nothing is left of becomes
    /// 0.</summary>
    private static void Orthonormalise(Tensor basis)
    {
        int width = basis.C;
        for (int i = 0; i < Directions; i++)
        {
            float* row = basis.Host.Row(i);
            double before = Ranks.Square(row, width);
            for (int pass = 0; pass < 2; pass++)
                for (int j = 0; j < i; j++)
                {
                    float* other = basis.Host.Row(j);
                    ChannelRows.Scale(other, -ChannelRows.Dot(row, other, width), row, width, add: true);
                }
            double square = Ranks.Square(row, width);
            float scale = square > 1e-8 * before ? (float)(1 / Math.Sqrt(square)) : 0;
            for (int k = 0; k < width; k++) row[k] *= scale;
        }
    }

    /// <summary>Halves the vectors at the median of the direction in which they differ most, and the halves likewise,
    /// until each fills a panel.</summary>
    private static int[] Sort(Tensor seen)
    {
        int[] order = [.. Enumerable.Range(0, seen.Rows)];
        Split(seen.Host, order, 0, order.Length);
        return order;
    }

    private static void Split(HostRows seen, int[] order, int begin, int end)
    {
        int count = end - begin;
        if (count <= Tiles.Wide) return;
        Span<double> sums = stackalloc double[Directions], squares = stackalloc double[Directions];
        sums.Clear();
        squares.Clear();
        for (int i = begin; i < end; i++)
        {
            float* row = seen.Row(order[i]);
            for (int k = 0; k < Directions; k++)
                (sums[k], squares[k]) = (sums[k] + row[k], squares[k] + (double)row[k] * row[k]);
        }
        int widest = 0;
        double most = double.NegativeInfinity;
        for (int k = 0; k < Directions; k++)
        {
            double spread = squares[k] - sums[k] * sums[k] / count;
            if (spread > most) (most, widest) = (spread, k);
        }
        float[] keys = new float[count];
        for (int i = 0; i < count; i++) keys[i] = seen[order[begin + i], widest];
        int[] part = order[begin..end];
        Array.Sort(keys, part);
        part.CopyTo(order, begin);
        int middle = begin + Math.Max(1, count / Tiles.Wide / 2) * Tiles.Wide;
        Split(seen, order, begin, middle);
        Split(seen, order, middle, end);
    }

    private static void Copy(float* from, float* to, int count) =>
        new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));
}
