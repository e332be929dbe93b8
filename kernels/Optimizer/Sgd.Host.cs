using System.Numerics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

public static unsafe partial class Sgd
{
    private static void StepHost(Tensor w, Tensor v, Tensor g, SgdRange range, float rate, float momentum, Tensor clip)
    {
        float scale = clip.HostSpan[1];
        if (scale != 0)
            w.Device.Team.For(range.Count, new StepJob(w: w.Host.Data + range.Start, v: v.Host.Data + range.Start,
                g: g.Host.Data + range.Start, rate: rate * range.RateScale, momentum: momentum, decay: range.Decay,
                scale: scale), 1);
    }

    private static void ClipHost(Tensor g, Tensor loss, float clipNorm, Tensor partials, Tensor clip)
    {
        g.Device.Team.For((int)partials.Count, new NormJob(g.Host.Data, g.Count, partials.Host.Data));
        double sum = 0;
        foreach (float block in partials.HostSpan) sum += block;
        double norm = Math.Sqrt(sum);
        bool isFinite = double.IsFinite(norm) && float.IsFinite(loss.HostSpan[0]);
        clip.HostSpan[0] = (float)norm;
        clip.HostSpan[1] = !isFinite ? 0 : clipNorm > 0 ? (float)Math.Min(1, clipNorm / norm) : 1;
    }

    private readonly struct StepJob(float* w, float* v, float* g, float rate, float momentum, float decay,
        float scale) : IJob
    {
        public void Run(int begin, int end)
        {
            // Grouped as in the scalar tail, and without fused multiply–adds in either, so a parameter does not care
            // which of the two reaches it.
            int i = begin;
            for (; i <= end - V; i += V)
            {
                var velocity =
                    Vector.Load(v + i) * momentum + (Vector.Load(g + i) * scale + Vector.Load(w + i) * decay);
                velocity.Store(v + i);
                (Vector.Load(w + i) - velocity * rate).Store(w + i);
            }
            for (; i < end; i++)
            {
                v[i] = v[i] * momentum + (g[i] * scale + w[i] * decay);
                w[i] -= v[i] * rate;
            }
        }
    }

    private readonly struct NormJob(float* g, long count, float* partials) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int block = begin; block < end; block++)
            {
                long i = (long)block * BlockSize, last = Math.Min(count, i + BlockSize);
                Vector<double> low = Vector<double>.Zero, high = Vector<double>.Zero;
                for (; i <= last - V; i += V)
                {
                    Vector.Widen(Vector.Load(g + i), out var a, out var b);
                    low += a * a;
                    high += b * b;
                }
                double sum = Vector.Sum(low + high);
                for (; i < last; i++) sum += (double)g[i] * g[i];
                partials[block] = (float)sum;
            }
        }
    }
}
