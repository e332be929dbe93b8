using System.Numerics;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static unsafe partial class Resize
{
    /// <summary>Elements worth a thread of their own.</summary>
    private const int Grain = 8192;

    /// <summary>Channels that the gradient gathers at a time: their accumulators stay on the stack.</summary>
    private const int Chunk = 256;

    private static int V => Vector<float>.Count;

    private static void BilinearHost(Tensor x, Tensor y, Axis vertical, Axis horizontal) =>
        y.Device.Team.For(y.Shape.N * y.Shape.H, new BilinearJob(x.Host, x.Shape, y.Host, y.Shape, vertical, horizontal), Math.Max(1, Grain / (y.Shape.W * y.C)));

    private static void BilinearGradientHost(Tensor dy, Tensor dx, Axis vertical, Axis horizontal, bool add) =>
        dx.Device.Team.For(dx.Rows, new BilinearGradientJob(dy.Host, dy.Shape, dx.Host, dx.Shape, vertical, horizontal, add), (int)Math.Max(1, Grain * (long)dx.Rows / dy.Count));

    /// <summary>An item is one line of the output.</summary>
    private readonly struct BilinearJob(HostRows x, Shape xs, HostRows y, Shape ys, Axis vertical, Axis horizontal) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int line = begin; line < end; line++)
            {
                int top = vertical.At(line % ys.H, out float t), bottom = vertical.Above(top), first = line / ys.H * xs.H;
                for (int j = 0; j < ys.W; j++)
                {
                    int left = horizontal.At(j, out float u), right = horizontal.Above(left);
                    float* a = x.Row((first + top) * xs.W + left), b = x.Row((first + top) * xs.W + right);
                    float* c = x.Row((first + bottom) * xs.W + left), d = x.Row((first + bottom) * xs.W + right);
                    Mix(a, b, c, d, y.Row(line * ys.W + j), (1 - t) * (1 - u), (1 - t) * u, t * (1 - u), t * u);
                }
            }
        }

        private void Mix(float* a, float* b, float* c, float* d, float* y, float wa, float wb, float wc, float wd)
        {
            int i = 0;
            for (; i <= ys.C - V; i += V) (Vector.Load(a + i) * wa + Vector.Load(b + i) * wb + (Vector.Load(c + i) * wc + Vector.Load(d + i) * wd)).Store(y + i);
            for (; i < ys.C; i++) y[i] = a[i] * wa + b[i] * wb + (c[i] * wc + d[i] * wd);
        }
    }

    private readonly struct BilinearGradientJob(HostRows dy, Shape ys, HostRows dx, Shape xs, Axis vertical, Axis horizontal, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            float* line = stackalloc float[Chunk], total = stackalloc float[Chunk];
            for (int r = begin; r < end; r++)
            {
                int n = r / xs.Area, h = r / xs.W % xs.H, w = r % xs.W;
                int left = horizontal.First(w - 1), right = horizontal.First(w + 1), top = vertical.First(h - 1), bottom = vertical.First(h + 1);
                for (int first = 0; first < xs.C; first += Chunk)
                {
                    int count = Math.Min(Chunk, xs.C - first);
                    new Span<float>(total, count).Clear();
                    for (int i = top; i < bottom; i++)
                    {
                        new Span<float>(line, count).Clear();
                        for (int j = left; j < right; j++) Accumulate(dy.Row((n * ys.H + i) * ys.W + j) + first, line, count, horizontal.Weight(j, w));
                        Accumulate(line, total, count, vertical.Weight(i, h));
                    }
                    if (!add) new Span<float>(dx.Row(r) + first, count).Clear();
                    Accumulate(total, dx.Row(r) + first, count, 1);
                }
            }
        }

        private static void Accumulate(float* x, float* y, int n, float weight)
        {
            int c = 0;
            for (; c <= n - V; c += V) (Vector.Load(y + c) + Vector.Load(x + c) * weight).Store(y + c);
            for (; c < n; c++) y[c] += x[c] * weight;
        }
    }
}
