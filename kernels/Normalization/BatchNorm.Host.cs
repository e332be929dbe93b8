using System.Numerics;
using System.Runtime.CompilerServices;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

public static unsafe partial class BatchNorm
{
    /// <summary>Channels that the second level of a sum takes at a time: their float64 accumulators
    /// stay on the stack.</summary>
    private const int Chunk = 64;

    private static void StatisticsHost(Tensor x, Tensor? made, Tensor mean, Tensor variance)
    {
        using var blocks = made ?? MomentBlocks.Rent(x);
        var team = x.Device.Team;
        if (made is null)
            team.For(blocks.Shape.N, new MomentsJob(new(x, blocks), x.C), MomentBlocks.Rows * x.C);
        team.For((x.C + Chunk - 1) / Chunk, new CombineMomentsJob(blocks: blocks.Host, count: blocks.Shape.N,
            rows: x.Rows, C: x.C, mean: mean.Host.Data, variance: variance.Host.Data));
    }

    private static void ApplyHost<TFunction>(Tensor x, in Vectors vectors, Tensor y, Tensor? residual)
        where TFunction : unmanaged, IFunction
    {
        using var scale = Tensor.Rent(x.Device, Shape.Of(x.C), "batchnorm.scale");
        x.Device.Team.For(x.Rows, new ApplyJob<TFunction>
        {
            X = x.Host,
            Mean = vectors.Mean.Host.Data,
            Affine = new Affine(vectors, scale.Host.Data),
            Residual = residual?.Host ?? default,
            HasResidual = residual is not null,
            Y = y.Host,
            Leaves = Cache.IsLeftBy(y.Host, y.Count),
            C = x.C,
        }, x.C);
    }

    private static void RunningHost(Tensor batch, Tensor rows, int items, Tensor running, float momentum, Tensor? clip)
    {
        if (clip is not null && clip.HostSpan[1] == 0) return;
        Span<float> b = batch.HostSpan, n = rows.HostSpan, r = running.HostSpan;
        for (int i = 0; i < r.Length; i++) r[i] = Running(r[i], b[i], n[i], items, momentum);
    }

    private static void GradientHost<TFunction>(in Derivation p) where TFunction : unmanaged, IFunction
    {
        var (maps, vectors, x) = (p.Maps, p.Vectors, p.Maps.X);
        int blockRows = BlockRows(x), blocks = p.Partials.Shape.N;
        float* mean = vectors.Mean.Host.Data, variance = vectors.Variance.Host.Data, gamma = vectors.Gamma.Host.Data;
        float* dgamma = p.Dgamma.Host.Data, dbeta = p.Dbeta.Host.Data;
        using var factors = Tensor.Rent(x.Device, Shape.Of(1, 4, x.C), "batchnorm.factors");
        var affine = maps.FollowsFromX ? new Affine(vectors, factors.Host.Row(3)) : default;
        // A residual's gradient is dz: written by the first pass, it spares the second dy and y.
        var kept = maps.AddResidual ? null : maps.Dresidual;
        x.Device.Team.For(blocks, new SumsJob<TFunction>
        {
            X = x.Host,
            Mean = mean,
            Affine = affine,
            Y = maps.Y.Host,
            Dy = maps.Dy.Host,
            Kept = kept?.Host ?? default,
            Keeps = kept is not null,
            Leaves = kept is not null && Cache.IsLeftBy(kept.Host, kept.Count),
            Rows = x.Rows,
            C = x.C,
            BlockRows = blockRows,
            Partials = p.Partials.Host,
        }, blockRows * x.C);
        x.Device.Team.For((x.C + Chunk - 1) / Chunk, new CombineSumsJob(partials: p.Partials.Host, blocks: blocks,
            C: x.C, variance: variance, eps: vectors.Eps, dgamma: dgamma, dbeta: dbeta));
        if (maps.Dx is null && maps.Dresidual == kept) return;

        // dx = a·dz − b·(x − μ) − k, three numbers a channel.
        float* a = factors.Host.Row(0), b = factors.Host.Row(1), k = factors.Host.Row(2);
        for (int c = 0; c < x.C; c++)
        {
            float inverse = 1 / MathF.Sqrt(variance[c] + vectors.Eps);
            a[c] = gamma[c] * inverse;
            b[c] = p.Frozen ? 0 : a[c] * inverse * dgamma[c] / x.Rows;
            k[c] = p.Frozen ? 0 : a[c] * dbeta[c] / x.Rows;
        }
        if (kept is null) Elements<TFunction>(maps, mean, affine, factors);
        else Elements<Identity>(maps with { Y = kept, Dy = kept, Dresidual = null }, mean, default, factors);
    }

