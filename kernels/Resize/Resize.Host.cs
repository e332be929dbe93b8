using System.Numerics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

public static unsafe partial class Resize
{
    private static void BilinearHost(Tensor x, Tensor y, ResizeAxis vertical, ResizeAxis horizontal) =>
        y.Device.Team.For(y.Shape.N * y.Shape.H, new BilinearJob(x: x.Host, xs: x.Shape, y: y.Host, ys: y.Shape,
            vertical: vertical, horizontal: horizontal), y.Shape.W * y.C);

    private static void BilinearGradientHost(Tensor dy, Tensor dx, ResizeAxis vertical, ResizeAxis horizontal, bool add) =>
        dx.Device.Team.For(dx.Rows, new BilinearGradientJob(dy: dy.Host, ys: dy.Shape, dx: dx.Host, xs: dx.Shape,
            vertical: vertical, horizontal: horizontal, add: add), dy.Count / dx.Rows);

    /// <summary>An item is one line of the output.</summary>
    private readonly struct BilinearJob(HostRows x, Shape xs, HostRows y, Shape ys, ResizeAxis vertical,
        ResizeAxis horizontal) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int line = begin; line < end; line++)
            {
                int top = vertical.At(line % ys.H, out float t);
                int bottom = vertical.Above(top), first = line / ys.H * xs.H;
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
            for (; i <= ys.C - V; i += V)
                (Vector.Load(a + i) * wa + Vector.Load(b + i) * wb
                    + (Vector.Load(c + i) * wc + Vector.Load(d + i) * wd)).Store(y + i);
            for (; i < ys.C; i++) y[i] = a[i] * wa + b[i] * wb + (c[i] * wc + d[i] * wd);
        }
    }

    /// <summary>An item is a position of dx: a vector of channels gathers all its outputs in registers.</summary>
    private readonly struct BilinearGradientJob(HostRows dy, Shape ys, HostRows dx, Shape xs, ResizeAxis vertical,
        ResizeAxis horizontal, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            float* down = stackalloc float[ys.H], along = stackalloc float[ys.W];
            for (int r = begin; r < end; r++)
            {
                int n = r / xs.Area, h = r / xs.W % xs.H, w = r % xs.W;
                int left = horizontal.First(w - 1), right = horizontal.First(w + 1);
                int top = vertical.First(h - 1), bottom = vertical.First(h + 1);
                for (int i = top; i < bottom; i++) down[i - top] = vertical.Weight(i, h);
                for (int j = left; j < right; j++) along[j - left] = horizontal.Weight(j, w);
                Gather(dy.Row((n * ys.H + top) * ys.W + left), down, bottom - top, along, right - left, dx.Row(r));
            }
        }

        /// <summary>dx (+)= Σ_i down_i Σ_j along_j dy[i, j].</summary>
        private void Gather(float* first, float* down, int lines, float* along, int outputs, float* to)
        {
            nint pitch = dy.Pitch, line = pitch * ys.W;
            int c = 0;
            for (; c <= xs.C - 4 * V; c += 4 * V)
            {
                Vector<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
                for (int i = 0; i < lines; i++)
                {
                    Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
                    float* from = first + i * line + c;
                    for (int j = 0; j < outputs; j++, from += pitch)
                    {
                        var weight = new Vector<float>(along[j]);
                        s0 += Vector.Load(from) * weight;
                        s1 += Vector.Load(from + V) * weight;
                        s2 += Vector.Load(from + 2 * V) * weight;
                        s3 += Vector.Load(from + 3 * V) * weight;
                    }
                    sum0 += s0 * down[i];
                    sum1 += s1 * down[i];
                    sum2 += s2 * down[i];
                    sum3 += s3 * down[i];
                }
                (add ? Vector.Load(to + c) + sum0 : sum0).Store(to + c);
                (add ? Vector.Load(to + c + V) + sum1 : sum1).Store(to + c + V);
                (add ? Vector.Load(to + c + 2 * V) + sum2 : sum2).Store(to + c + 2 * V);
                (add ? Vector.Load(to + c + 3 * V) + sum3 : sum3).Store(to + c + 3 * V);
            }
            for (; c < xs.C; c++)
            {
                float sum = 0;
                for (int i = 0; i < lines; i++)
                {
                    float s = 0;
                    for (int j = 0; j < outputs; j++) s += first[i * line + j * pitch + c] * along[j];
                    sum += s * down[i];
                }
                to[c] = add ? to[c] + sum : sum;
            }
        }
    }
}
