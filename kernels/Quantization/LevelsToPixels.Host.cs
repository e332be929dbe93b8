using System.Buffers;

namespace MlffAd.Kernels;

public static unsafe partial class LevelsToPixels
{
    /// <summary>Channels per item of the sum over positions.</summary>
    private const int Block = 128;

    /// <summary>Positions per partial sum, which limits the terms of a sum.</summary>
    private const int Terms = 4096;

    private static void ForwardHost(Tensor m, Quantization q, Tensor range, Tensor d, Tensor t) =>
        m.Device.Team.For(m.Rows, new ForwardJob(m: m.Host, range: range.Host, d: d.Host, t: t.Host,
            cells: m.Shape.Area, channels: t.C, q: q), t.C);

    private static void GradientHost(Tensor m, Quantization q, Tensor range, Tensor d, Tensor dt, Tensor paths,
        GradientTo dd, GradientTo dm)
    {
        var team = m.Device.Team;
        int cells = m.Shape.Area;
        team.For(m.Shape.N * ((d.C + Block - 1) / Block), new LevelJob(m: m.Host, range: range.Host, dt: dt.Host,
            dd: dd.Tensor.Host, cells: cells, channels: d.C, q: q, add: dd.Add));
        team.For(m.Rows, new PathJob(m: m.Host, range: range.Host, d: d.Host, dt: dt.Host, paths: paths.Host,
            cells: cells, channels: d.C, q: q), d.C);
        team.For(m.Shape.N, new RangeJob(range.Host, paths.Host, dm.Tensor.Host, cells, dm.Add), cells);
    }

    /// <summary>Item: a position.</summary>
    private readonly struct ForwardJob(HostRows m, HostRows range, HostRows d, HostRows t, int cells, int channels,
        Quantization q) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                int image = i / cells;
                var levels = HostRange.Levels(range, image, q);
                float v = m[i, 0];
                bool seen = false;
                for (int n = levels.First(v), last = levels.Last(v); n <= last; n++)
                {
                    float distance = levels.Level(n) - v;
                    if (!levels.Sees(distance)) continue;
                    VectorRows.Scale(d.Row(image * q.Levels + n), Levels.Code(distance), t.Row(i), channels, seen);
                    seen = true;
                }
                if (!seen) new Span<float>(t.Row(i), channels).Clear();
            }
        }
    }

    /// <summary>dd. Item: an image and a block of channels; walks the positions and adds each to its levels.</summary>
    private readonly struct LevelJob(HostRows m, HostRows range, HostRows dt, HostRows dd, int cells, int channels,
        Quantization q, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            int blocks = (channels + Block - 1) / Block;
            float[] rented = ArrayPool<float>.Shared.Rent(q.Levels * Block);
            fixed (float* sums = rented)
            {
                for (int item = begin; item < end; item++)
                {
                    int image = item / blocks, c = item % blocks * Block, width = Math.Min(Block, channels - c);
                    var levels = HostRange.Levels(range, image, q);
                    for (int start = 0; start < cells; start += Terms)
                    {
                        new Span<float>(sums, q.Levels * Block).Clear();
                        for (int i = image * cells + start, stop = image * cells + Math.Min(start + Terms, cells);
                            i < stop; i++)
                        {
                            float v = m[i, 0];
                            for (int n = levels.First(v), last = levels.Last(v); n <= last; n++)
                            {
                                float d = levels.Level(n) - v;
                                if (levels.Sees(d))
                                    VectorRows.Scale(dt.Row(i) + c, Levels.Code(d), sums + n * Block, width, add: true);
                            }
                        }
                        for (int n = 0; n < q.Levels; n++)
                            VectorRows.Scale(sums + n * Block, 1, dd.Row(image * q.Levels + n) + c, width, add
                                || start > 0);
                    }
                }
            }
            ArrayPool<float>.Shared.Return(rented);
        }
    }

    /// <summary>A_i and W_i. Item: a position.</summary>
    private readonly struct PathJob(HostRows m, HostRows range, HostRows d, HostRows dt, HostRows paths, int cells,
        int channels, Quantization q) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                int image = i / cells;
                var levels = HostRange.Levels(range, image, q);
                float v = m[i, 0], a = 0, w = 0;
                for (int n = levels.First(v), last = levels.Last(v); n <= last; n++)
                {
                    float distance = levels.Level(n) - v;
                    if (!levels.Sees(distance)) continue;
                    float part =
                        Levels.ToSimilarity(distance, VectorRows.Dot(dt.Row(i), d.Row(image * q.Levels + n), channels));
                    a += part;
                    w += levels.Weight(n) * part;
                }
                (paths[i, 0], paths[i, 1]) = (a, w);
            }
        }
    }

    /// <summary>dm. Item: an image.</summary>
    private readonly struct RangeJob(HostRows range, HostRows paths, HostRows dm, int cells, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int image = begin; image < end; image++)
            {
                double dLo = 0, dHi = 0;
                for (int i = image * cells; i < (image + 1) * cells; i++)
                {
                    float a = paths[i, 0], w = paths[i, 1];
                    dLo -= a - w;
                    dHi -= w;
                    dm[i, 0] = add ? dm[i, 0] + a : a;
                }
                HostRange.Spread(range, image, cells, dLo, dHi, dm);
            }
        }
    }
}
