using System.Numerics;
using System.Runtime.CompilerServices;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

public static unsafe partial class BatchNorm
{
    /// <summary>Each block's Σ dz and Σ dz·(x − μ); dz itself, if it is to be kept.</summary>
    private struct SumsJob<TFunction> : IJob where TFunction : unmanaged, IFunction
    {
        public HostRows X, Y, Dy, Kept, Partials;
        public float* Mean;
        public Affine Affine;
        public bool Keeps, Leaves;
        public int Rows, C, BlockRows;

        public readonly void Run(int begin, int end)
        {
            for (int block = begin; block < end; block++)
            {
                float* sum = Partials.Row(2 * block), product = Partials.Row(2 * block + 1);
                new Span<float>(sum, C).Clear();
                new Span<float>(product, C).Clear();
                for (int r = block * BlockRows; r < Math.Min(Rows, (block + 1) * BlockRows); r++)
                {
                    float* p = X.Row(r), q = Y.Row(r), d = Dy.Row(r), to = Kept.Row(r);
                    int c = 0;
                    for (; c <= C - V; c += V)
                    {
                        var about = Vector.Load(p + c) - Vector.Load(Mean + c);
                        var y = Affine.IsKnown ? default(TFunction).Apply(Affine.Of(about, c)) : Vector.Load(q + c);
                        var dz = default(TFunction).Gradient(y, Vector.Load(d + c));
                        if (Keeps) Cache.Store(dz, to + c, Leaves);
                        (Vector.Load(sum + c) + dz).Store(sum + c);
                        (Vector.Load(product + c) + dz * about).Store(product + c);
                    }
                    for (; c < C; c++)
                    {
                        float about = p[c] - Mean[c];
                        float y = Affine.IsKnown ? default(TFunction).Apply(Affine.Of(about, c)) : q[c];
                        float dz = default(TFunction).Gradient(y, d[c]);
                        if (Keeps) to[c] = dz;
                        sum[c] += dz;
                        product[c] += dz * about;
                    }
                }
            }
        }
    }

    private readonly struct CombineSumsJob(HostRows partials, int blocks, int C, float* variance, float eps,
        float* dgamma, float* dbeta) : IJob
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
                for (int c = 0; c < n; c++)
                    (dbeta[first + c], dgamma[first + c]) =
                        ((float)sum[c], (float)(product[c] / Math.Sqrt(variance[first + c] + eps)));
            }
        }
    }

    private struct ElementsJob<TFunction> : IJob where TFunction : unmanaged, IFunction
    {
        public HostRows X, Y, Dy, Dx, Dresidual, Factors;
        public float* Mean;
        public Affine Affine;
        public bool HasX, HasResidual, AddX, AddResidual, Leaves;
        public int C;

        public readonly void Run(int begin, int end)
        {
            float* a = Factors.Row(0), b = Factors.Row(1), k = Factors.Row(2);
            for (int r = begin; r < end; r++)
            {
                float* p = X.Row(r), q = Y.Row(r), d = Dy.Row(r), ox = Dx.Row(r), or = Dresidual.Row(r);
                int c = 0;
                for (; c <= C - V; c += V)
                {
                    var about = Vector.Load(p + c) - Vector.Load(Mean + c);
                    var y = Affine.IsKnown ? default(TFunction).Apply(Affine.Of(about, c)) : Vector.Load(q + c);
                    var dz = default(TFunction).Gradient(y, Vector.Load(d + c));
                    if (HasX)
                    {
                        var g = Vector.Load(a + c) * dz - Vector.Load(b + c) * about - Vector.Load(k + c);
                        Cache.Store(AddX ? Vector.Load(ox + c) + g : g, ox + c, Leaves);
                    }
                    if (HasResidual) (AddResidual ? Vector.Load(or + c) + dz : dz).Store(or + c);
                }
                for (; c < C; c++)
                {
                    float about = p[c] - Mean[c];
                    float y = Affine.IsKnown ? default(TFunction).Apply(Affine.Of(about, c)) : q[c];
                    float dz = default(TFunction).Gradient(y, d[c]);
                    if (HasX)
                    {
                        float g = a[c] * dz - b[c] * about - k[c];
                        ox[c] = AddX ? ox[c] + g : g;
                    }
                    if (HasResidual) or[c] = AddResidual ? or[c] + dz : dz;
                }
            }
        }
    }
}
