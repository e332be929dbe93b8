using System.Numerics;
using System.Runtime.CompilerServices;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static unsafe partial class BatchNorm
{
    /// <summary>Elements worth a thread of their own.</summary>
    private const int Grain = 8192;

    /// <summary>Channels that the second level of a sum takes at a time: their float64 accumulators stay on the stack.</summary>
    private const int Chunk = 64;

    /// <summary>Rows whose share of a sum is added while it is in a register.</summary>
    private const int Few = 8;

    private static int V => Vector<float>.Count;

    private static void StatisticsHost(Tensor x, Tensor partials, Tensor mean, Tensor variance)
    {
        int blockRows = BlockRows(x.C);
        x.Device.Team.For(partials.Shape.N, new MomentsJob(x.Host, x.Rows, x.C, blockRows, partials.Host), Math.Max(1, Grain / (blockRows * x.C)));
        x.Device.Team.For((x.C + Chunk - 1) / Chunk, new CombineMomentsJob(partials.Host, partials.Shape.N, x.Rows, x.C, blockRows, x.Host.Data, mean.Host.Data, variance.Host.Data));
    }

    private static void ApplyHost<TFunction>(Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, float eps, Tensor y, Tensor? residual)
        where TFunction : unmanaged, IFunction
    {
        using var scale = Tensor.Rent(x.Device, Shape.Of(x.C), "batchnorm.scale");
        float* s = scale.Host.Data, v = variance.Host.Data, g = gamma.Host.Data;
        for (int c = 0; c < x.C; c++) s[c] = (float)(g[c] / Math.Sqrt((double)v[c] + eps));
        x.Device.Team.For(x.Rows, new ApplyJob<TFunction>(x.Host, mean.Host.Data, s, beta.Host.Data, (residual ?? x).Host, residual is not null, y.Host, Cache.IsLeftBy(y), x.C), Math.Max(1, Grain / x.C));
    }

    private static void RunningHost(Tensor mean, Tensor variance, float unbias, Tensor runningMean, Tensor runningVariance, float momentum)
    {
        Span<float> m = mean.HostSpan, v = variance.HostSpan, rm = runningMean.HostSpan, rv = runningVariance.HostSpan;
        for (int c = 0; c < m.Length; c++)
        {
            rm[c] = (1 - momentum) * rm[c] + momentum * m[c];
            rv[c] = (1 - momentum) * rv[c] + momentum * (v[c] * unbias);
        }
    }

    private static void GradientHost<TFunction>(Maps maps, Vectors vectors, Tensor partials) where TFunction : unmanaged, IFunction
    {
        var x = maps.X;
        int blockRows = BlockRows(x.C);
        float* mean = vectors.Mean.Host.Data, dgamma = vectors.Dgamma.Host.Data, dbeta = vectors.Dbeta.Host.Data;
        // A residual's gradient is dz: written by the first pass, it spares the second dy and y.
        var kept = maps.AddResidual ? null : maps.Dresidual;
        x.Device.Team.For(partials.Shape.N, new SumsJob<TFunction>(x.Host, mean, maps.Y.Host, maps.Dy.Host, (kept ?? x).Host, kept is not null, kept is not null && Cache.IsLeftBy(kept), x.Rows, x.C, blockRows, partials.Host), Math.Max(1, Grain / (blockRows * x.C)));
        x.Device.Team.For((x.C + Chunk - 1) / Chunk, new CombineSumsJob(partials.Host, partials.Shape.N, x.C, vectors.Variance.Host.Data, vectors.Eps, dgamma, dbeta));
        if (maps.Dx is null && maps.Dresidual == kept) return;

        // dx = a·dz − b·(x − μ) − k, three numbers a channel.
        using var factors = Tensor.Rent(x.Device, Shape.Of(1, 3, x.C), "batchnorm.factors");
        float* a = factors.Host.Row(0), b = factors.Host.Row(1), k = factors.Host.Row(2), variance = vectors.Variance.Host.Data, gamma = vectors.Gamma.Host.Data;
        for (int c = 0; c < x.C; c++)
        {
            float inverse = 1 / MathF.Sqrt(variance[c] + vectors.Eps);
            a[c] = gamma[c] * inverse;
            b[c] = vectors.Frozen ? 0 : a[c] * inverse * dgamma[c] / x.Rows;
            k[c] = vectors.Frozen ? 0 : a[c] * dbeta[c] / x.Rows;
        }
        if (kept is null) Elements<TFunction>(maps, mean, factors);
        else Elements<Identity>(maps with { Y = kept, Dy = kept, Dresidual = null }, mean, factors);
    }

    private static void Elements<TFunction>(Maps maps, float* mean, Tensor factors) where TFunction : unmanaged, IFunction
    {
        var x = maps.X;
        x.Device.Team.For(x.Rows, new ElementsJob<TFunction>(maps, x.Host, maps.Y.Host, maps.Dy.Host, (maps.Dx ?? x).Host, (maps.Dresidual ?? x).Host, mean, factors.Host), Math.Max(1, Grain / x.C));
    }

    /// <summary>Each block's mean, counted from the map's first row, and sum of squared deviations from it. Numbers count from the mean of a few of the block's rows, spread over it because a map's
    /// border may be unlike the rest, so that <c>Σ d² − (Σ d)²/n</c>, which needs only one look at them, loses few bits.</summary>
    private readonly struct MomentsJob(HostRows x, int rows, int C, int blockRows, HostRows partials) : IJob
    {
        [SkipLocalsInit]
        public void Run(int begin, int end)
        {
            float* origin = x.Row(0), shift = stackalloc float[C];
            for (int block = begin; block < end; block++)
            {
                int first = block * blockRows, count = Math.Min(blockRows, rows - first), few = Math.Min(Few, count);
                float* mean = partials.Row(2 * block), squares = partials.Row(2 * block + 1);
                new Span<float>(mean, C).Clear();
                new Span<float>(squares, C).Clear();
                new Span<float>(x.Row(first), C).CopyTo(new Span<float>(shift, C));
                for (int i = 0; i < few; i++) Add(first + i * count / few, 1, shift, mean, squares);
                for (int c = 0; c < C; c++)
                {
                    shift[c] += mean[c] / few;
                    mean[c] = squares[c] = 0;
                }
                for (int r = 0; r < count; r += Few) Add(first + r, Math.Min(Few, count - r), shift, mean, squares);
                for (int c = 0; c < C; c++)
                {
                    float about = mean[c] / count;
                    squares[c] = MathF.Max(0, squares[c] - mean[c] * about);
                    mean[c] = shift[c] - origin[c] + about;
                }
            }
        }

        /// <summary>Adds a few rows' d and d².</summary>
        private void Add(int r, int n, float* shift, float* sums, float* squares)
        {
            int c = 0;
            for (; c <= C - V; c += V)
            {
                Vector<float> sum = Vector.Load(sums + c), square = Vector.Load(squares + c), s = Vector.Load(shift + c);
                float* p = x.Row(r) + c;
                for (int i = 0; i < n; i++, p += x.Pitch)
                {
                    Cache.FetchFar(p + Few * x.Pitch);
                    var d = Vector.Load(p) - s;
                    sum += d;
                    square += d * d;
                }
                sum.Store(sums + c);
                square.Store(squares + c);
            }
            for (; c < C; c++)
                for (int i = 0; i < n; i++)
                {
                    float d = x[r + i, c] - shift[c];
                    sums[c] += d;
                    squares[c] += d * d;
                }
        }
    }

    /// <summary>Blocks' moments into the whole's: <c>n·μ = Σ nₖ μₖ</c>, <c>n·σ² = Σ (Mₖ + nₖ (μₖ − μ)²)</c>, means about the shift.</summary>
    private readonly struct CombineMomentsJob(HostRows partials, int blocks, int rows, int C, int blockRows, float* shift, float* mean, float* variance) : IJob
    {
        public void Run(int begin, int end)
        {
            double* sum = stackalloc double[Chunk], squares = stackalloc double[Chunk];
            for (int first = begin * Chunk; first < Math.Min(C, end * Chunk); first += Chunk)
            {
                int n = Math.Min(Chunk, C - first);
                new Span<double>(sum, n).Clear();
                new Span<double>(squares, n).Clear();
                for (int block = 0; block < blocks; block++)
                    for (int c = 0; c < n; c++) sum[c] += (double)Rows(block) * partials[2 * block, first + c];
                for (int c = 0; c < n; c++) sum[c] /= rows;
                for (int block = 0; block < blocks; block++)
                    for (int c = 0; c < n; c++)
                    {
                        double d = partials[2 * block, first + c] - sum[c];
                        squares[c] += partials[2 * block + 1, first + c] + Rows(block) * d * d;
                    }
                for (int c = 0; c < n; c++) (mean[first + c], variance[first + c]) = ((float)(shift[first + c] + sum[c]), (float)(squares[c] / rows));
            }
        }

        private int Rows(int block) => Math.Min(blockRows, rows - block * blockRows);
    }

    private readonly struct ApplyJob<TFunction>(HostRows x, float* mean, float* scale, float* beta, HostRows residual, bool add, HostRows y, bool leaves, int C) : IJob
        where TFunction : unmanaged, IFunction
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
            {
                float* p = x.Row(r), s = residual.Row(r), q = y.Row(r);
                int c = 0;
                for (; c <= C - V; c += V)
                {
                    var z = (Vector.Load(p + c) - Vector.Load(mean + c)) * Vector.Load(scale + c) + Vector.Load(beta + c);
                    if (add) z += Vector.Load(s + c);
                    Cache.Store(default(TFunction).Apply(z), q + c, leaves);
                }
                for (; c < C; c++)
                {
                    float z = (p[c] - mean[c]) * scale[c] + beta[c];
                    q[c] = default(TFunction).Apply(add ? z + s[c] : z);
                }
            }
        }
    }

    /// <summary>Each block's Σ dz and Σ dz·(x − μ); dz itself, if it is to be kept.</summary>
    private readonly struct SumsJob<TFunction>(HostRows x, float* mean, HostRows y, HostRows dy, HostRows kept, bool keep, bool leaves, int rows, int C, int blockRows, HostRows partials) : IJob
        where TFunction : unmanaged, IFunction
    {
        public void Run(int begin, int end)
        {
            for (int block = begin; block < end; block++)
            {
                float* sum = partials.Row(2 * block), product = partials.Row(2 * block + 1);
                new Span<float>(sum, C).Clear();
                new Span<float>(product, C).Clear();
                for (int r = block * blockRows; r < Math.Min(rows, (block + 1) * blockRows); r++)
                {
                    float* p = x.Row(r), q = y.Row(r), d = dy.Row(r), to = kept.Row(r);
                    int c = 0;
                    for (; c <= C - V; c += V)
                    {
                        var dz = Dz<TFunction>(q, d, c);
                        if (keep) Cache.Store(dz, to + c, leaves);
                        (Vector.Load(sum + c) + dz).Store(sum + c);
                        (Vector.Load(product + c) + dz * (Vector.Load(p + c) - Vector.Load(mean + c))).Store(product + c);
                    }
                    for (; c < C; c++)
                    {
                        float dz = default(TFunction).Gradient(q[c], d[c]);
                        if (keep) to[c] = dz;
                        sum[c] += dz;
                        product[c] += dz * (p[c] - mean[c]);
                    }
                }
            }
        }
    }

    private readonly struct CombineSumsJob(HostRows partials, int blocks, int C, float* variance, float eps, float* dgamma, float* dbeta) : IJob
    {
        public void Run(int begin, int end)
        {
            double* sum = stackalloc double[Chunk], product = stackalloc double[Chunk];
            for (int first = begin * Chunk; first < Math.Min(C, end * Chunk); first += Chunk)
            {
                int n = Math.Min(Chunk, C - first);
                new Span<double>(sum, n).Clear();
                new Span<double>(product, n).Clear();
                for (int block = 0; block < blocks; block++)
                    for (int c = 0; c < n; c++)
                    {
                        sum[c] += partials[2 * block, first + c];
                        product[c] += partials[2 * block + 1, first + c];
                    }
                for (int c = 0; c < n; c++) (dbeta[first + c], dgamma[first + c]) = ((float)sum[c], (float)(product[c] / Math.Sqrt(variance[first + c] + eps)));
            }
        }
    }

    private readonly struct ElementsJob<TFunction>(Maps maps, HostRows x, HostRows y, HostRows dy, HostRows dx, HostRows dresidual, float* mean, HostRows factors) : IJob
        where TFunction : unmanaged, IFunction
    {
        private readonly bool _x = maps.Dx is not null, _residual = maps.Dresidual is not null, _addX = maps.AddX, _addResidual = maps.AddResidual, _leaves = maps.Dx is { } to && Cache.IsLeftBy(to);
        private readonly int C = maps.X.C;

        public void Run(int begin, int end)
        {
            float* a = factors.Row(0), b = factors.Row(1), k = factors.Row(2);
            for (int r = begin; r < end; r++)
            {
                float* p = x.Row(r), q = y.Row(r), d = dy.Row(r), ox = dx.Row(r), or = dresidual.Row(r);
                int c = 0;
                for (; c <= C - V; c += V)
                {
                    var dz = Dz<TFunction>(q, d, c);
                    if (_x)
                    {
                        var g = Vector.Load(a + c) * dz - Vector.Load(b + c) * (Vector.Load(p + c) - Vector.Load(mean + c)) - Vector.Load(k + c);
                        Cache.Store(_addX ? Vector.Load(ox + c) + g : g, ox + c, _leaves);
                    }
                    if (_residual) (_addResidual ? Vector.Load(or + c) + dz : dz).Store(or + c);
                }
                for (; c < C; c++)
                {
                    float dz = default(TFunction).Gradient(q[c], d[c]);
                    if (_x)
                    {
                        float g = a[c] * dz - b[c] * (p[c] - mean[c]) - k[c];
                        ox[c] = _addX ? ox[c] + g : g;
                    }
                    if (_residual) or[c] = _addResidual ? or[c] + dz : dz;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Dz<TFunction>(float* y, float* dy, int c) where TFunction : unmanaged, IFunction =>
        default(TFunction).Gradient(Vector.Load(y + c), Vector.Load(dy + c));
}
