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

    private static int V => Vector<float>.Count;

    private static void StatisticsHost(Tensor x, Tensor? made, Tensor mean, Tensor variance)
    {
        using var blocks = made ?? MomentBlocks.Rent(x);
        if (made is null) x.Device.Team.For(blocks.Shape.N, new MomentsJob(new(x, blocks), x.C), Math.Max(1, Grain / (MomentBlocks.Rows * x.C)));
        x.Device.Team.For((x.C + Chunk - 1) / Chunk, new CombineMomentsJob(blocks.Host, blocks.Shape.N, x.Rows, x.C, mean.Host.Data, variance.Host.Data));
    }

    private static void ApplyHost<TFunction>(Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, float eps, Tensor y, Tensor? residual)
        where TFunction : unmanaged, IFunction
    {
        using var scale = Tensor.Rent(x.Device, Shape.Of(x.C), "batchnorm.scale");
        var affine = new Affine(variance, gamma, beta, eps, scale.Host.Data);
        x.Device.Team.For(x.Rows, new ApplyJob<TFunction>(x.Host, mean.Host.Data, affine, (residual ?? x).Host, residual is not null, y.Host, Cache.IsLeftBy(y.Host, y.Count), x.C), Math.Max(1, Grain / x.C));
    }

    private static void RunningHost(Tensor batch, Tensor rows, int items, Tensor running, float momentum, Tensor? clip)
    {
        if (clip is not null && clip.HostSpan[1] == 0) return;
        Span<float> b = batch.HostSpan, n = rows.HostSpan, r = running.HostSpan;
        for (int i = 0; i < r.Length; i++) r[i] = Running(r[i], b[i], n[i], items, momentum);
    }

    private static void GradientHost<TFunction>(Maps maps, Vectors vectors, Tensor partials) where TFunction : unmanaged, IFunction
    {
        var x = maps.X;
        int blockRows = BlockRows(x);
        float* mean = vectors.Mean.Host.Data, dgamma = vectors.Dgamma.Host.Data, dbeta = vectors.Dbeta.Host.Data;
        using var factors = Tensor.Rent(x.Device, Shape.Of(1, 4, x.C), "batchnorm.factors");
        var affine = vectors.Beta is null ? default : new Affine(vectors.Variance, vectors.Gamma, vectors.Beta, vectors.Eps, factors.Host.Row(3));
        // A residual's gradient is dz: written by the first pass, it spares the second dy and y.
        var kept = maps.AddResidual ? null : maps.Dresidual;
        x.Device.Team.For(partials.Shape.N, new SumsJob<TFunction>(x.Host, mean, affine, maps.Y.Host, maps.Dy.Host, (kept ?? x).Host, kept is not null, kept is not null && Cache.IsLeftBy(kept.Host, kept.Count), x.Rows, x.C, blockRows, partials.Host), Math.Max(1, Grain / (blockRows * x.C)));
        x.Device.Team.For((x.C + Chunk - 1) / Chunk, new CombineSumsJob(partials.Host, partials.Shape.N, x.C, vectors.Variance.Host.Data, vectors.Eps, dgamma, dbeta));
        if (maps.Dx is null && maps.Dresidual == kept) return;

        // dx = a·dz − b·(x − μ) − k, three numbers a channel.
        float* a = factors.Host.Row(0), b = factors.Host.Row(1), k = factors.Host.Row(2), variance = vectors.Variance.Host.Data, gamma = vectors.Gamma.Host.Data;
        for (int c = 0; c < x.C; c++)
        {
            float inverse = 1 / MathF.Sqrt(variance[c] + vectors.Eps);
            a[c] = gamma[c] * inverse;
            b[c] = vectors.Frozen ? 0 : a[c] * inverse * dgamma[c] / x.Rows;
            k[c] = vectors.Frozen ? 0 : a[c] * dbeta[c] / x.Rows;
        }
        if (kept is null) Elements<TFunction>(maps, mean, affine, factors);
        else Elements<Identity>(maps with { Y = kept, Dy = kept, Dresidual = null }, mean, default, factors);
    }

    private static void Elements<TFunction>(Maps maps, float* mean, Affine affine, Tensor factors) where TFunction : unmanaged, IFunction
    {
        var x = maps.X;
        x.Device.Team.For(x.Rows, new ElementsJob<TFunction>(maps, x.Host, maps.Y.Host, maps.Dy.Host, (maps.Dx ?? x).Host, (maps.Dresidual ?? x).Host, mean, affine, factors.Host), Math.Max(1, Grain / x.C));
    }

    private readonly struct MomentsJob(MomentBlocks blocks, int C) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int block = begin; block < end; block++) blocks.Make(block, 0, C);
        }
    }

    /// <summary>Blocks' moments into the whole's: <c>n·μ = Σ nₖ μₖ</c>, <c>n·σ² = Σ (Mₖ + nₖ (μₖ − μ)²)</c>.</summary>
    private readonly struct CombineMomentsJob(HostRows blocks, int count, int rows, int C, float* mean, float* variance) : IJob
    {
        public void Run(int begin, int end)
        {
            double* sum = stackalloc double[Chunk], squares = stackalloc double[Chunk];
            for (int first = begin * Chunk; first < Math.Min(C, end * Chunk); first += Chunk)
            {
                int n = Math.Min(Chunk, C - first);
                new Span<double>(sum, n).Clear();
                new Span<double>(squares, n).Clear();
                for (int block = 0; block < count; block++)
                {
                    float* from = blocks.Row(3 * block), about = blocks.Row(3 * block + 1);
                    for (int c = 0; c < n; c++) sum[c] += Rows(block) * ((double)from[first + c] + about[first + c]);
                }
                for (int c = 0; c < n; c++) sum[c] /= rows;
                for (int block = 0; block < count; block++)
                {
                    float* from = blocks.Row(3 * block), about = blocks.Row(3 * block + 1), own = blocks.Row(3 * block + 2);
                    for (int c = 0; c < n; c++)
                    {
                        double d = from[first + c] - sum[c] + about[first + c];
                        squares[c] += own[first + c] + Rows(block) * d * d;
                    }
                }
                for (int c = 0; c < n; c++) (mean[first + c], variance[first + c]) = ((float)sum[c], (float)(squares[c] / rows));
            }
        }

        private int Rows(int block) => Math.Min(MomentBlocks.Rows, rows - block * MomentBlocks.Rows);
    }

    /// <summary><c>z = d·γ/√(σ² + ε) + β</c> of a deviation d = x − μ, the same to the bit whoever makes it.</summary>
    private readonly struct Affine
    {
        private readonly float* _scale, _beta;

        // Fills scale.
        public Affine(Tensor variance, Tensor gamma, Tensor beta, float eps, float* scale)
        {
            _scale = scale;
            _beta = beta.Host.Data;
            float* v = variance.Host.Data, g = gamma.Host.Data;
            for (int c = 0; c < gamma.C; c++) scale[c] = (float)(g[c] / Math.Sqrt((double)v[c] + eps));
        }

        public bool Known => _beta != null;

        public Vector<float> Of(Vector<float> d, int c) => d * Vector.Load(_scale + c) + Vector.Load(_beta + c);

        public float Of(float d, int c) => d * _scale[c] + _beta[c];
    }

    private readonly struct ApplyJob<TFunction>(HostRows x, float* mean, Affine affine, HostRows residual, bool add, HostRows y, bool leaves, int C) : IJob
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
                    var z = affine.Of(Vector.Load(p + c) - Vector.Load(mean + c), c);
                    if (add) z += Vector.Load(s + c);
                    Cache.Store(default(TFunction).Apply(z), q + c, leaves);
                }
                for (; c < C; c++)
                {
                    float z = affine.Of(p[c] - mean[c], c);
                    q[c] = default(TFunction).Apply(add ? z + s[c] : z);
                }
            }
        }
    }

    /// <summary>Each block's Σ dz and Σ dz·(x − μ); dz itself, if it is to be kept.</summary>
    private readonly struct SumsJob<TFunction>(HostRows x, float* mean, Affine affine, HostRows y, HostRows dy, HostRows kept, bool keep, bool leaves, int rows, int C, int blockRows, HostRows partials) : IJob
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
                        var about = Vector.Load(p + c) - Vector.Load(mean + c);
                        var dz = default(TFunction).Gradient(affine.Known ? default(TFunction).Apply(affine.Of(about, c)) : Vector.Load(q + c), Vector.Load(d + c));
                        if (keep) Cache.Store(dz, to + c, leaves);
                        (Vector.Load(sum + c) + dz).Store(sum + c);
                        (Vector.Load(product + c) + dz * about).Store(product + c);
                    }
                    for (; c < C; c++)
                    {
                        float about = p[c] - mean[c], dz = default(TFunction).Gradient(affine.Known ? default(TFunction).Apply(affine.Of(about, c)) : q[c], d[c]);
                        if (keep) to[c] = dz;
                        sum[c] += dz;
                        product[c] += dz * about;
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

    private readonly struct ElementsJob<TFunction>(Maps maps, HostRows x, HostRows y, HostRows dy, HostRows dx, HostRows dresidual, float* mean, Affine affine, HostRows factors) : IJob
        where TFunction : unmanaged, IFunction
    {
        private readonly bool _x = maps.Dx is not null, _residual = maps.Dresidual is not null, _addX = maps.AddX, _addResidual = maps.AddResidual, _leaves = maps.Dx is { } to && Cache.IsLeftBy(to.Host, to.Count);
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
                    var about = Vector.Load(p + c) - Vector.Load(mean + c);
                    var dz = default(TFunction).Gradient(affine.Known ? default(TFunction).Apply(affine.Of(about, c)) : Vector.Load(q + c), Vector.Load(d + c));
                    if (_x)
                    {
                        var g = Vector.Load(a + c) * dz - Vector.Load(b + c) * about - Vector.Load(k + c);
                        Cache.Store(_addX ? Vector.Load(ox + c) + g : g, ox + c, _leaves);
                    }
                    if (_residual) (_addResidual ? Vector.Load(or + c) + dz : dz).Store(or + c);
                }
                for (; c < C; c++)
                {
                    float about = p[c] - mean[c], dz = default(TFunction).Gradient(affine.Known ? default(TFunction).Apply(affine.Of(about, c)) : q[c], d[c]);
                    if (_x)
                    {
                        float g = a[c] * dz - b[c] * about - k[c];
                        ox[c] = _addX ? ox[c] + g : g;
                    }
                    if (_residual) or[c] = _addResidual ? or[c] + dz : dz;
                }
            }
        }
    }
}
