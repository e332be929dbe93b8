using ILGPU;

namespace MlffAd.Kernels;

public static partial class LevelsToPixels
{
    private const int GroupSize = 256, Lanes = 32, Groups = GroupSize / Lanes;

    internal readonly record struct PixelsArgs(GpuRows M, GpuRows Range, GpuRows D, GpuRows T, GpuRows Paths,
        GpuRows Dd, GpuRows Dm, Quantization Q, int Rows, int Cells, int C, int AddD, int AddM);

    private static readonly GpuKernel<PixelsArgs> ForwardLauncher = new("quantization.pixels", ForwardBody, GroupSize),
        LevelLauncher = new("quantization.pixels.levels", LevelBody, GroupSize, GroupSize * sizeof(float)),
        PathLauncher = new("quantization.pixels.paths", PathBody, GroupSize, GroupSize * sizeof(float)),
        RangeLauncher = new("quantization.pixels.range", RangeBody, GroupSize, GroupSize * sizeof(float));

    static partial void ForwardGpu(Tensor m, Quantization q, Tensor range, Tensor d, Tensor t) =>
        ForwardLauncher.LaunchItems(m.Device, t.Count, new PixelsArgs(M: m.Gpu, Range: range.Gpu, D: d.Gpu, T: t.Gpu,
            Paths: m.Gpu, Dd: d.Gpu, Dm: m.Gpu, Q: q, Rows: m.Rows, Cells: m.Shape.Area, C: t.C, AddD: 0, AddM: 0));

    static partial void GradientGpu(Tensor m, Quantization q, Tensor range, Tensor d, Tensor dt, Tensor paths,
        GradientTo dd, GradientTo dm)
    {
        var args = new PixelsArgs(M: m.Gpu, Range: range.Gpu, D: d.Gpu, T: dt.Gpu, Paths: paths.Gpu,
            Dd: dd.Tensor.Gpu, Dm: dm.Tensor.Gpu, Q: q, Rows: m.Rows, Cells: m.Shape.Area, C: d.C,
            AddD: dd.Add ? 1 : 0, AddM: dm.Add ? 1 : 0);
        LevelLauncher.Launch(m.Device, new Index3D(d.Rows, (d.C + GroupSize - 1) / GroupSize, 1), args);
        PathLauncher.Launch(m.Device, (m.Rows + Groups - 1) / Groups, args);
        RangeLauncher.Launch(m.Device, m.Shape.N, args);
    }

    private static Levels LevelsOf(PixelsArgs p, int image) => new(p.Q, p.Range[image, 0], p.Range[image, 1]);

    /// <summary>t: one thread per element, row-major.</summary>
    private static void ForwardBody(PixelsArgs p)
    {
        int index = Grid.GlobalIndex.X, i = index / p.C, c = index % p.C;
        if (i >= p.Rows) return;
        var levels = LevelsOf(p, i / p.Cells);
        float v = p.M[i, 0], sum = 0;
        int last = levels.Last(v);
        for (int n = levels.First(v); n <= last; n++)
        {
            float d = levels.Level(n) - v;
            if (levels.Sees(d)) sum += Levels.Code(d) * p.D[i / p.Cells * levels.Count + n, c];
        }
        p.T[i, c] = sum;
    }

    /// <summary>dd: one group per level and 256 channels. Its threads compute the codes of 256 positions at a time,
    /// then each sums its channel over the few that are not 0, in order.</summary>
    private static void LevelBody(PixelsArgs p)
    {
        var codes = SharedMemory.Allocate<float>(GroupSize);
        int t = Group.IdxX, row = Grid.IdxX, image = row / p.Q.Levels, n = row % p.Q.Levels;
        int c = Grid.IdxY * GroupSize + t;
        var levels = LevelsOf(p, image);
        float sum = 0;
        for (int start = 0; start < p.Cells; start += GroupSize)
        {
            int size = p.Cells - start < GroupSize ? p.Cells - start : GroupSize, first = image * p.Cells + start;
            float part = 0;
            if (t < size)
            {
                float v = p.M[first + t, 0], d = levels.Level(n) - v;
                codes[t] = n >= levels.First(v) && n <= levels.Last(v) && levels.Sees(d) ? Levels.Code(d) : 0;
            }
            Group.Barrier();
            if (c < p.C)
                for (int i = 0; i < size; i++)
                    if (codes[i] != 0) part += codes[i] * p.T[first + i, c];
            sum += part;
            Group.Barrier();
        }
        if (c < p.C) p.Dd[row, c] = p.AddD != 0 ? p.Dd[row, c] + sum : sum;
    }

    /// <summary>A_i and W_i: eight positions per group, 32 lanes each. Both are linear in the products, so each lane
    /// accumulates over levels before the one reduction.</summary>
    private static void PathBody(PixelsArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int t = Group.IdxX, i = Grid.IdxX * Groups + t / Lanes;
        float a = 0, w = 0;
        if (i < p.Rows)
        {
            var levels = LevelsOf(p, i / p.Cells);
            float v = p.M[i, 0];
            int last = levels.Last(v);
            for (int n = levels.First(v); n <= last; n++)
            {
                float d = levels.Level(n) - v, part = 0;
                if (!levels.Sees(d)) continue;
                for (int c = t % Lanes; c < p.C; c += Lanes) part += p.T[i, c] * p.D[i / p.Cells * levels.Count + n, c];
                part = Levels.ToSimilarity(d, part);
                a += part;
                w += levels.Weight(n) * part;
            }
        }
        a = GroupReduce.SumOfLanes(shared, Lanes, a);
        w = GroupReduce.SumOfLanes(shared, Lanes, w);
        if (t % Lanes != 0 || i >= p.Rows) return;
        p.Paths[i, 0] = a;
        p.Paths[i, 1] = w;
    }

    /// <summary>dm: one group per image.</summary>
    private static void RangeBody(PixelsArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int image = Grid.IdxX;
        float dLo = 0, dHi = 0;
        for (int i = Group.IdxX; i < p.Cells; i += GroupSize)
        {
            int row = image * p.Cells + i;
            float a = p.Paths[row, 0], w = p.Paths[row, 1];
            dLo -= a - w;
            dHi -= w;
            p.Dm[row, 0] = p.AddM != 0 ? p.Dm[row, 0] + a : a;
        }
        GroupRange.Spread(p.Range, image, p.Cells, GroupReduce.Sum(shared, dLo), GroupReduce.Sum(shared, dHi), p.Dm);
    }
}
