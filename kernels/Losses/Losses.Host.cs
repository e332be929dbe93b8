using System.Numerics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

public static unsafe partial class Losses
{
    private static void DistanceHost(Tensor F, Tensor S) =>
        F.Device.Team.For(F.Rows, new DistanceJob(F.Host, S.Host, F.C), F.C);

    private static void DistanceGradientHost(Tensor F, Tensor A, Tensor dS, Tensor dF, bool add)
    {
        DistanceHost(F, A);
        F.Device.Team.For(F.Rows,
            new DistanceGradientJob(F: F.Host, A: A.Host, dS: dS.Host, dF: dF.Host, C: F.C, add: add), F.C);
    }

    private static void PatchesHost(Tensor patchF, Tensor patchS, Tensor patchLabels, Tensor slopes, LossOptions o) =>
        patchF.Device.Team.For(patchF.Rows, new PatchRowJob(F: patchF.Host, S: patchS.Host, labels: patchLabels.Host,
            slopes: slopes.Host, grid: patchF.Shape, temperature: o.Temperature));

    // A few thousand cells: one thread, in float64.
    private static void CellsHost(Tensor A, Tensor S, Tensor labels, Tensor slopes, LossOptions o, Tensor pairs,
        Tensor sums, Tensor values)
    {
        HostRows a = A.Host, s = S.Host, y = labels.Host, kl = slopes.Host, pair = pairs.Host;
        double good = 0, bad = 0, sumGood = 0, distances = 0, anomalies = 0, above = 0, hinges = 0;
        double active = 0, divergence = 0;
        for (int i = 0; i < S.Rows; i++)
        {
            if (y[i, 0] != 0)
            {
                bad++;
                anomalies += AnomalyLoss(a[i, 0]);
                continue;
            }
            good++;
            sumGood += s[i, 0];
            distances += a[i, 0];
            above += Math.Max(0, s[i, 0] - o.Gamma);
        }
        bool all = o.PairAll && good > 0;
        float mean = good > 0 ? (float)(sumGood / good) : 0;
        if (all && bad > 0) PairsHost(S, labels, o.Lambda, pairs, (int)good, (int)bad);
        for (int i = 0; i < S.Rows; i++)
        {
            if (y[i, 0] == 0) continue;
            if (!all) (pair[i, 0], pair[i, 1]) = Hinge(o.Lambda - (s[i, 0] - mean));
            hinges += pair[i, 0];
            active += pair[i, 1];
        }
        for (int i = 0; i < slopes.Rows; i++) divergence += kl[i, slopes.C - 1];

        var sum = sums.HostSpan;
        (sum[Sum.Good], sum[Sum.Anomalous], sum[Sum.MeanGood], sum[Sum.Active]) =
            ((float)good, (float)bad, mean, (float)active);
        double lf = (good > 0 ? distances / good / 2 : 0) + (bad > 0 ? anomalies / bad / 2 : 0);
        double ls = (good > 0 ? above / good : 0) + (bad > 0 ? hinges / bad / (all ? good : 1) : 0);
        var v = values.HostSpan;
        (v[0], v[1], v[2], v[3]) =
            ((float)(o.Alpha * lf + o.Beta * ls + o.Xi * divergence), (float)lf, (float)ls, (float)divergence);
    }

    private static (float, float) Hinge(float distance) => distance > 0 ? (distance, 1) : (0, 0);

    /// <summary>Each cell against all cells of the other label.</summary>
    private static void PairsHost(Tensor S, Tensor labels, float lambda, Tensor pairs, int good, int bad)
    {
        // good, then anomalous
        using var scores = Tensor.Rent(S.Device, Shape.Of(good + bad), "losses.scores");
        HostRows s = S.Host, y = labels.Host;
        float* goodScores = scores.Host.Data, badScores = goodScores + good;
        for (int i = 0, g = 0, b = 0; i < S.Rows; i++)
        {
            if (y[i, 0] == 0) goodScores[g++] = s[i, 0];
            else badScores[b++] = s[i, 0];
        }
        S.Device.Team.For(S.Rows, new PairsJob(s: s, labels: y, good: goodScores, goods: good, bad: badScores,
            bads: bad, lambda: lambda, pairs: pairs.Host), good + bad);
    }

