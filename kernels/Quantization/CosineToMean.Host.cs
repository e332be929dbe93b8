using System.Numerics;

namespace MlffAd.Kernels;

public static unsafe partial class CosineToMean
{
    /// <summary>Channels per item of a region sum: a few cache lines per cell, and enough items for a single
    /// region.</summary>
    private const int Block = 64;

    private static void ForwardHost(Tensor x, Tensor g, Tensor m, Regions regions)
    {
        var team = x.Device.Team;
        int rows = g.Rows * regions.Side, blocks = (x.C + Block - 1) / Block;
        team.For(g.Rows * blocks, new MeanJob(x.Host, g.Host, x.C, regions), regions.Cells * Block / 2);
        team.For(rows, new CosineJob(x.Host, g.Host, m.Host, x.C, regions), 2 * regions.Side * x.C);
    }

    private static void GradientHost(in GradientMaps maps, Tensor weights, Tensor share, Regions regions)
    {
        var team = maps.X.Device.Team;
        HostRows x = maps.X.Host, g = maps.G.Host, m = maps.M.Host, dm = maps.Dm.Host;
        int channels = maps.X.C, rows = maps.G.Rows * regions.Side, blocks = (channels + Block - 1) / Block;
        team.For(rows, new WeightsJob(x: x, g: g, m: m, dm: dm, weights: weights.Host, channels: channels,
            map: regions), regions.Side * channels);
        team.For(maps.G.Rows * blocks, new ShareJob(x: x, g: g, m: m, dg: (maps.Dg ?? maps.G).Host,
            hasUpstream: maps.Dg is not null, dm: dm, weights: weights.Host, share: share.Host, channels: channels,
            map: regions), regions.Cells * Block);
        team.For(rows, new SpreadJob(x: x, g: g, weights: weights.Host, share: share.Host, dx: maps.Dx.Host,
            channels: channels, map: regions, add: maps.Add), 2 * regions.Side * channels);
    }

    private static float Norm(float* v, int count) => MathF.Sqrt(VectorRows.Dot(v, v, count));

    /// <summary>Weight of a cell in a sum over its region.</summary>
    private interface IWeight
    {
        float Of(int cell);
    }

    private readonly struct Unit : IWeight
    {
        public float Of(int cell) => 1;
    }

    /// <summary>α_i.</summary>
    private readonly struct Alpha(HostRows weights) : IWeight
    {
        public float Of(int cell) => weights[cell, 0];
    }

    /// <summary>Σ over a region's cells of weight·x for one vector of channels, or one channel: each row of cells
    /// first, then the rows, so that no sum has more than h terms.</summary>
    private static Vector<float> Sum<TWeight>(HostRows x, TWeight weight, Regions map, int region, int c)
        where TWeight : struct, IWeight
    {
        Vector<float> sum = default;
        for (int y = 0, cell = region * map.Cells; y < map.Side; y++)
        {
            Vector<float> line = default;
            int row = map.Row(region, y);
            for (int i = 0; i < map.Side; i++, cell++) line += Vector.Load(x.Row(row + i) + c) * weight.Of(cell);
            sum += line;
        }
        return sum;
    }

    private static float SumOne<TWeight>(HostRows x, TWeight weight, Regions map, int region, int c)
        where TWeight : struct, IWeight
    {
        float sum = 0;
        for (int y = 0, cell = region * map.Cells; y < map.Side; y++)
        {
            float line = 0;
            int row = map.Row(region, y);
            for (int i = 0; i < map.Side; i++, cell++) line += x[row + i, c] * weight.Of(cell);
            sum += line;
        }
        return sum;
    }

    /// <summary>Item: a region and a block of channels.</summary>
    private readonly struct MeanJob(HostRows x, HostRows g, int channels, Regions map) : IJob
    {
        public void Run(int begin, int end)
        {
            int blocks = (channels + Block - 1) / Block;
            for (int item = begin; item < end; item++)
            {
                int region = item / blocks, c = item % blocks * Block, stop = Math.Min(c + Block, channels);
                for (; c <= stop - Vector<float>.Count; c += Vector<float>.Count)
                    (Sum(x, new Unit(), map, region, c) / map.Cells).Store(g.Row(region) + c);
                for (; c < stop; c++) g[region, c] = SumOne(x, new Unit(), map, region, c) / map.Cells;
            }
        }
    }

