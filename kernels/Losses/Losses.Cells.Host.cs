using System.Numerics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

public static unsafe partial class Losses
{
    private readonly struct PairsJob(HostRows s, HostRows labels, float* good, int goods, float* bad, int bads,
        float lambda, HostRows pairs) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
                (pairs[i, 0], pairs[i, 1]) = labels[i, 0] != 0
                    ? Against(good, goods, lambda - s[i, 0], 1)
                    : Against(bad, bads, lambda + s[i, 0], -1);
        }

        /// <summary>Σ max(0, shift + sign·x), and its number of positive terms.</summary>
        private static (float, float) Against(float* x, int n, float shift, float sign)
        {
            double sum = 0, count = 0;
            for (int first = 0; first < n; first += 4096)
            {
                int i = first, last = Math.Min(n, first + 4096);
                Vector<float> sums = Vector<float>.Zero, counts = Vector<float>.Zero;
                for (; i <= last - V; i += V)
                {
                    var h = Vector.Max(new Vector<float>(shift) + Vector.Load(x + i) * sign, Vector<float>.Zero);
                    sums += h;
                    counts += Vector.ConditionalSelect(Vector.GreaterThan(h, Vector<float>.Zero), Vector<float>.One,
                        Vector<float>.Zero);
                }
                (sum, count) = (sum + Vector.Sum(sums), count + Vector.Sum(counts));
                for (; i < last; i++)
                {
                    var (h, one) = Hinge(shift + x[i] * sign);
                    (sum, count) = (sum + h, count + one);
                }
            }
            return ((float)sum, (float)count);
        }
    }

    private readonly struct CellGradientJob : IJob
    {
        private readonly HostRows _f, _s, _labels, _a, _pairs, _dpatchF, _dpatchS, _dF, _dS;
        private readonly Shape _map;
        private readonly LossOptions _o;
        private readonly float _upstream, _good, _bad, _active;

        public CellGradientJob(Maps maps, LossOptions o, float upstream)
        {
            (_f, _s, _labels, _a, _pairs) = (maps.F.Host, maps.S.Host, maps.Labels.Host, maps.A.Host, maps.Pairs.Host);
            (_dpatchF, _dpatchS, _dF, _dS) = (maps.DpatchF.Host, maps.DpatchS.Host, maps.DF.Host, maps.DS.Host);
            var sums = maps.Sums.HostSpan;
            (_map, _o, _upstream, _good, _bad, _active) =
                (maps.F.Shape, o, upstream, sums[Sum.Good], sums[Sum.Anomalous], sums[Sum.Active]);
        }

        public void Run(int begin, int end)
        {
            float perCell = _upstream * _o.Xi / (_o.Patch * _o.Patch);
            for (int r = begin; r < end; r++)
            {
                bool anomalous = _labels[r, 0] != 0;
                int patch = PatchOf(r, _map.H, _map.W, _o.Patch);
                float active = anomalous || _o.PairAll && _bad > 0 ? _pairs[r, 1] : _active;
                _dS[r, 0] = _upstream * _o.Beta * ScoreSlope(_s[r, 0], anomalous, active, _good, _bad, _o.Gamma,
                    _o.PairAll) + perCell * _dpatchS[patch, 0];
                float* d = _dF.Row(r);
                Scale(_f.Row(r), _upstream * _o.Alpha * FeatureSlope(_a[r, 0], anomalous, _good, _bad), d, _map.C,
                    add: false);
                Scale(_dpatchF.Row(patch), perCell, d, _map.C, add: true);
            }
        }
    }

    /// <summary>Row of a cell's patch among the [N, H/p, W/p] patches.</summary>
    private static int PatchOf(int cell, int H, int W, int p) =>
        (cell / W / H * (H / p) + cell / W % H / p) * (W / p) + cell % W / p;

    /// <summary>‖a − b‖², or ‖a‖² if b is null.</summary>
    private static float SquaredDistance(float* a, float* b, int n)
    {
        int c = 0;
        var lanes = Vector<float>.Zero;
        for (; c <= n - V; c += V)
        {
            var d = b is null ? Vector.Load(a + c) : Vector.Load(a + c) - Vector.Load(b + c);
            lanes += d * d;
        }
        float sum = Vector.Sum(lanes);
        for (; c < n; c++)
        {
            float d = b is null ? a[c] : a[c] - b[c];
            sum += d * d;
        }
        return sum;
    }

    private static void AccumulateDifference(float* a, float* b, float* y, int n, float scale)
    {
        int c = 0;
        for (; c <= n - V; c += V)
            (Vector.Load(y + c) + (Vector.Load(a + c) - Vector.Load(b + c)) * scale).Store(y + c);
        for (; c < n; c++) y[c] += (a[c] - b[c]) * scale;
    }
}
