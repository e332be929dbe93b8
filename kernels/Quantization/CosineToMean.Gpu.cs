using ILGPU;
using ILGPU.Algorithms;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class CosineToMean
{
    /// <summary>Threads that share a cell's dot products, or neighbouring channels of a region sum: their reads are one run of 128 bytes.</summary>
    private const int Lanes = 32;

    private const int Threads = 256, Groups = Threads / Lanes;

    internal readonly record struct CosineArgs(GpuRows X, GpuRows G, GpuRows M, GpuRows Upstream, GpuRows Dm, GpuRows Weights, GpuRows Share, GpuRows Dx,
        Regions Map, int Cells, int C, int HasUpstream, int Add);

    private static readonly GpuKernel<CosineArgs>
        MeanLauncher = new("quantization.cosine.mean", MeanBody, Threads, Threads * sizeof(float)),
        CosineLauncher = new("quantization.cosine", CosineBody, Threads, Threads * sizeof(float)),
        WeightsLauncher = new("quantization.cosine.weights", WeightsBody, Threads, Threads * sizeof(float)),
        ShareLauncher = new("quantization.cosine.share", ShareBody, Threads, Threads * sizeof(float)),
        SpreadLauncher = new("quantization.cosine.spread", SpreadBody, Threads);

    static partial void ForwardGpu(Tensor x, Tensor g, Tensor m, Regions regions)
    {
        var args = new CosineArgs(x.Gpu, g.Gpu, m.Gpu, g.Gpu, m.Gpu, m.Gpu, g.Gpu, x.Gpu, regions, m.Rows, x.C, 0, 0);
        MeanLauncher.Launch(x.Device, new Index3D(g.Rows, (x.C + Lanes - 1) / Lanes, 1), args);
        CosineLauncher.Launch(x.Device, (m.Rows + Groups - 1) / Groups, args);
    }

    static partial void GradientGpu(Tensor x, Tensor g, Tensor m, Tensor? dg, Tensor dm, Tensor weights, Tensor share, Tensor dx, Regions regions, bool add)
    {
        var args = new CosineArgs(x.Gpu, g.Gpu, m.Gpu, (dg ?? g).Gpu, dm.Gpu, weights.Gpu, share.Gpu, dx.Gpu, regions, m.Rows, x.C, dg is null ? 0 : 1, add ? 1 : 0);
        WeightsLauncher.Launch(x.Device, (m.Rows + Groups - 1) / Groups, args);
        ShareLauncher.Launch(x.Device, new Index3D(g.Rows, (x.C + Lanes - 1) / Lanes, 1), args);
        SpreadLauncher.LaunchItems(x.Device, x.Count, args);
    }

    /// <summary>The map's row of a cell counted through regions.</summary>
    private static int RowOf(Regions map, int cell) => map.Row(cell / map.Cells, cell % map.Cells / map.Side) + cell % map.Side;

    /// <summary>Σ weight·x over a region's cells for the channel of this thread's lane. The group's rows of lanes take every eighth cell each,
    /// and are summed as a tree; all threads get their lane's sum.</summary>
    private static float RegionSum(CosineArgs p, ArrayView<float> shared, int region, int c, bool weighted)
    {
        int t = Group.IdxX, lane = t % Lanes;
        float sum = 0;
        if (c < p.C)
            for (int cell = region * p.Map.Cells + t / Lanes; cell < (region + 1) * p.Map.Cells; cell += Groups)
            {
                float x = p.X[RowOf(p.Map, cell), c];
                sum += weighted ? p.Weights[cell, 0] * x : x;
            }
        shared[t] = sum;
        Group.Barrier();
        for (int step = Groups / 2; step > 0; step /= 2)
        {
            if (t / Lanes < step) shared[t] += shared[t + step * Lanes];
            Group.Barrier();
        }
        sum = shared[lane];
        Group.Barrier();
        return sum;
    }

    /// <summary>A group does a region and 32 channels.</summary>
    private static void MeanBody(CosineArgs p)
    {
        var shared = SharedMemory.Allocate<float>(Threads);
        int t = Group.IdxX, region = Grid.IdxX, c = Grid.IdxY * Lanes + t % Lanes;
        float sum = RegionSum(p, shared, region, c, weighted: false);
        if (t < Lanes && c < p.C) p.G[region, c] = sum / p.Map.Cells;
    }

    /// <summary>A group does eight cells, 32 lanes each.</summary>
    private static void CosineBody(CosineArgs p)
    {
        var shared = SharedMemory.Allocate<float>(Threads);
        int t = Group.IdxX, cell = Grid.IdxX * Groups + t / Lanes;
        float gg = 0, gx = 0, xx = 0;
        if (cell < p.Cells)
        {
            int region = cell / p.Map.Cells, row = RowOf(p.Map, cell);
            for (int c = t % Lanes; c < p.C; c += Lanes)
            {
                float g = p.G[region, c], x = p.X[row, c];
                gg += g * g;
                gx += g * x;
                xx += x * x;
            }
        }
        gg = Clipped(GroupReduce.Sum(shared, gg, Lanes));
        gx = GroupReduce.Sum(shared, gx, Lanes);
        xx = Clipped(GroupReduce.Sum(shared, xx, Lanes));
        if (t % Lanes == 0 && cell < p.Cells) p.M[cell, 0] = gx / (gg * xx);
    }

    /// <summary>α_i and β_i: a group does eight cells, 32 lanes each.</summary>
    private static void WeightsBody(CosineArgs p)
    {
        var shared = SharedMemory.Allocate<float>(Threads);
        int t = Group.IdxX, cell = Grid.IdxX * Groups + t / Lanes;
        float gg = 0, xx = 0;
        if (cell < p.Cells)
        {
            int region = cell / p.Map.Cells, row = RowOf(p.Map, cell);
            for (int c = t % Lanes; c < p.C; c += Lanes)
            {
                float g = p.G[region, c], x = p.X[row, c];
                gg += g * g;
                xx += x * x;
            }
        }
        gg = Clipped(GroupReduce.Sum(shared, gg, Lanes));
        xx = Clipped(GroupReduce.Sum(shared, xx, Lanes));
        if (t % Lanes != 0 || cell >= p.Cells) return;
        float dm = p.Dm[cell, 0];
        p.Weights[cell, 0] = dm / (gg * xx);
        p.Weights[cell, 1] = xx > Epsilon ? -dm * p.M[cell, 0] / (xx * xx) : 0;
    }

    /// <summary>dg'/h²: a group does a region and 32 channels.</summary>
    private static void ShareBody(CosineArgs p)
    {
        var shared = SharedMemory.Allocate<float>(Threads);
        int t = Group.IdxX, region = Grid.IdxX, c = Grid.IdxY * Lanes + t % Lanes;
        float gg = 0, gamma = 0;
        for (int k = t; k < p.C; k += Threads) gg += p.G[region, k] * p.G[region, k];
        for (int cell = region * p.Map.Cells + t; cell < (region + 1) * p.Map.Cells; cell += Threads) gamma += p.Dm[cell, 0] * p.M[cell, 0];
        gg = Clipped(GroupReduce.Sum(shared, gg));
        gamma = GroupReduce.Sum(shared, gamma);
        float sum = RegionSum(p, shared, region, c, weighted: true);
        if (t >= Lanes || c >= p.C) return;
        if (gg > Epsilon) sum -= gamma / (gg * gg) * p.G[region, c];
        if (p.HasUpstream != 0) sum += p.Upstream[region, c];
        p.Share[region, c] = sum / p.Map.Cells;
    }

    /// <summary>dx: a thread does one element, neighbours neighbouring channels.</summary>
    private static void SpreadBody(CosineArgs p)
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