    /// <summary>Item: a row of a region's cells.</summary>
    private readonly struct CosineJob(HostRows x, HostRows g, HostRows m, int channels, Regions map) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int item = begin; item < end; item++)
            {
                int region = item / map.Side, row = map.Row(region, item % map.Side);
                float* mean = g.Row(region);
                float length = Math.Max(Norm(mean, channels), Epsilon);
                for (int i = 0; i < map.Side; i++)
                {
                    float* v = x.Row(row + i);
                    m[item * map.Side + i, 0] =
                        VectorRows.Dot(mean, v, channels) / (length * Math.Max(Norm(v, channels), Epsilon));
                }
            }
        }
    }

    /// <summary>α_i and β_i. Item: a row of a region's cells.</summary>
    private readonly struct WeightsJob(HostRows x, HostRows g, HostRows m, HostRows dm, HostRows weights, int channels,
        Regions map) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int item = begin; item < end; item++)
            {
                int region = item / map.Side, row = map.Row(region, item % map.Side);
                float length = Math.Max(Norm(g.Row(region), channels), Epsilon);
                for (int i = 0; i < map.Side; i++)
                {
                    int cell = item * map.Side + i;
                    float norm = Norm(x.Row(row + i), channels), clipped = Math.Max(norm, Epsilon);
                    weights[cell, 0] = dm[cell, 0] / (length * clipped);
                    weights[cell, 1] = norm > Epsilon ? -dm[cell, 0] * m[cell, 0] / (clipped * clipped) : 0;
                }
            }
        }
    }

    /// <summary>dg'/h². Item: a region and a block of channels.</summary>
    private readonly struct ShareJob(HostRows x, HostRows g, HostRows m, HostRows dg, bool hasUpstream, HostRows dm,
        HostRows weights, HostRows share, int channels, Regions map) : IJob
    {
        public void Run(int begin, int end)
        {
            int blocks = (channels + Block - 1) / Block;
            for (int item = begin; item < end; item++)
            {
                int region = item / blocks, c = item % blocks * Block, stop = Math.Min(c + Block, channels);
                float gamma = Gamma(region);
                float* mean = g.Row(region), upstream = dg.Row(region), to = share.Row(region);
                for (; c <= stop - Vector<float>.Count; c += Vector<float>.Count)
                {
                    var sum = Sum(x, new Alpha(weights), map, region, c) - Vector.Load(mean + c) * gamma;
                    if (hasUpstream) sum += Vector.Load(upstream + c);
                    (sum / map.Cells).Store(to + c);
                }
                for (; c < stop; c++)
                {
                    float sum = SumOne(x, new Alpha(weights), map, region, c) - mean[c] * gamma;
                    to[c] = (hasUpstream ? sum + upstream[c] : sum) / map.Cells;
                }
            }
        }

        private float Gamma(int region)
        {
            float norm = Norm(g.Row(region), channels);
            if (!(norm > Epsilon)) return 0;
            double sum = 0;
            for (int cell = region * map.Cells; cell < (region + 1) * map.Cells; cell++)
                sum += (double)dm[cell, 0] * m[cell, 0];
            return (float)(sum / ((double)norm * norm));
        }
    }

    /// <summary>dx_i = α_i g + β_i x_i + dg'/h². Item: a row of a region's cells.</summary>
    private readonly struct SpreadJob(HostRows x, HostRows g, HostRows weights, HostRows share, HostRows dx,
        int channels, Regions map, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int item = begin; item < end; item++)
            {
                int region = item / map.Side, row = map.Row(region, item % map.Side);
                float* mean = g.Row(region), part = share.Row(region);
                for (int i = 0; i < map.Side; i++)
                {
                    float alpha = weights[item * map.Side + i, 0], beta = weights[item * map.Side + i, 1];
                    float* v = x.Row(row + i), to = dx.Row(row + i);
                    int c = 0;
                    for (; c <= channels - Vector<float>.Count; c += Vector<float>.Count)
                    {
                        var sum = Vector.Load(mean + c) * alpha + Vector.Load(v + c) * beta + Vector.Load(part + c);
                        (add ? Vector.Load(to + c) + sum : sum).Store(to + c);
                    }
                    for (; c < channels; c++)
                    {
                        float sum = mean[c] * alpha + v[c] * beta + part[c];
                        to[c] = add ? to[c] + sum : sum;
                    }
                }
            }
        }
    }
}
