using System.Numerics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

public static unsafe partial class Softmax
{
    internal static void RowsHost(Tensor x, Tensor y) =>
        y.Device.Team.For(y.Rows, new RowsJob(x.Host, y.Host, y.C), 4 * y.C);

    internal static void GradientHost(Tensor y, Tensor dy, Tensor dx, bool add) =>
        y.Device.Team.For(y.Rows, new GradientJob(y.Host, dy.Host, dx.Host, y.C, add), 4 * y.C);

    private readonly struct RowsJob(HostRows x, HostRows y, int C) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
            {
                float* p = x.Row(r), q = y.Row(r);
                float max = Max(p);
                double sum = 0;   // of lane sums over at most 4096 elements each
                for (int first = 0; first < C; first += 4096 * V)
                    sum += Exponentials(p + first, q + first, Math.Min(C - first, 4096 * V), max);
                Scale(q, (float)(1 / sum), q, C, add: false);
            }
        }

        private float Max(float* x)
        {
            float max = x[0];
            int c = 0;
            if (C >= V)
            {
                var lanes = Vector.Load(x);
                for (c = V; c <= C - V; c += V) lanes = Vector.Max(lanes, Vector.Load(x + c));
                for (int i = 0; i < V; i++) max = MathF.Max(max, lanes[i]);
            }
            for (; c < C; c++) max = MathF.Max(max, x[c]);
            return max;
        }

        private static float Exponentials(float* x, float* y, int n, float max)
        {
            int c = 0;
            var lanes = Vector<float>.Zero;
            for (; c <= n - V; c += V)
            {
                var e = Vector.Exp(Vector.Load(x + c) - new Vector<float>(max));
                e.Store(y + c);
                lanes += e;
            }
            float sum = Vector.Sum(lanes);
            for (; c < n; c++) sum += y[c] = MathF.Exp(x[c] - max);
            return sum;
        }
    }

    private readonly struct GradientJob(HostRows y, HostRows dy, HostRows dx, int C, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
            {
                float* p = y.Row(r), d = dy.Row(r), q = dx.Row(r);
                double dot = 0;
                for (int first = 0; first < C; first += 4096 * V)
                    dot += Dot(p + first, d + first, Math.Min(C - first, 4096 * V));
                float shift = (float)dot;
                int c = 0;
                for (; c <= C - V; c += V)
                {
                    var g = Vector.Load(p + c) * (Vector.Load(d + c) - new Vector<float>(shift));
                    (add ? Vector.Load(q + c) + g : g).Store(q + c);
                }
                for (; c < C; c++)
                {
                    float g = p[c] * (d[c] - shift);
                    q[c] = add ? q[c] + g : g;
                }
            }
        }

        private static float Dot(float* a, float* b, int n)
        {
            int c = 0;
            var lanes = Vector<float>.Zero;
            for (; c <= n - V; c += V) lanes += Vector.Load(a + c) * Vector.Load(b + c);
            float sum = Vector.Sum(lanes);
            for (; c < n; c++) sum += a[c] * b[c];
            return sum;
        }
    }
}
