using System.Numerics;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

internal static unsafe partial class Blocks
{
    /// <summary>Elements worth a thread of their own.</summary>
    private const int Grain = 8192;

    /// <summary>Channels summed at a time: their accumulators stay on the stack.</summary>
    private const int Chunk = 256;

    private static int V => Vector<float>.Count;

    private static void SumHost(Tensor fine, Tensor coarse, float scale, bool add) =>
        coarse.Device.Team.For(coarse.Rows, new SumJob(fine.Host, fine.Shape, coarse.Host, coarse.Shape, scale, add), (int)Math.Max(1, Grain * (long)coarse.Rows / fine.Count));

    private static void SpreadHost(Tensor coarse, Tensor fine, float scale, bool add) =>
        fine.Device.Team.For(fine.Rows, new SpreadJob(coarse.Host, coarse.Shape, fine.Host, fine.Shape, scale, add), Math.Max(1, Grain / fine.C));

    private readonly struct SumJob(HostRows fine, Shape fs, HostRows coarse, Shape cs, float scale, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            int bh = fs.H / cs.H, bw = fs.W / cs.W;
            float* line = stackalloc float[Chunk], total = stackalloc float[Chunk];
            for (int r = begin; r < end; r++)
            {
                int corner = (r / cs.W * bh * cs.W + r % cs.W) * bw;   // fine's row of the block's first position
                for (int first = 0; first < cs.C; first += Chunk)
                {
                    int n = Math.Min(Chunk, cs.C - first);
                    new Span<float>(total, n).Clear();
                    for (int a = 0; a < bh; a++)
                    {
                        new Span<float>(line, n).Clear();
                        for (int b = 0; b < bw; b++) Accumulate(fine.Row(corner + a * fs.W + b) + first, line, n, 1);
                        Accumulate(line, total, n, 1);
                    }
                    float* y = coarse.Row(r) + first;
                    if (!add) new Span<float>(y, n).Clear();
                    Accumulate(total, y, n, scale);
                }
            }
        }
    }

    private readonly struct SpreadJob(HostRows coarse, Shape cs, HostRows fine, Shape fs, float scale, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            int bh = fs.H / cs.H, bw = fs.W / cs.W;
            for (int r = begin; r < end; r++)
            {
                float* x = coarse.Row(r / fs.W / bh * cs.W + r % fs.W / bw), y = fine.Row(r);
                if (add) Accumulate(x, y, fs.C, scale);
                else Scale(x, y, fs.C, scale);
            }
        }
    }

    private static void Accumulate(float* x, float* y, int n, float scale)
    {
        int c = 0;
        for (; c <= n - V; c += V) (Vector.Load(y + c) + Vector.Load(x + c) * scale).Store(y + c);
        for (; c < n; c++) y[c] += x[c] * scale;
    }

    private static void Scale(float* x, float* y, int n, float scale)
    {
        int c = 0;
        for (; c <= n - V; c += V) (Vector.Load(x + c) * scale).Store(y + c);
        for (; c < n; c++) y[c] = x[c] * scale;
    }
}
