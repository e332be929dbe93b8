using ILGPU;
using ILGPU.Algorithms;

namespace MlffAd.Kernels;

public static partial class CosineToMean
{
    /// <summary>Threads that share a cell's dot products, or neighbouring channels of a region sum: their reads are one
    /// run of 128 bytes.</summary>
    private const int Lanes = 32;

    private const int GroupSize = 256, Groups = GroupSize / Lanes;

    internal struct MeanArgs
    {
        public GpuRows X, G;
        public Regions Map;
        public int C;
    }

    internal struct CosineArgs
    {
        public GpuRows X, G, M;
        public Regions Map;
        public int Cells, C;
    }

    internal struct WeightsArgs
    {
        public GpuRows X, G, M, Dm, Weights;
        public Regions Map;
        public int Cells, C;
    }

    internal struct ShareArgs
    {
        public GpuRows X, G, M, Upstream, Dm, Weights, Share;
        public Regions Map;
        public int C, HasUpstream;
    }

    internal struct SpreadArgs
    {
        public GpuRows X, G, Weights, Share, Dx;
        public Regions Map;
        public int Cells, C, Add;
    }

    private static readonly GpuKernel<MeanArgs> MeanLauncher =
        new("quantization.cosine.mean", MeanBody, GroupSize, GroupSize * sizeof(float));

    private static readonly GpuKernel<CosineArgs> CosineLauncher =
        new("quantization.cosine", CosineBody, GroupSize, GroupSize * sizeof(float));

    private static readonly GpuKernel<WeightsArgs> WeightsLauncher =
        new("quantization.cosine.weights", WeightsBody, GroupSize, GroupSize * sizeof(float));

    private static readonly GpuKernel<ShareArgs> ShareLauncher =
        new("quantization.cosine.share", ShareBody, GroupSize, GroupSize * sizeof(float));

    private static readonly GpuKernel<SpreadArgs> SpreadLauncher =
        new("quantization.cosine.spread", SpreadBody, GroupSize);

    static partial void ForwardGpu(Tensor x, Tensor g, Tensor m, Regions regions)
    {
        MeanLauncher.Launch(x.Device, RegionsByLanes(g), new MeanArgs
        {
            X = x.Gpu,
            G = g.Gpu,
            Map = regions,
            C = x.C,
        });
        CosineLauncher.Launch(x.Device, (m.Rows + Groups - 1) / Groups, new CosineArgs
        {
            X = x.Gpu,
            G = g.Gpu,
            M = m.Gpu,
            Map = regions,
            Cells = m.Rows,
            C = x.C,
        });
    }

    static partial void GradientGpu(in GradientMaps maps, Tensor weights, Tensor share, Regions regions)
    {
        var (x, g, m) = (maps.X, maps.G, maps.M);
        WeightsLauncher.Launch(x.Device, (m.Rows + Groups - 1) / Groups, new WeightsArgs
        {
            X = x.Gpu,
            G = g.Gpu,
            M = m.Gpu,
            Dm = maps.Dm.Gpu,
            Weights = weights.Gpu,
            Map = regions,
            Cells = m.Rows,
            C = x.C,
        });
        ShareLauncher.Launch(x.Device, RegionsByLanes(g), new ShareArgs
        {
            X = x.Gpu,
            G = g.Gpu,
            M = m.Gpu,
            Upstream = maps.Dg?.Gpu ?? default,
            Dm = maps.Dm.Gpu,
            Weights = weights.Gpu,
            Share = share.Gpu,
            Map = regions,
            C = x.C,
            HasUpstream = maps.Dg is null ? 0 : 1,
        });
        SpreadLauncher.LaunchItems(x.Device, x.Count, new SpreadArgs
        {
            X = x.Gpu,
            G = g.Gpu,
            Weights = weights.Gpu,
            Share = share.Gpu,
            Dx = maps.Dx.Gpu,
            Map = regions,
            Cells = m.Rows,
            C = x.C,
            Add = maps.Add ? 1 : 0,
        });
    }

    /// <summary>A group for each region and 32 channels.</summary>
    private static Index3D RegionsByLanes(Tensor g) => new(g.Rows, (g.C + Lanes - 1) / Lanes, 1);

    /// <summary>The map's row of a cell counted through regions.</summary>
    private static int RowOf(Regions map, int cell) =>
        map.Row(cell / map.Cells, cell % map.Cells / map.Side) + cell % map.Side;

    /// <summary>Σ x over a region's cells, or Σ weight·x, for the channel of this thread's lane. The group's rows of
    /// lanes take every eighth cell each; all threads get their lane's sum.</summary>
    private static float RegionSum(ArrayView<float> shared, in GpuRows x, in Regions map, int region, int c,
        int channels, in GpuRows weights, bool weighted)
    {
        float sum = 0;
        int last = (region + 1) * map.Cells;
        for (int cell = region * map.Cells + Group.IdxX / Lanes; c < channels && cell < last; cell += Groups)
        {
            float value = x[RowOf(map, cell), c];
            sum += weighted ? weights[cell, 0] * value : value;
        }
        return GroupReduce.SumOfColumn(shared, Lanes, sum);
    }

