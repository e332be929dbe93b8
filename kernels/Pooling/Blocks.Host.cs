using System.Numerics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

internal static unsafe partial class Blocks
{
    /// <summary>Channels summed at a time: their accumulators stay on the stack.</summary>
    private const int Chunk = 256;

    private static void SumHost(Tensor fine, Tensor coarse, float scale, bool add) =>
        coarse.Device.Team.For(coarse.Rows, new SumJob(fine: fine.Host, fs: fine.Shape, coarse: coarse.Host,
            cs: coarse.Shape, scale: scale, add: add), fine.Count / coarse.Rows);

    private static void SpreadHost(Tensor coarse, Tensor fine, float scale, bool add) =>
        fine.Device.Team.For(fine.Rows, new SpreadJob(coarse: coarse.Host, cs: coarse.Shape, fine: fine.Host,
            fs: fine.Shape, scale: scale, add: add), fine.C);

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
                        for (int b = 0; b < bw; b++)
                            Scale(fine.Row(corner + a * fs.W + b) + first, 1, line, n, add: true);
                        Scale(line, 1, total, n, add: true);
                    }
                    Scale(total, scale, coarse.Row(r) + first, n, add);
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
                Scale(x, scale, y, fs.C, add);
            }
        }
    }
}
