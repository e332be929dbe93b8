using ILGPU;

namespace MlffAd.Kernels;

/// <summary>Earlier versions of the GPU's co-occurrence, one idea a rung.</summary>
/// <remarks>Version 0 is the paper's formula: it writes the map E of every cell's code at every level, then multiplies
/// its columns for every pair of levels; range, sums and quotients are launches of their own. Version 1 drops the map:
/// a thread computes a cell's codes on the fly. Version 2 (<see cref="ForwardBody"/>) is one launch, a group per
/// region: which levels see which cell is computed once, in shared memory, so that four comparisons skip most
/// pairs.</remarks>
public static partial class QuantizeCount2D
{
    /// <summary>Operands of a rung, as of <see cref="Forward"/>; version 0 also writes <paramref name="Codes"/>, a row
    /// of levels per cell.</summary>
    internal sealed record LadderOperands(Tensor M, int Regions, Quantization Q, Tensor Codes, Tensor Range,
        Tensor Rows);

    /// <summary>The rungs, lowest first.</summary>
    internal static readonly (string Name, Action<LadderOperands> Run)[] ForwardLadder =
    [
        ("0: a map of all codes", t => InSteps(t, dense: true)),
            ("1: codes where they are needed", t => InSteps(t, dense: false)),
                ("2: a group a region", t => Forward(t.M, t.Regions, t.Q, t.Range, t.Rows)),
    ];

    internal readonly record struct StepArgs(GpuRows M, GpuRows Codes, GpuRows Range, GpuRows Rows, Quantization Q,
        int Side, int Regions);

    private static readonly GpuKernel<StepArgs> RangeLauncher = new("quantization.range", RangeBody, GroupSize,
        2 * GroupSize * sizeof(float));
    private static readonly GpuKernel<StepArgs> CodesLauncher = new("quantization.codes", CodesBody);

    private static readonly GpuKernel<StepArgs> MapPairsLauncher = new("quantization.pairs.map", MapPairsBody);
    private static readonly GpuKernel<StepArgs> PairsLauncher = new("quantization.pairs", PairsBody);

    private static readonly GpuKernel<StepArgs> ShareLauncher = new("quantization.share", ShareBody, GroupSize,
        GroupSize * sizeof(float));

    private static void InSteps(LadderOperands t, bool dense)
    {
        int side = Check("quantization.count2d", t.M, t.Regions, t.Q, t.Range, t.Rows);
        StepArgs p = new(M: t.M.Gpu, Codes: t.Codes.Gpu, Range: t.Range.Gpu, Rows: t.Rows.Gpu, Q: t.Q, Side: side,
            Regions: t.Range.Rows);
        RangeLauncher.Launch(t.M.Device, p.Regions, p);
        if (dense) CodesLauncher.LaunchItems(t.M.Device, t.M.Count * t.Q.Levels, p);
        (dense ? MapPairsLauncher : PairsLauncher).LaunchItems(t.M.Device, t.Rows.Rows, p);
        ShareLauncher.Launch(t.M.Device, p.Regions, p);
    }

    private static void RangeBody(StepArgs p)
    {
        var values = SharedMemory.Allocate<float>(GroupSize);
        var places = SharedMemory.Allocate<int>(GroupSize);
        GroupRange.Find(p.M, p.Range, Grid.IdxX, p.Side * p.Side, p.Q, values, places);
    }

    /// <summary>One thread per cell and level.</summary>
    private static void CodesBody(StepArgs p)
    {
        int i = Grid.GlobalIndex.X, n = i % p.Q.Levels, cell = i / p.Q.Levels, region = cell / (p.Side * p.Side);
        if (region >= p.Regions) return;
        p.Codes[cell, n] = Code(new Levels(p.Q, p.Range[region, 0], p.Range[region, 1]), n, p.M[cell, 0]);
    }

    private static float Code(in Levels levels, int n, float m)
    {
        float d = levels.Level(n) - m;
        return n >= levels.First(m) && n <= levels.Last(m) && levels.Sees(d) ? Levels.Code(d) : 0;
    }

    /// <summary>One thread per pair of levels.</summary>
    private static void MapPairsBody(StepArgs p)
    {
        int i = Grid.GlobalIndex.X, pairs = p.Q.Levels * p.Q.Levels, region = i / pairs;
        int a = i % pairs / p.Q.Levels, b = i % p.Q.Levels;
        if (region >= p.Regions) return;
        float count = 0;
        for (int y = 0; y < p.Side - 1; y++)
            for (int x = 0; x < p.Side - 1; x++)
            {
                int cell = (region * p.Side + y) * p.Side + x;
                count += p.Codes[cell, a] * p.Codes[cell + p.Side + 1, b];
            }
        Write(p, i, region, a, b, count);
    }

    private static void PairsBody(StepArgs p)
    {
        int i = Grid.GlobalIndex.X, pairs = p.Q.Levels * p.Q.Levels, region = i / pairs;
        int a = i % pairs / p.Q.Levels, b = i % p.Q.Levels;
        if (region >= p.Regions) return;
        var levels = new Levels(p.Q, p.Range[region, 0], p.Range[region, 1]);
        float count = 0;
        for (int y = 0; y < p.Side - 1; y++)
            for (int x = 0; x < p.Side - 1; x++)
            {
                int cell = (region * p.Side + y) * p.Side + x;
                count += Code(levels, a, p.M[cell, 0]) * Code(levels, b, p.M[cell + p.Side + 1, 0]);
            }
        Write(p, i, region, a, b, count);
    }

    private static void Write(in StepArgs p, int row, int region, int a, int b, float count)
    {
        var levels = new Levels(p.Q, p.Range[region, 0], p.Range[region, 1]);
        p.Rows[row, 0] = levels.Level(a);
        p.Rows[row, 1] = levels.Level(b);
        p.Rows[row, 2] = count;
    }

    /// <summary>Divides counts by their region's sum; one group per region.</summary>
    private static void ShareBody(StepArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int pairs = p.Q.Levels * p.Q.Levels, first = Grid.IdxX * pairs;
        float total = 0;
        for (int pair = Group.IdxX; pair < pairs; pair += GroupSize) total += p.Rows[first + pair, 2];
        total = GroupReduce.Sum(shared, total);
        for (int pair = Group.IdxX; pair < pairs; pair += GroupSize)
            p.Rows[first + pair, 2] /= total + QuantizeCount1D.Epsilon;
    }
}
