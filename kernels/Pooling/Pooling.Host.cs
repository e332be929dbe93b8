using System.Numerics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

public static unsafe partial class Pooling
{
    private static void MaxHost(Tensor x, Tensor y, Tensor? index, int kernel, int stride, int pad) =>
        y.Device.Team.For(y.Rows, new MaxJob(x: x.Host, xs: x.Shape, y: y.Host, ys: y.Shape, index: index is null
            ? default
            : index.Host, kernel: kernel, stride: stride, pad: pad), kernel * kernel * y.C);

    private static void MaxGradientHost(Tensor dy, Tensor index, Tensor dx, int kernel, int stride, int pad,
        bool add) =>
        dx.Device.Team.For(dx.Rows, new MaxGradientJob(dy: dy.Host, ys: dy.Shape, index: index.Host, dx: dx.Host,
            xs: dx.Shape, kernel: kernel, stride: stride, pad: pad, add: add), dx.C);

    private readonly struct MaxJob(HostRows x, Shape xs, HostRows y, Shape ys, HostRows index, int kernel, int stride,
        int pad) : IJob
    {
        public void Run(int begin, int end)
        {
            float** rows = stackalloc float*[kernel * kernel];
            int* taps = stackalloc int[kernel * kernel];
            for (int r = begin; r < end; r++)
            {
                int n = r / ys.Area, top = r / ys.W % ys.H * stride - pad, left = r % ys.W * stride - pad, count = 0;
                for (int tap = 0; tap < kernel * kernel; tap++)
                {
                    int h = top + tap / kernel, w = left + tap % kernel;
                    if ((uint)h >= (uint)xs.H || (uint)w >= (uint)xs.W) continue;
                    rows[count] = x.Row((n * xs.H + h) * xs.W + w);
                    taps[count++] = tap;
                }
                if (index.Data == null) Best(rows, count, y.Row(r));
                else Winners(rows, taps, count, y.Row(r), index.Row(r));
            }
        }

        // NaN wins and stays, since nothing is greater: it must reach the loss, which is tested for it.
        private static Vector<int> Wins(Vector<float> v, Vector<float> best) =>
            Vector.GreaterThan(v, best) | ~Vector.Equals(v, v);

        private static bool Wins(float v, float best) => v > best || float.IsNaN(v);

        private void Best(float** rows, int count, float* y)
        {
            int c = 0;
            for (; c <= ys.C - V; c += V)
            {
                var best = Vector.Load(rows[0] + c);
                for (int i = 1; i < count; i++)
                {
                    var v = Vector.Load(rows[i] + c);
                    best = Vector.ConditionalSelect(Wins(v, best), v, best);
                }
                best.Store(y + c);
            }
            for (; c < ys.C; c++)
            {
                float best = rows[0][c];
                for (int i = 1; i < count; i++)
                    if (Wins(rows[i][c], best)) best = rows[i][c];
                y[c] = best;
            }
        }

        private void Winners(float** rows, int* taps, int count, float* y, float* index)
        {
            int c = 0;
            for (; c <= ys.C - V; c += V)
            {
                Vector<float> best = Vector.Load(rows[0] + c), winner = new(taps[0]);
                for (int i = 1; i < count; i++)
                {
                    var v = Vector.Load(rows[i] + c);
                    var wins = Wins(v, best);
                    (best, winner) = (Vector.ConditionalSelect(wins, v, best),
                        Vector.ConditionalSelect(wins, new Vector<float>(taps[i]), winner));
                }
                best.Store(y + c);
                winner.Store(index + c);
            }
            for (; c < ys.C; c++)
            {
                (y[c], index[c]) = (rows[0][c], taps[0]);
                for (int i = 1; i < count; i++)
                    if (Wins(rows[i][c], y[c])) (y[c], index[c]) = (rows[i][c], taps[i]);
            }
        }
    }

    private readonly struct MaxGradientJob(HostRows dy, Shape ys, HostRows index, HostRows dx, Shape xs, int kernel,
        int stride, int pad, bool add) : IJob
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
                (Vector.Load(dx + c)
                    + Vector.ConditionalSelect(Vector.Equals(Vector.Load(index + c), taps), Vector.Load(dy + c),
                        Vector<float>.Zero)).Store(dx + c);
            for (; c < xs.C; c++)
                if (index[c] == tap) dx[c] += dy[c];
        }
    }

    /// <summary>The first window that covers a padded coordinate: the least i with i·stride + kernel &gt; h.</summary>
    private static int FirstWindow(int h, int kernel, int stride) => h < kernel ? 0 : (h - kernel) / stride + 1;
}
