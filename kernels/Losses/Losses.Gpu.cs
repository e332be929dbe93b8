using ILGPU;

namespace MlffAd.Kernels;

public static partial class Losses
{
    /// <summary>Threads for a cell's or a patch's row, and for sums over the whole batch.</summary>
    private const int RowGroupSize = 64, SumGroupSize = 256;

    internal struct DistanceArgs
    {
        public GpuRows F, A;
        public int C;
    }

    internal struct DistanceGradientArgs
    {
        public GpuRows F, A, DS, DF;
        public int C, Count, Add;
    }

    internal struct PatchRowArgs
    {
        public GpuRows F, S, Labels, Slopes;
        public int N, Area, C;
        public float Temperature;
    }

    /// <summary><c>Column</c> is where the gradient's slopes begin in a row of <c>Slopes</c>.</summary>
    internal struct PatchGradientArgs
    {
        public GpuRows X, Slopes, Dx;
        public int Area, C, Column, Count;
    }

    internal struct CountArgs
    {
        public GpuRows S, Labels, Sums;
        public int Cells;
    }

    internal struct PairsArgs
    {
        public GpuRows S, Labels, Sums, Pairs;
        public int Cells, All;
        public float Lambda;
    }

    internal struct ValuesArgs
    {
        public GpuRows A, S, Labels, Pairs, Sums, Slopes, Values;
        public int Cells, Patches, Last, All;
        public float Alpha, Beta, Xi, Gamma;
    }

    internal struct ScoreGradientArgs
    {
        public GpuRows S, Labels, Pairs, Sums, DpatchS, DS;
        public int Cells, H, W, Patch, All;
        public float Beta, Xi, Gamma, Upstream;
    }

    internal struct FeatureGradientArgs
    {
        public GpuRows F, A, Labels, Sums, DpatchF, DF;
        public int Cells, H, W, C, Patch;
        public float Alpha, Xi, Upstream;
    }

    private static readonly GpuKernel<DistanceArgs> DistanceLauncher =
        new("losses.distance", DistanceBody, RowGroupSize, RowGroupSize * sizeof(float));

    private static readonly GpuKernel<DistanceGradientArgs> DistanceGradientLauncher =
        new("losses.distance.gradient", DistanceGradientBody);

    private static readonly GpuKernel<PatchRowArgs> PatchRowLauncher =
        new("losses.patches", PatchRowBody, RowGroupSize, RowGroupSize * sizeof(float));

    private static readonly GpuKernel<PatchGradientArgs> PatchGradientLauncher =
        new("losses.patches.gradient", PatchGradientBody);

    private static readonly GpuKernel<CountArgs> CountLauncher =
        new("losses.count", CountBody, SumGroupSize, SumGroupSize * sizeof(float));

    private static readonly GpuKernel<PairsArgs> PairsLauncher = new("losses.pairs", PairsBody);

    private static readonly GpuKernel<ValuesArgs> ValuesLauncher =
        new("losses.values", ValuesBody, SumGroupSize, SumGroupSize * sizeof(float));

    private static readonly GpuKernel<ScoreGradientArgs> ScoreGradientLauncher =
        new("losses.gradient.scores", ScoreGradientBody);

    private static readonly GpuKernel<FeatureGradientArgs> FeatureGradientLauncher =
        new("losses.gradient.features", FeatureGradientBody);

    static partial void DistanceGpu(Tensor F, Tensor S) =>
        DistanceLauncher.Launch(F.Device, F.Rows, new DistanceArgs { F = F.Gpu, A = S.Gpu, C = F.C });

    static partial void DistanceGradientGpu(Tensor F, Tensor A, Tensor dS, Tensor dF, bool add)
    {
        DistanceGpu(F, A);
        DistanceGradientLauncher.LaunchItems(F.Device, F.Count, new DistanceGradientArgs
        {
            F = F.Gpu,
            A = A.Gpu,
            DS = dS.Gpu,
            DF = dF.Gpu,
            C = F.C,
            Count = (int)F.Count,
            Add = add ? 1 : 0,
        });
    }

