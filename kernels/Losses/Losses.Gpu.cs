using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Losses
{
    /// <summary>Threads for a cell's or a patch's row, and for sums over the whole batch.</summary>
    private const int RowGroup = 64, SumGroup = 256;

    internal readonly record struct DistanceArgs(GpuRows F, GpuRows A, GpuRows DS, GpuRows DF, int C, int Count, int Add);

    internal readonly record struct PatchArgs(GpuRows F, GpuRows S, GpuRows Labels, GpuRows Slopes, GpuRows Out, int N, int Area, int C, int Column, int Count, float Temperature);

    internal readonly record struct CellArgs(GpuRows F, GpuRows A, GpuRows S, GpuRows Labels, GpuRows Pairs, GpuRows Sums, GpuRows Slopes, GpuRows Values,
        GpuRows DpatchF, GpuRows DpatchS, GpuRows DF, GpuRows DS, int Cells, int Patches, int Last, int H, int W, int C,
        float Alpha, float Beta, float Xi, float Gamma, float Lambda, int All, int Patch, float Upstream);

    private static readonly GpuKernel<DistanceArgs> DistanceLauncher = new("losses.distance", DistanceBody, RowGroup, RowGroup * sizeof(float)),
        DistanceGradientLauncher = new("losses.distance.gradient", DistanceGradientBody);
    private static readonly GpuKernel<PatchArgs> PatchRowLauncher = new("losses.patches", PatchRowBody, RowGroup, RowGroup * sizeof(float)),
        PatchGradientLauncher = new("losses.patches.gradient", PatchGradientBody);
    private static readonly GpuKernel<CellArgs> CountLauncher = new("losses.count", CountBody, SumGroup, SumGroup * sizeof(float)), PairsLauncher = new("losses.pairs", PairsBody),
        ValuesLauncher = new("losses.values", ValuesBody, SumGroup, SumGroup * sizeof(float)), ScoreGradientLauncher = new("losses.gradient.scores", ScoreGradientBody),
        FeatureGradientLauncher = new("losses.gradient.features", FeatureGradientBody);

    static partial void DistanceGpu(Tensor F, Tensor S) => DistanceLauncher.Launch(F.Device, F.Rows, new(F.Gpu, S.Gpu, S.Gpu, F.Gpu, F.C, (int)F.Count, 0));

    static partial void DistanceGradientGpu(Tensor F, Tensor A, Tensor dS, Tensor dF, bool add)
    {
        DistanceGpu(F, A);
        DistanceGradientLauncher.LaunchItems(F.Device, F.Count, new(F.Gpu, A.Gpu, dS.Gpu, dF.Gpu, F.C, (int)F.Count, add ? 1 : 0));
    }

    static partial void PatchesGpu(Tensor patchF, Tensor patchS, Tensor patchLabels, Tensor slopes, LossOptions o) =>
        PatchRowLauncher.Launch(patchF.Device, patchF.Rows, new(patchF.Gpu, patchS.Gpu, patchLabels.Gpu, slopes.Gpu, patchF.Gpu,
            patchF.Shape.N, patchF.Shape.Area, patchF.C, 0, patchF.Rows, o.Temperature));

    static partial void CellsGpu(Tensor A, Tensor S, Tensor labels, Tensor slopes, LossOptions o, Tensor pairs, Tensor sums, Tensor values)
    {
        var args = new CellArgs(A.Gpu, A.Gpu, S.Gpu, labels.Gpu, pairs.Gpu, sums.Gpu, slopes.Gpu, values.Gpu, A.Gpu, A.Gpu, A.Gpu, A.Gpu,
            S.Rows, slopes.Rows, slopes.C - 1, S.Shape.H, S.Shape.W, 1, o.Alpha, o.Beta, o.Xi, o.Gamma, o.Lambda, o.PairAll ? 1 : 0, o.Patch, 1);
        CountLauncher.Launch(S.Device, 1, args);
        PairsLauncher.LaunchItems(S.Device, S.Rows, args);
        ValuesLauncher.Launch(S.Device, 1, args);
    }

    static partial void GradientGpu(Maps maps, LossOptions o, float upstream)
    {
        Tensor F = maps.F, patchF = maps.PatchF, patchS = maps.PatchS;
        int area = patchF.Shape.Area;
        PatchGradientLauncher.LaunchItems(F.Device, patchF.Count, new(patchF.Gpu, patchS.Gpu, patchS.Gpu, maps.Slopes.Gpu, maps.DpatchF.Gpu, patchF.Shape.N, area, F.C, 0, (int)patchF.Count, 1));
        PatchGradientLauncher.LaunchItems(F.Device, patchS.Count, new(patchS.Gpu, patchS.Gpu, patchS.Gpu, maps.Slopes.Gpu, maps.DpatchS.Gpu, patchF.Shape.N, area, 1, area, (int)patchS.Count, 1));
        var args = new CellArgs(F.Gpu, maps.A.Gpu, maps.S.Gpu, maps.Labels.Gpu, maps.Pairs.Gpu, maps.Sums.Gpu, maps.Slopes.Gpu, maps.Sums.Gpu,
            maps.DpatchF.Gpu, maps.DpatchS.Gpu, maps.DF.Gpu, maps.DS.Gpu, F.Rows, patchF.Rows, maps.Slopes.C - 1, F.Shape.H, F.Shape.W, F.C,
            o.Alpha, o.Beta, o.Xi, o.Gamma, o.Lambda, o.PairAll ? 1 : 0, o.Patch, upstream);
        ScoreGradientLauncher.LaunchItems(F.Device, F.Rows, args);
        FeatureGradientLauncher.LaunchItems(F.Device, F.Count, args);
    }

    private static void DistanceBody(DistanceArgs p)
    {
        var shared = SharedMemory.Allocate<float>(RowGroup);
        float q = 0;
        for (int c = Group.IdxX; c < p.C; c += RowGroup) q += p.F[Grid.IdxX, c] * p.F[Grid.IdxX, c];
        q = GroupColumns.Sum(shared, 1, q);
        if (Group.IdxX == 0) p.A[Grid.IdxX, 0] = q / (MathF.Sqrt(q + 1) + 1);
    }

    private static void DistanceGradientBody(DistanceArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i >= p.Count) return;
        float d = p.DS[r, 0] * p.F[r, c] / (p.A[r, 0] + 1);
        p.DF[r, c] = p.Add != 0 ? p.DF[r, c] + d : d;
    }

    /// <summary>A group takes one patch's row; thread t every 64th partner.</summary>
    private static void PatchRowBody(PatchArgs p)
    {
        var shared = SharedMemory.Allocate<float>(RowGroup);
        int r = Grid.IdxX, t = Group.IdxX, first = r / p.Area * p.Area;
        float good = 0, maxP = 0, maxQ = 0, sumP = 0, sumQ = 0, divergence = 0;   // distances are above 0
        for (int j = t; j < p.Area; j += RowGroup)
            if (p.Labels[first + j, 0] == 0) good += 1;
        good = GroupColumns.Sum(shared, 1, good);
        // A row that does not count goes the same way with no partners: barriers stand in no branch.
        bool counts = good >= 2 && p.Labels[r, 0] == 0;
        for (int j = t; j < p.Area; j += RowGroup)
        {
            float P = 0, Q = 0;
            if (counts && p.Labels[first + j, 0] == 0)
            {
                for (int c = 0; c < p.C; c++) P += (p.F[r, c] - p.F[first + j, c]) * (p.F[r, c] - p.F[first + j, c]);
                P = MathF.Sqrt(P + Softening) / p.Temperature;
                Q = p.S[r, 0] - p.S[first + j, 0];
                Q = MathF.Sqrt(Q * Q + Softening) / p.Temperature;
                maxP = MathF.Max(maxP, P);
                maxQ = MathF.Max(maxQ, Q);
            }
            p.Slopes[r, j] = P;
            p.Slopes[r, p.Area + j] = Q;
        }
        maxP = GroupColumns.Max(shared, maxP);
        maxQ = GroupColumns.Max(shared, maxQ);
        for (int j = t; j < p.Area; j += RowGroup)
        {
            if (!counts || p.Labels[first + j, 0] != 0) continue;
            sumP += MathF.Exp(p.Slopes[r, j] - maxP);
            sumQ += MathF.Exp(p.Slopes[r, p.Area + j] - maxQ);
        }
        float normP = maxP + MathF.Log(GroupColumns.Sum(shared, 1, sumP)), normQ = maxQ + MathF.Log(GroupColumns.Sum(shared, 1, sumQ));
        for (int j = t; j < p.Area; j += RowGroup)
        {
            if (!counts || p.Labels[first + j, 0] != 0) continue;
            float logA = p.Slopes[r, p.Area + j] - normQ, logB = p.Slopes[r, j] - normP;
            divergence += MathF.Exp(logA) * (logA - logB);
        }
        divergence = GroupColumns.Sum(shared, 1, divergence);
        float weight = counts ? 1 / (p.N * good) : 0;
        if (t == 0) p.Slopes[r, 2 * p.Area] = divergence * weight;
        for (int j = t; j < p.Area; j += RowGroup)
        {
            if (!counts || p.Labels[first + j, 0] != 0) continue;
            float P = p.Slopes[r, j], Q = p.Slopes[r, p.Area + j], logA = Q - normQ, logB = P - normP, a = MathF.Exp(logA);
            // P and Q carry 1/τ already: 1/(τ P) is 1/(τ² · P/τ).
            p.Slopes[r, j] = weight * (MathF.Exp(logB) - a) / (p.Temperature * p.Temperature * P);
            p.Slopes[r, p.Area + j] = weight * a * (logA - logB - divergence) / (p.Temperature * p.Temperature * Q);
        }
    }

    /// <summary>dx_i = Σ_j (G_ij + G_ji)(x_i − x_j), one thread an element; <c>F</c> is x, <c>Column</c> where G starts in the slopes.</summary>
    private static void PatchGradientBody(PatchArgs p)
    {
        int id = Grid.GlobalIndex.X, r = id / p.C, c = id % p.C;
        if (id >= p.Count) return;
        int first = r / p.Area * p.Area;
        float sum = 0;
        for (int j = 0; j < p.Area; j++)
            sum += (p.Slopes[r, p.Column + j] + p.Slopes[first + j, p.Column + r - first]) * (p.F[r, c] - p.F[first + j, c]);
        p.Out[r, c] = sum;
    }

    private static void CountBody(CellArgs p)
    {
        var shared = SharedMemory.Allocate<float>(SumGroup);
        float good = 0, scores = 0;
        for (int i = Group.IdxX; i < p.Cells; i += SumGroup)
        {
            if (p.Labels[i, 0] != 0) continue;
            good += 1;
            scores += p.S[i, 0];
        }
        good = GroupColumns.Sum(shared, 1, good);
        scores = GroupColumns.Sum(shared, 1, scores);
        if (Group.IdxX != 0) return;
        p.Sums[0, Sum.Good] = good;
        p.Sums[0, Sum.Anomalous] = p.Cells - good;
        p.Sums[0, Sum.MeanGood] = good > 0 ? scores / good : 0;
    }

    private static void PairsBody(CellArgs p)
    {
        int i = Grid.GlobalIndex.X;
        if (i >= p.Cells) return;
        bool anomalous = p.Labels[i, 0] != 0;
        float score = p.S[i, 0], sum = 0;
        int active = 0;   // not a float: ILGPU 1.5.3 compiles a choice of 1f and 0f for OpenCL to their bits
        if (p.All == 0 || p.Sums[0, Sum.Good] == 0)
        {
            float h = p.Lambda - (score - p.Sums[0, Sum.MeanGood]);
            if (anomalous && h > 0)
            {
                sum = h;
                active = 1;
            }
        }
        else
        {
            for (int first = 0; first < p.Cells; first += 256)
            {
                int last = IntrinsicMath.Min(p.Cells, first + 256);
                float block = 0;
                for (int j = first; j < last; j++)
                {
                    if (p.Labels[j, 0] != 0 == anomalous) continue;
                    float h = p.Lambda - (anomalous ? score - p.S[j, 0] : p.S[j, 0] - score);
                    if (h <= 0) continue;
                    block += h;
                    active++;
                }
                sum += block;
            }
        }
        p.Pairs[i, 0] = sum;
        p.Pairs[i, 1] = active;
    }

    private static void ValuesBody(CellArgs p)
    {
        var shared = SharedMemory.Allocate<float>(SumGroup);
        float distances = 0, anomalies = 0, above = 0, hinges = 0, active = 0, divergence = 0;
        for (int i = Group.IdxX; i < p.Cells; i += SumGroup)
        {
            if (p.Labels[i, 0] == 0)
            {
                distances += p.A[i, 0];
                above += MathF.Max(0, p.S[i, 0] - p.Gamma);
            }
            else
            {
                anomalies += AnomalyLoss(p.A[i, 0]);
                hinges += p.Pairs[i, 0];
                active += p.Pairs[i, 1];
            }
        }
        for (int i = Group.IdxX; i < p.Patches; i += SumGroup) divergence += p.Slopes[i, p.Last];
        distances = GroupColumns.Sum(shared, 1, distances);
        anomalies = GroupColumns.Sum(shared, 1, anomalies);
        above = GroupColumns.Sum(shared, 1, above);
        hinges = GroupColumns.Sum(shared, 1, hinges);
        active = GroupColumns.Sum(shared, 1, active);
        divergence = GroupColumns.Sum(shared, 1, divergence);
        if (Group.IdxX != 0) return;
        float good = p.Sums[0, Sum.Good], bad = p.Sums[0, Sum.Anomalous];
        p.Sums[0, Sum.Active] = active;
        float lf = (good > 0 ? distances / good / 2 : 0) + (bad > 0 ? anomalies / bad / 2 : 0);
        float ls = (good > 0 ? above / good : 0) + (bad > 0 ? hinges / bad / (p.All != 0 && good > 0 ? good : 1) : 0);
        p.Values[0, 0] = p.Alpha * lf + p.Beta * ls + p.Xi * divergence;
        p.Values[0, 1] = lf;
        p.Values[0, 2] = ls;
        p.Values[0, 3] = divergence;
    }

    private static void ScoreGradientBody(CellArgs p)
    {
        int r = Grid.GlobalIndex.X;
        if (r >= p.Cells) return;
        bool anomalous = p.Labels[r, 0] != 0;
        float active = anomalous || p.All != 0 ? p.Pairs[r, 1] : p.Sums[0, Sum.Active];
        float slope = ScoreSlope(p.S[r, 0], anomalous, active, p.Sums[0, Sum.Good], p.Sums[0, Sum.Anomalous], p.Gamma, p.All != 0);
        p.DS[r, 0] = p.Upstream * (p.Beta * slope + p.Xi / (p.Patch * p.Patch) * p.DpatchS[PatchOf(r, p.H, p.W, p.Patch), 0]);
    }

    private static void FeatureGradientBody(CellArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (r >= p.Cells) return;
        float slope = FeatureSlope(p.A[r, 0], p.Labels[r, 0] != 0, p.Sums[0, Sum.Good], p.Sums[0, Sum.Anomalous]);
        p.DF[r, c] = p.Upstream * (p.Alpha * slope * p.F[r, c] + p.Xi / (p.Patch * p.Patch) * p.DpatchF[PatchOf(r, p.H, p.W, p.Patch), c]);
    }
}
