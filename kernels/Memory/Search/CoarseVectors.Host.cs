using System.Numerics;

namespace MlffAd.Kernels;

/// <summary>A memory's vectors projected on a few directions of large second moment: the distance there bounds the full
/// distance from below, at an eighth of the work.</summary>
/// <remarks>With R of k nearly orthonormal rows, <c>‖Rq − Rm‖ ≤ ‖R‖₂·‖q − m‖</c>, and <c>‖R‖₂² ≤ 1 + ‖RRᵀ − I‖_F</c>.
/// Rounding in float32 shifts Rq and Rm by at most <c>√k·γ_{D+1}·‖R‖₂</c> times ‖q‖ and ‖m‖. The bound holds for any
/// directions; better ones prune more.</remarks>
internal sealed unsafe class CoarseVectors : IDisposable
{
    /// <summary>k, and the least D and B for which projecting pays.</summary>
    public const int Directions = 64, LeastWidth = 4 * Directions, LeastCount = 1024;

    /// <summary>Sample size and steps of the iteration that finds the directions.</summary>
    private const int Sample = 2048, Steps = 4;

    private readonly Tensor _halfNorms;

    /// <summary>Finds the directions, and sorts the vectors so that a panel's are similar.</summary>
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
        _halfNorms = Tensor.Rent(device, Shape.Of(count), "half squared norms");
        LargestNorm = Ranks.HalfNorms(seen, _halfNorms);
        Order = Sort(seen);
        float[] halfNorms = _halfNorms.ToArray();
        _halfNorms.Write([.. Order.Select(j => halfNorms[j])]);
        Panels = Panels.OfColumns(device, seen.Host, 1, Directions, count, Order);
    }

    /// <summary>Upper bound of ‖R‖₂.</summary>
    public double Stretch { get; }

    /// <summary>R, as a product's right factor.</summary>
    public Panels Basis { get; }

    /// <summary>R·m of the sorted vectors.</summary>
    public Panels Panels { get; }

    /// <summary>−½‖R·m‖² of the sorted vectors.</summary>
    public float* HalfNorms => _halfNorms.Host.Data;

    /// <summary>max ‖R·m‖.</summary>
    public double LargestNorm { get; }

    /// <summary>Original index of each sorted vector.</summary>
    public int[] Order { get; }

    /// <summary>Least coarse rank of a panel that may hold a vector within distance u.</summary>
    /// <param name="seen">R·q.</param>
    /// <param name="width">D.</param>
    /// <param name="norms">‖q‖ + max ‖m‖.</param>
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

    /// <summary>Directions of large second moment: a few steps of orthogonal iteration, <c>R := RXᵀX</c>, X a sample of
    /// the vectors.</summary>
    private static Tensor FindDirections(Tensor vectors)
    {
        var device = vectors.Device;
        int width = vectors.C, rows = Math.Min(Sample, vectors.Rows);
        using var some = Tensor.Rent(device, Shape.Of(1, rows, width), "sample");
        for (int i = 0; i < rows; i++)
            Copy(vectors.Host.Row((int)((long)i * vectors.Rows / rows)), some.Host.Row(i), width);
        using var across = Panels.OfColumns(device, some.Host, 1, width, rows);
        using var along = Panels.OfRows(device, some.Host, 1, rows, width);
        var basis = Tensor.Rent(device, Shape.Of(1, Directions, width), "directions");
        using var seen = Tensor.Rent(device, Shape.Of(1, Directions, rows), "sample seen from them");
        for (int i = 0; i < Directions; i++) Copy(some.Host.Row(i * (rows / Directions)), basis.Host.Row(i), width);
        for (int step = 0; step < Steps; step++)
        {
            Orthonormalise(basis);
            MatMul.ForwardPacked(basis, across, seen);
            MatMul.ForwardPacked(seen, along, basis);
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

    /// <summary>Gram–Schmidt, twice, as one float32 pass is inaccurate; a linearly dependent row becomes 0.</summary>
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
                    VectorRows.Scale(other, -VectorRows.Dot(row, other, width), row, width, add: true);
                }
            double square = Ranks.Square(row, width);
            float scale = square > 1e-8 * before ? (float)(1 / Math.Sqrt(square)) : 0;
            for (int k = 0; k < width; k++) row[k] *= scale;
        }
    }

    /// <summary>Splits the vectors near the median of their direction of largest variance, recursively, down to a
    /// panel.</summary>
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
        int widest = Widest(seen, order.AsSpan(begin, count));
        float[] keys = new float[count];
        for (int i = 0; i < count; i++) keys[i] = seen[order[begin + i], widest];
        int[] part = order[begin..end];
        Array.Sort(keys, part);
        part.CopyTo(order, begin);
        int middle = begin + Math.Max(1, count / Tiles.Wide / 2) * Tiles.Wide;
        Split(seen, order, begin, middle);
        Split(seen, order, middle, end);
    }

    /// <summary>The direction of largest variance of some vectors.</summary>
    private static int Widest(HostRows seen, ReadOnlySpan<int> which)
    {
        float* sums = stackalloc float[Directions], squares = stackalloc float[Directions];
        new Span<float>(sums, Directions).Clear();
        new Span<float>(squares, Directions).Clear();
        foreach (int j in which)
            for (int k = 0; k < Directions; k += Vector<float>.Count)
            {
                var v = Vector.Load(seen.Row(j) + k);
                (Vector.Load(sums + k) + v).Store(sums + k);
                (Vector.Load(squares + k) + v * v).Store(squares + k);
            }
        int widest = 0;
        float most = float.NegativeInfinity;
        for (int k = 0; k < Directions; k++)
        {
            float spread = squares[k] - sums[k] * sums[k] / which.Length;
            if (spread > most) (most, widest) = (spread, k);
        }
        return widest;
    }

    private static void Copy(float* from, float* to, int count) =>
        new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));
}
