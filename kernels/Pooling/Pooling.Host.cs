using System.Numerics;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static unsafe partial class Pooling
{
    /// <summary>Elements worth a thread of their own.</summary>
    private const int Grain = 8192;

    private static int V => Vector<float>.Count;

    private static void MaxHost(Tensor x, Tensor y, Tensor index, int kernel, int stride, int pad) =>
        y.Device.Team.For(y.Rows, new MaxJob(x.Host, x.Shape, y.Host, y.Shape, index.Host, kernel, stride, pad), Math.Max(1, Grain / (kernel * kernel * y.C)));

    private static void MaxGradientHost(Tensor dy, Tensor index, Tensor dx, int kernel, int stride, int pad, bool add) =>
        dx.Device.Team.For(dx.Rows, new MaxGradientJob(dy.Host, dy.Shape, index.Host, dx.Host, dx.Shape, kernel, stride, pad, add), Math.Max(1, Grain / dx.C));

    /// <summary>An output row takes its window's rows one after the other; the first fills it, the rest compete with it.</summary>
    private readonly struct MaxJob(HostRows x, Shape xs, HostRows y, Shape ys, HostRows index, int kernel, int stride, int pad) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
            {
                int n = r / ys.Area, top = r / ys.W % ys.H * stride - pad, left = r % ys.W * stride - pad;
                bool first = true;
                for (int tap = 0; tap < kernel * kernel; tap++)
                {
                    int h = top + tap / kernel, w = left + tap % kernel;
                    if ((uint)h >= (uint)xs.H || (uint)w >= (uint)xs.W) continue;
                    Compete(x.Row((n * xs.H + h) * xs.W + w), y.Row(r), index.Row(r), tap, first);
                    first = false;
                }
            }
        }

        private void Compete(float* x, float* best, float* index, int tap, bool first)
        {
            int c = 0;
            var taps = new Vector<float>(tap);
            for (; c <= ys.C - V; c += V)
            {
                Vector<float> v = Vector.Load(x + c), old = Vector.Load(best + c);
                // NaN wins, and once it has won nothing is greater: it must not be lost before the loss is tested.
                var wins = first ? Vector<int>.AllBitsSet : Vector.GreaterThan(v, old) | ~Vector.Equals(v, v);
                Vector.ConditionalSelect(wins, v, old).Store(best + c);
                Vector.ConditionalSelect(wins, taps, Vector.Load(index + c)).Store(index + c);
            }
            for (; c < ys.C; c++)
                if (first || x[c] > best[c] || float.IsNaN(x[c])) (best[c], index[c]) = (x[c], tap);
        }
    }

    private readonly struct MaxGradientJob(HostRows dy, Shape ys, HostRows index, HostRows dx, Shape xs, int kernel, int stride, int pad, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
            {
                int n = r / xs.Area, h = r / xs.W % xs.H + pad, w = r % xs.W + pad;
                if (!add) new Span<float>(dx.Row(r), xs.C).Clear();
                for (int i = FirstWindow(h, kernel, stride); i <= Math.Min(h / stride, ys.H - 1); i++)
                    for (int j = FirstWindow(w, kernel, stride); j <= Math.Min(w / stride, ys.W - 1); j++)
                    {
                        int window = (n * ys.H + i) * ys.W + j;
                        Take(dy.Row(window), index.Row(window), dx.Row(r), (h - i * stride) * kernel + w - j * stride);
                    }
            }
        }

        private void Take(float* dy, float* index, float* dx, int tap)
        {
            int c = 0;
            var taps = new Vector<float>(tap);
            for (; c <= xs.C - V; c += V)
                (Vector.Load(dx + c) + Vector.ConditionalSelect(Vector.Equals(Vector.Load(index + c), taps), Vector.Load(dy + c), Vector<float>.Zero)).Store(dx + c);
            for (; c < xs.C; c++)
                if (index[c] == tap) dx[c] += dy[c];
        }
    }

    /// <summary>The first window that covers a padded coordinate: the least i with i·stride + kernel &gt; h.</summary>
    private static int FirstWindow(int h, int kernel, int stride) => h < kernel ? 0 : (h - kernel) / stride + 1;
}
