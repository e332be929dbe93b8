using System.Numerics;
using System.Runtime.Intrinsics;

namespace MlffAd.Kernels;

/// <summary>The product under <see cref="NearestVector"/> and <see cref="KCentre"/>: ranks <c>v = q·m − ½‖m‖²</c>,
/// largest where <c>‖q − m‖² = ‖q‖² − 2v</c> is least, and their error bound.</summary>
internal static unsafe class Ranks
{
    /// <summary>Rows and panels of a block: its ranks and its part of the memory fit the L2 cache.</summary>
    public const int BlockRows = 96, BlockPanels = 8;

    /// <summary>If two norms sum to more, ranks may overflow.</summary>
    public const double Overflow = 1e18;

    private const double UnitRoundoff = 1.0 / (1 << 24);

    /// <summary>Error bound of a float32 rank: γ_{D+2}·(½m² + ‖q‖·m), m the largest norm, for D products, D sums and
    /// the rounded ½‖m‖² (Higham, Accuracy and Stability, ch. 3.1; Cauchy–Schwarz), plus slack for subnormal numbers
    /// and for the float64 sums.</summary>
    public static double Error(int width, double norm, double largest)
    {
        double gamma = (width + 2) * UnitRoundoff / (1 - (width + 2) * UnitRoundoff);
        return gamma * (0.5 * largest * largest + norm * largest) + 1e-12 * (norm + largest) * (norm + largest)
            + width * 2.0 * float.Epsilon;
    }

    /// <summary>Writes ranks of rows × panels to <c>to[r·pitch + j]</c>, j counted from the first column.</summary>
    /// <param name="rows">Pointers to the rows, <paramref name="padded"/> of them.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="padded">Rounded up to whole tiles.</param>
    /// <param name="panels">The memory.</param>
    /// <param name="halfNorms">−½‖m‖² of every column.</param>
    /// <param name="n">First column, at the start of a panel.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="to">Receives the ranks.</param>
    /// <param name="pitch">Row pitch of <paramref name="to"/>, in floats.</param>
    public static void Fill<TWide, TNarrow>(float** rows, int count, int padded, in Panels panels, float* halfNorms,
        int n, int columns, float* to, int pitch) where TWide : ITile where TNarrow : ITile
    {
        float** y = stackalloc float*[count];
        for (int r = 0; r < count; r++) y[r] = to + r * pitch - n;
        var sums = new Product.Sums(rows: rows, stride: padded, segments: 1, length: panels.K, step: 1,
            coming: rows + TWide.Rows, ahead: Math.Max(0, count - TWide.Rows));
        Product.Sweep<TWide, TNarrow>(sums, count, panels.Data, panels.K, 0, n, columns, panels.N, y, null,
            new Epilogue { Bias = halfNorms }, first: true, last: true);
    }

    /// <summary>Writes −½‖m‖² of each row, and returns the largest norm; NaN if one is not finite.</summary>
    public static double HalfNorms(Tensor rows, Tensor to)
    {
        double[] squares = new double[rows.Rows];
        rows.Device.Team.For(rows.Rows, new NormsJob(rows.Host, rows.C, to.Host.Data, squares), rows.C);
        return Array.TrueForAll(squares, double.IsFinite) ? Math.Sqrt(squares.Max()) : double.NaN;
    }

    private readonly struct NormsJob(HostRows rows, int width, float* halfNorms, double[] squares) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int j = begin; j < end; j++)
            {
                squares[j] = Square(rows.Row(j), width);
                halfNorms[j] = (float)(-0.5 * squares[j]);
            }
        }
    }

    /// <summary>The largest rank; unspecified if one is NaN.</summary>
    public static float Largest(float* v, int count)
    {
        int j = 0;
        float largest = float.NegativeInfinity;
        if (count >= 8)
        {
            var most = Vector256.Load(v);
            for (j = 8; j <= count - 8; j += 8) most = Vector256.MaxNative(most, Vector256.Load(v + j));
            var half = Vector128.MaxNative(most.GetLower(), most.GetUpper());
            half = Vector128.MaxNative(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
            largest = MathF.Max(half[0], half[1]);
        }
        for (; j < count; j++) largest = MathF.Max(largest, v[j]);
        return largest;
    }

    /// <summary>The largest rank of vectors outside the group <paramref name="own"/>.</summary>
    public static float Largest(float* v, int count, float* groups, float own)
    {
        float largest = float.NegativeInfinity;
        for (int j = 0; j < count; j++)
            if (groups[j] != own) largest = MathF.Max(largest, v[j]);
        return largest;
    }

    /// <summary>‖x‖² in float64, lane by lane.</summary>
    public static double Square(float* x, int width)
    {
        Vector<double> lower = default, upper = default;
        int k = 0;
        for (; k <= width - Vector<float>.Count; k += Vector<float>.Count)
        {
            var some = Vector.Load(x + k);
            Vector<double> a = Vector.WidenLower(some), b = Vector.WidenUpper(some);
            (lower, upper) = (lower + a * a, upper + b * b);
        }
        double sum = Vector.Sum(lower + upper);
        for (; k < width; k++) sum += (double)x[k] * x[k];
        return sum;
    }

    /// <summary><c>Σ_k (a_k − b_k)²</c> in float64, in the order of k.</summary>
    public static double SquaredDistance(float* a, float* b, int width, nint stepOfB = 1)
    {
        double sum = 0;
        for (int k = 0; k < width; k++, b += stepOfB)
        {
            double difference = (double)a[k] - *b;
            sum += difference * difference;
        }
        return sum;
    }

    /// <summary><c>Σ_k (q_k − m_k)²</c> for each column of a panel, one per lane: also in the order of k.</summary>
    /// <param name="q">The query.</param>
    /// <param name="panel">[width][columns], columns a power of two.</param>
    /// <param name="width">D.</param>
    /// <param name="columns">Columns of the panel.</param>
    /// <param name="to">Receives the sums.</param>
    public static void SquaredDistances(float* q, float* panel, int width, int columns, double* to)
    {
        if (columns % Vector512<float>.Count != 0)
        {
            for (int j = 0; j < columns; j++) to[j] = SquaredDistance(q, panel + j, width, columns);
            return;
        }
        for (int j = 0; j < columns; j += Vector512<float>.Count)
        {
            Vector512<double> lower = default, upper = default;
            float* m = panel + j;
            for (int k = 0; k < width; k++, m += columns)
            {
                // Not Create((double)q[k]): the scalar conversion depends on its register's old value.
                var x = Vector512.WidenLower(Vector512.Create(q[k]));
                var (low, high) = Vector512.Widen(Vector512.Load(m));
                (low, high) = (x - low, x - high);
                (lower, upper) = (lower + low * low, upper + high * high);
            }
            lower.Store(to + j);
            upper.Store(to + j + Vector512<double>.Count);
        }
    }
}
