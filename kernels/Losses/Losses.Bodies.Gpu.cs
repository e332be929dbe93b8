using ILGPU;

namespace MlffAd.Kernels;

public static partial class Losses
{
    private static void DistanceBody(DistanceArgs p)
    {
        var shared = SharedMemory.Allocate<float>(RowGroupSize);
        float q = 0;
        for (int c = Group.IdxX; c < p.C; c += RowGroupSize) q += p.F[Grid.IdxX, c] * p.F[Grid.IdxX, c];
        q = GroupReduce.Sum(shared, q);
        if (Group.IdxX == 0) p.A[Grid.IdxX, 0] = q / (MathF.Sqrt(q + 1) + 1);
    }

    private static void DistanceGradientBody(DistanceGradientArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i >= p.Count) return;
        float d = p.DS[r, 0] * p.F[r, c] / (p.A[r, 0] + 1);
        p.DF[r, c] = p.Add != 0 ? p.DF[r, c] + d : d;
    }

    /// <summary>A group takes one patch's row; thread t every 64th partner. KL_i from softmaxes of the distances P of
    /// features and Q of scores, both over τ, which the row of slopes holds in between.</summary>
    private static void PatchRowBody(PatchRowArgs p)
    {
        var shared = SharedMemory.Allocate<float>(RowGroupSize);
        int r = Grid.IdxX, t = Group.IdxX, first = r / p.Area * p.Area;
        float good = 0;
        for (int j = t; j < p.Area; j += RowGroupSize)
            if (p.Labels[first + j, 0] == 0) good += 1;
        good = GroupReduce.Sum(shared, good);
        // A row that does not count goes the same way with no partners: barriers stand in no branch.
        bool counts = good >= 2 && p.Labels[r, 0] == 0;
        var max = Distances(p, r, first, counts);
        float maxP = GroupReduce.Max(shared, max.X), maxQ = GroupReduce.Max(shared, max.Y), sumP = 0, sumQ = 0;
        for (int j = t; j < p.Area; j += RowGroupSize)
        {
            if (!counts || p.Labels[first + j, 0] != 0) continue;
            sumP += MathF.Exp(p.Slopes[r, j] - maxP);
            sumQ += MathF.Exp(p.Slopes[r, p.Area + j] - maxQ);
        }
        float normP = maxP + MathF.Log(GroupReduce.Sum(shared, sumP));
        float normQ = maxQ + MathF.Log(GroupReduce.Sum(shared, sumQ)), divergence = 0;
        for (int j = t; j < p.Area; j += RowGroupSize)
        {
            if (!counts || p.Labels[first + j, 0] != 0) continue;
            float logA = p.Slopes[r, p.Area + j] - normQ, logB = p.Slopes[r, j] - normP;
            divergence += MathF.Exp(logA) * (logA - logB);
        }
        divergence = GroupReduce.Sum(shared, divergence);
        float weight = counts ? 1 / (p.N * good) : 0;
        if (t == 0) p.Slopes[r, 2 * p.Area] = divergence * weight;
        for (int j = t; j < p.Area; j += RowGroupSize)
        {
            if (!counts || p.Labels[first + j, 0] != 0) continue;
            float P = p.Slopes[r, j], Q = p.Slopes[r, p.Area + j];
            float logA = Q - normQ, logB = P - normP, a = MathF.Exp(logA);
            // P and Q carry 1/τ already: 1/(τ P) is 1/(τ² · P/τ).
            p.Slopes[r, j] = weight * (MathF.Exp(logB) - a) / (p.Temperature * p.Temperature * P);
            p.Slopes[r, p.Area + j] = weight * a * (logA - logB - divergence) / (p.Temperature * p.Temperature * Q);
        }
    }

    /// <summary>Writes a patch's distances from its good partners, 0 elsewhere; the greatest P and Q of this thread.
    /// Distances are above 0.</summary>
    private static Two Distances(in PatchRowArgs p, int r, int first, bool counts)
    {
        float maxP = 0, maxQ = 0;
        for (int j = Group.IdxX; j < p.Area; j += RowGroupSize)
        {
            float P = 0, Q = 0;
            if (counts && p.Labels[first + j, 0] == 0)
            {
                for (int c = 0; c < p.C; c++)
                    P += (p.F[r, c] - p.F[first + j, c]) * (p.F[r, c] - p.F[first + j, c]);
                P = MathF.Sqrt(P + Softening) / p.Temperature;
                Q = p.S[r, 0] - p.S[first + j, 0];
                Q = MathF.Sqrt(Q * Q + Softening) / p.Temperature;
                maxP = MathF.Max(maxP, P);
                maxQ = MathF.Max(maxQ, Q);
            }
            p.Slopes[r, j] = P;
            p.Slopes[r, p.Area + j] = Q;
        }
        return new(maxP, maxQ);
    }

    /// <summary>dx_i = Σ_j (G_ij + G_ji)(x_i − x_j), one thread an element.</summary>
    private static void PatchGradientBody(PatchGradientArgs p)
    {
        int id = Grid.GlobalIndex.X, r = id / p.C, c = id % p.C;
        if (id >= p.Count) return;
        int first = r / p.Area * p.Area;
        float sum = 0;
        for (int j = 0; j < p.Area; j++)
            sum += (p.Slopes[r, p.Column + j] + p.Slopes[first + j, p.Column + r - first]) * (p.X[r, c]
                - p.X[first + j, c]);
        p.Dx[r, c] = sum;
    }

    private static void CountBody(CountArgs p)
    {
        var shared = SharedMemory.Allocate<float>(SumGroupSize);
        float good = 0, scores = 0;
        for (int i = Group.IdxX; i < p.Cells; i += SumGroupSize)
        {
            if (p.Labels[i, 0] != 0) continue;
            good += 1;
            scores += p.S[i, 0];
        }
        good = GroupReduce.Sum(shared, good);
        scores = GroupReduce.Sum(shared, scores);
        if (Group.IdxX != 0) return;
        p.Sums[0, Sum.Good] = good;
        p.Sums[0, Sum.Anomalous] = p.Cells - good;
        p.Sums[0, Sum.MeanGood] = good > 0 ? scores / good : 0;
    }

    private static void PairsBody(PairsArgs p)
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

    private static void ValuesBody(ValuesArgs p)
    {
        var shared = SharedMemory.Allocate<float>(SumGroupSize);
        float distances = 0, anomalies = 0, above = 0, hinges = 0, active = 0, divergence = 0;
        for (int i = Group.IdxX; i < p.Cells; i += SumGroupSize)
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
        for (int i = Group.IdxX; i < p.Patches; i += SumGroupSize) divergence += p.Slopes[i, p.Last];
        distances = GroupReduce.Sum(shared, distances);
        anomalies = GroupReduce.Sum(shared, anomalies);
        above = GroupReduce.Sum(shared, above);
        hinges = GroupReduce.Sum(shared, hinges);
        active = GroupReduce.Sum(shared, active);
        divergence = GroupReduce.Sum(shared, divergence);
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

    private static void ScoreGradientBody(ScoreGradientArgs p)
    {
        int r = Grid.GlobalIndex.X;
        if (r >= p.Cells) return;
        bool anomalous = p.Labels[r, 0] != 0;
        float active = anomalous || p.All != 0 ? p.Pairs[r, 1] : p.Sums[0, Sum.Active];
        float slope = ScoreSlope(p.S[r, 0], anomalous, active, p.Sums[0, Sum.Good], p.Sums[0, Sum.Anomalous], p.Gamma,
            p.All != 0);
        p.DS[r, 0] =
            p.Upstream * (p.Beta * slope + p.Xi / (p.Patch * p.Patch) * p.DpatchS[PatchOf(r, p.H, p.W, p.Patch), 0]);
    }

    private static void FeatureGradientBody(FeatureGradientArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (r >= p.Cells) return;
        float slope = FeatureSlope(p.A[r, 0], p.Labels[r, 0] != 0, p.Sums[0, Sum.Good], p.Sums[0, Sum.Anomalous]);
        p.DF[r, c] = p.Upstream * (p.Alpha * slope * p.F[r, c]
            + p.Xi / (p.Patch * p.Patch) * p.DpatchF[PatchOf(r, p.H, p.W, p.Patch), c]);
    }
}