    private static void GradientHost(Maps maps, LossOptions o, float upstream)
    {
        var F = maps.F;
        var team = F.Device.Team;
        team.For(maps.PatchF.Rows,
            new PatchGradientJob(maps.PatchF.Host, maps.Slopes.Host, maps.DpatchF.Host, maps.PatchF.Shape, 0));
        team.For(maps.PatchS.Rows, new PatchGradientJob(maps.PatchS.Host, maps.Slopes.Host, maps.DpatchS.Host,
            maps.PatchS.Shape, maps.PatchS.Shape.Area));
        team.For(F.Rows, new CellGradientJob(maps, o, upstream), F.C);
    }

    private readonly struct DistanceJob(HostRows F, HostRows A, int C) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
            {
                float* f = F.Row(r);
                float q = SquaredDistance(f, null, C);
                A[r, 0] = q / (MathF.Sqrt(q + 1) + 1);
            }
        }
    }

    private readonly struct DistanceGradientJob(HostRows F, HostRows A, HostRows dS, HostRows dF, int C,
        bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
                Scale(F.Row(r), dS[r, 0] / (A[r, 0] + 1), dF.Row(r), C, add);   // √(q + 1) = A + 1
        }
    }

    /// <summary>Patch i against all patches of its image: distances, then KL_i and its slopes in float64.</summary>
    private readonly struct PatchRowJob(HostRows F, HostRows S, HostRows labels, HostRows slopes, Shape grid,
        float temperature) : IJob
    {
        public void Run(int begin, int end)
        {
            int area = grid.Area;
            for (int r = begin; r < end; r++)
            {
                int first = r / area * area, good = 0;
                float* P = slopes.Row(r), Q = P + area;
                for (int j = 0; j < area; j++) good += labels[first + j, 0] == 0 ? 1 : 0;
                if (good < 2 || labels[r, 0] != 0)
                {
                    new Span<float>(P, 2 * area + 1).Clear();
                    continue;
                }
                for (int j = 0; j < area; j++)
                {
                    float score = S[r, 0] - S[first + j, 0];
                    P[j] = MathF.Sqrt(SquaredDistance(F.Row(r), F.Row(first + j), grid.C) + Softening);
                    Q[j] = MathF.Sqrt(score * score + Softening);
                }
                double normP = LogSum(P, first, area), normQ = LogSum(Q, first, area), divergence = 0;
                for (int j = 0; j < area; j++)
                    if (labels[first + j, 0] == 0)
                        divergence += LogRatio(P[j], Q[j], normP, normQ, out double a, out _) * a;
                double weight = 1.0 / grid.N / good;
                P[2 * area] = (float)(divergence * weight);
                for (int j = 0; j < area; j++)
                {
                    if (labels[first + j, 0] != 0)
                    {
                        P[j] = Q[j] = 0;
                        continue;
                    }
                    double ratio = LogRatio(P[j], Q[j], normP, normQ, out double a, out double b);
                    P[j] = (float)(weight * (b - a) / temperature / P[j]);
                    Q[j] = (float)(weight * a * (ratio - divergence) / temperature / Q[j]);
                }
            }
        }

        /// <summary>ln Σ e^(x/τ) over the good patches.</summary>
        private double LogSum(float* x, int first, int area)
        {
            double max = double.NegativeInfinity, sum = 0;
            for (int j = 0; j < area; j++)
                if (labels[first + j, 0] == 0) max = Math.Max(max, x[j]);
            for (int j = 0; j < area; j++)
                if (labels[first + j, 0] == 0) sum += Math.Exp((x[j] - max) / temperature);
            return max / temperature + Math.Log(sum);
        }

        /// <summary>ln a − ln b.</summary>
        private double LogRatio(float P, float Q, double normP, double normQ, out double a, out double b)
        {
            double logA = Q / (double)temperature - normQ, logB = P / (double)temperature - normP;
            (a, b) = (Math.Exp(logA), Math.Exp(logB));
            return logA - logB;
        }
    }

    /// <summary>dx_i = Σ_j (G_ij + G_ji)(x_i − x_j): a distance depends on both its ends. G starts at
    /// <paramref name="column"/> of the slopes.</summary>
    private readonly struct PatchGradientJob(HostRows x, HostRows slopes, HostRows dx, Shape grid, int column) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
            {
                int first = r / grid.Area * grid.Area, i = r - first;
                float* xi = x.Row(r), d = dx.Row(r);
                new Span<float>(d, grid.C).Clear();
                for (int j = 0; j < grid.Area; j++)
                {
                    float g = slopes[r, column + j] + slopes[first + j, column + i];
                    if (g != 0) AccumulateDifference(xi, x.Row(first + j), d, grid.C, g);
                }
            }
        }
    }
}