    private static void Elements<TFunction>(in Maps maps, float* mean, Affine affine, Tensor factors)
        where TFunction : unmanaged, IFunction =>
        maps.X.Device.Team.For(maps.X.Rows, new ElementsJob<TFunction>
        {
            X = maps.X.Host,
            Y = maps.Y.Host,
            Dy = maps.Dy.Host,
            Dx = maps.Dx?.Host ?? default,
            Dresidual = maps.Dresidual?.Host ?? default,
            HasX = maps.Dx is not null,
            HasResidual = maps.Dresidual is not null,
            AddX = maps.AddX,
            AddResidual = maps.AddResidual,
            Leaves = maps.Dx is { } dx && Cache.IsLeftBy(dx.Host, dx.Count),
            Mean = mean,
            Affine = affine,
            Factors = factors.Host,
            C = maps.X.C,
        }, maps.X.C);

    private readonly struct MomentsJob(MomentBlocks blocks, int C) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int block = begin; block < end; block++) blocks.Make(block, 0, C);
        }
    }

    /// <summary>Blocks' moments into the whole's: <c>n·μ = Σ nₖ μₖ</c>, <c>n·σ² = Σ (Mₖ + nₖ (μₖ − μ)²)</c>.</summary>
    private readonly struct CombineMomentsJob(HostRows blocks, int count, int rows, int C, float* mean,
        float* variance) : IJob
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
                    float* from = blocks.Row(3 * block), about = blocks.Row(3 * block + 1);
                    float* own = blocks.Row(3 * block + 2);
                    for (int c = 0; c < n; c++)
                    {
                        double d = from[first + c] - sum[c] + about[first + c];
                        squares[c] += own[first + c] + Rows(block) * d * d;
                    }
                }
                for (int c = 0; c < n; c++)
                    (mean[first + c], variance[first + c]) = ((float)sum[c], (float)(squares[c] / rows));
            }
        }

        private int Rows(int block) => Math.Min(MomentBlocks.Rows, rows - block * MomentBlocks.Rows);
    }

    /// <summary><c>z = d·γ/√(σ² + ε) + β</c> of a deviation d = x − μ: the same bits in the forward pass and in the
    /// gradient.</summary>
    private readonly struct Affine
    {
        private readonly float* _scale, _beta;

        // Fills scale.
        public Affine(in Vectors vectors, float* scale)
        {
            _scale = scale;
            _beta = vectors.Beta.Host.Data;
            float* v = vectors.Variance.Host.Data, g = vectors.Gamma.Host.Data;
            for (int c = 0; c < vectors.Gamma.C; c++)
                scale[c] = (float)(g[c] / Math.Sqrt((double)v[c] + vectors.Eps));
        }

        public bool IsKnown => _beta != null;

        public Vector<float> Of(Vector<float> d, int c) => d * Vector.Load(_scale + c) + Vector.Load(_beta + c);

        public float Of(float d, int c) => d * _scale[c] + _beta[c];
    }

    private struct ApplyJob<TFunction> : IJob where TFunction : unmanaged, IFunction
    {
        public HostRows X, Residual, Y;
        public float* Mean;
        public Affine Affine;
        public bool HasResidual, Leaves;
        public int C;

        public readonly void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
            {
                float* p = X.Row(r), s = Residual.Row(r), q = Y.Row(r);
                int c = 0;
                for (; c <= C - V; c += V)
                {
                    var z = Affine.Of(Vector.Load(p + c) - Vector.Load(Mean + c), c);
                    if (HasResidual) z += Vector.Load(s + c);
                    Cache.Store(default(TFunction).Apply(z), q + c, Leaves);
                }
                for (; c < C; c++)
                {
                    float z = Affine.Of(p[c] - Mean[c], c);
                    q[c] = default(TFunction).Apply(HasResidual ? z + s[c] : z);
                }
            }
        }
    }
}