    static partial void PatchesGpu(Tensor patchF, Tensor patchS, Tensor patchLabels, Tensor slopes, LossOptions o) =>
        PatchRowLauncher.Launch(patchF.Device, patchF.Rows, new PatchRowArgs
        {
            F = patchF.Gpu,
            S = patchS.Gpu,
            Labels = patchLabels.Gpu,
            Slopes = slopes.Gpu,
            N = patchF.Shape.N,
            Area = patchF.Shape.Area,
            C = patchF.C,
            Temperature = o.Temperature,
        });

    static partial void CellsGpu(Tensor A, Tensor S, Tensor labels, Tensor slopes, LossOptions o, Tensor pairs,
        Tensor sums, Tensor values)
    {
        int all = o.PairAll ? 1 : 0;
        CountLauncher.Launch(S.Device, 1, new CountArgs
        {
            S = S.Gpu,
            Labels = labels.Gpu,
            Sums = sums.Gpu,
            Cells = S.Rows,
        });
        PairsLauncher.LaunchItems(S.Device, S.Rows, new PairsArgs
        {
            S = S.Gpu,
            Labels = labels.Gpu,
            Sums = sums.Gpu,
            Pairs = pairs.Gpu,
            Cells = S.Rows,
            All = all,
            Lambda = o.Lambda,
        });
        ValuesLauncher.Launch(S.Device, 1, new ValuesArgs
        {
            A = A.Gpu,
            S = S.Gpu,
            Labels = labels.Gpu,
            Pairs = pairs.Gpu,
            Sums = sums.Gpu,
            Slopes = slopes.Gpu,
            Values = values.Gpu,
            Cells = S.Rows,
            Patches = slopes.Rows,
            Last = slopes.C - 1,
            All = all,
            Alpha = o.Alpha,
            Beta = o.Beta,
            Xi = o.Xi,
            Gamma = o.Gamma,
        });
    }

    static partial void GradientGpu(in Maps maps, LossOptions o, float upstream)
    {
        var F = maps.F;
        PatchGradient(maps.PatchF, maps.Slopes, maps.DpatchF, 0);
        PatchGradient(maps.PatchS, maps.Slopes, maps.DpatchS, maps.PatchS.Shape.Area);
        ScoreGradientLauncher.LaunchItems(F.Device, F.Rows, new ScoreGradientArgs
        {
            S = maps.S.Gpu,
            Labels = maps.Labels.Gpu,
            Pairs = maps.Pairs.Gpu,
            Sums = maps.Sums.Gpu,
            DpatchS = maps.DpatchS.Gpu,
            DS = maps.DS.Gpu,
            Cells = F.Rows,
            H = F.Shape.H,
            W = F.Shape.W,
            Patch = o.Patch,
            All = o.PairAll ? 1 : 0,
            Beta = o.Beta,
            Xi = o.Xi,
            Gamma = o.Gamma,
            Upstream = upstream,
        });
        FeatureGradientLauncher.LaunchItems(F.Device, F.Count, new FeatureGradientArgs
        {
            F = F.Gpu,
            A = maps.A.Gpu,
            Labels = maps.Labels.Gpu,
            Sums = maps.Sums.Gpu,
            DpatchF = maps.DpatchF.Gpu,
            DF = maps.DF.Gpu,
            Cells = F.Rows,
            H = F.Shape.H,
            W = F.Shape.W,
            C = F.C,
            Patch = o.Patch,
            Alpha = o.Alpha,
            Xi = o.Xi,
            Upstream = upstream,
        });
    }

    private static void PatchGradient(Tensor x, Tensor slopes, Tensor dx, int column) =>
        PatchGradientLauncher.LaunchItems(x.Device, x.Count, new PatchGradientArgs
        {
            X = x.Gpu,
            Slopes = slopes.Gpu,
            Dx = dx.Gpu,
            Area = x.Shape.Area,
            C = x.C,
            Column = column,
            Count = (int)x.Count,
        });
}