    /// <summary>A group does a region and 32 channels.</summary>
    private static void MeanBody(MeanArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int t = Group.IdxX, region = Grid.IdxX, c = Grid.IdxY * Lanes + t % Lanes;
        float sum = RegionSum(shared, p.X, p.Map, region, c, p.C, default, weighted: false);
        if (t < Lanes && c < p.C) p.G[region, c] = sum / p.Map.Cells;
    }

    /// <summary>‖g‖, g·x and ‖x‖ of the cell that this thread's 32 lanes do, the norms clipped.</summary>
    private static void Products(in GpuRows x, in GpuRows g, in Regions map, int cell, int cells, int channels,
        out float normG, out float product, out float normX)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        float gg = 0, gx = 0, xx = 0;
        if (cell < cells)
        {
            int region = cell / map.Cells, row = RowOf(map, cell);
            for (int c = Group.IdxX % Lanes; c < channels; c += Lanes)
            {
                float gc = g[region, c], xc = x[row, c];
                gg += gc * gc;
                gx += gc * xc;
                xx += xc * xc;
            }
        }
        normG = Clipped(GroupReduce.SumOfLanes(shared, Lanes, gg));
        product = GroupReduce.SumOfLanes(shared, Lanes, gx);
        normX = Clipped(GroupReduce.SumOfLanes(shared, Lanes, xx));
    }

    /// <summary>A group does eight cells, 32 lanes each.</summary>
    private static void CosineBody(CosineArgs p)
    {
        int t = Group.IdxX, cell = Grid.IdxX * Groups + t / Lanes;
        Products(p.X, p.G, p.Map, cell, p.Cells, p.C, out float gg, out float gx, out float xx);
        if (t % Lanes == 0 && cell < p.Cells) p.M[cell, 0] = gx / (gg * xx);
    }

    /// <summary>α_i and β_i: a group does eight cells, 32 lanes each.</summary>
    private static void WeightsBody(WeightsArgs p)
    {
        int t = Group.IdxX, cell = Grid.IdxX * Groups + t / Lanes;
        Products(p.X, p.G, p.Map, cell, p.Cells, p.C, out float gg, out _, out float xx);
        if (t % Lanes != 0 || cell >= p.Cells) return;
        float dm = p.Dm[cell, 0];
        p.Weights[cell, 0] = dm / (gg * xx);
        p.Weights[cell, 1] = xx > Epsilon ? -dm * p.M[cell, 0] / (xx * xx) : 0;
    }

    /// <summary>dg'/h²: a group does a region and 32 channels.</summary>
    private static void ShareBody(ShareArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int t = Group.IdxX, region = Grid.IdxX, c = Grid.IdxY * Lanes + t % Lanes;
        float gg = 0, gamma = 0;
        for (int k = t; k < p.C; k += GroupSize) gg += p.G[region, k] * p.G[region, k];
        for (int cell = region * p.Map.Cells + t; cell < (region + 1) * p.Map.Cells; cell += GroupSize)
            gamma += p.Dm[cell, 0] * p.M[cell, 0];
        gg = Clipped(GroupReduce.Sum(shared, gg));
        gamma = GroupReduce.Sum(shared, gamma);
        float sum = RegionSum(shared, p.X, p.Map, region, c, p.C, p.Weights, weighted: true);
        if (t >= Lanes || c >= p.C) return;
        if (gg > Epsilon) sum -= gamma / (gg * gg) * p.G[region, c];
        if (p.HasUpstream != 0) sum += p.Upstream[region, c];
        p.Share[region, c] = sum / p.Map.Cells;
    }

    /// <summary>dx: a thread does one element, neighbours neighbouring channels.</summary>
    private static void SpreadBody(SpreadArgs p)
    {
        int i = Grid.GlobalIndex.X, cell = i / p.C, c = i % p.C;
        if (cell >= p.Cells) return;
        int region = cell / p.Map.Cells, row = RowOf(p.Map, cell);
        float dx = p.Weights[cell, 0] * p.G[region, c] + p.Weights[cell, 1] * p.X[row, c] + p.Share[region, c];
        p.Dx[row, c] = p.Add != 0 ? p.Dx[row, c] + dx : dx;
    }

    /// <summary>max(√squares, 1e-12); exactly 1e-12 where it clips.</summary>
    private static float Clipped(float squares)
    {
        float norm = XMath.Sqrt(squares);
        return norm < Epsilon ? Epsilon : norm;
    }
}
