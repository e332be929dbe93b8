using System.Buffers;

namespace MlffAd.Kernels;

public static partial class QuantizeCount1D
{
    private static void ForwardHost(Tensor m, Quantization q, Tensor range, Tensor rows) =>
        m.Device.Team.For(m.Shape.N, new ForwardJob(m.Host, range.Host, rows.Host, m.Shape.Area, q));

    private static void GradientHost(Tensor m, Quantization q, Tensor range, Tensor rows, Tensor dRows, Tensor dm,
        bool add) =>
        m.Device.Team.For(m.Shape.N, new GradientJob(m: m.Host, range: range.Host, rows: rows.Host, dRows: dRows.Host,
            dm: dm.Host, cells: m.Shape.Area, q: q, add: add));

    /// <summary>Item: an image. The counts are float64, as K may be large.</summary>
    private readonly struct ForwardJob(HostRows m, HostRows range, HostRows rows, int cells, Quantization q) : IJob
    {
        public void Run(int begin, int end)
        {
            double[] rented = ArrayPool<double>.Shared.Rent(q.Levels);
            var counts = rented.AsSpan(0, q.Levels);
            for (int image = begin; image < end; image++)
            {
                var levels = HostRange.Find(m, image, cells, q, range);
                counts.Clear();
                double total = 0;
                for (int i = image * cells; i < (image + 1) * cells; i++)
                {
                    float v = m[i, 0];
                    for (int n = levels.First(v), last = levels.Last(v); n <= last; n++)
                    {
                        float d = levels.Level(n) - v;
                        if (levels.Sees(d)) counts[n] += Levels.Code(d);
                    }
                }
                foreach (double count in counts) total += count;
                for (int n = 0; n < q.Levels; n++)
                    (rows[image * q.Levels + n, 0], rows[image * q.Levels + n, 1]) =
                        (levels.Level(n), (float)(counts[n] / (total + Epsilon)));
            }
            ArrayPool<double>.Shared.Return(rented);
        }
    }

    /// <summary>Item: an image.</summary>
    private readonly struct GradientJob(HostRows m, HostRows range, HostRows rows, HostRows dRows, HostRows dm,
        int cells, Quantization q, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int image = begin; image < end; image++)
            {
                var levels = HostRange.Levels(range, image, q);
                int row = image * q.Levels;
                double total = 0, mean = 0, dLo = 0, dHi = 0;
                for (int i = image * cells; i < (image + 1) * cells; i++) total += levels.Sum(m[i, 0]);
                for (int n = 0; n < q.Levels; n++)
                {
                    mean += (double)dRows[row + n, 1] * rows[row + n, 1];
                    dLo += (1 - levels.Weight(n)) * dRows[row + n, 0];
                    dHi += levels.Weight(n) * dRows[row + n, 0];
                }
                for (int i = image * cells; i < (image + 1) * cells; i++)
                {
                    float v = m[i, 0], sum = 0;
                    for (int n = levels.First(v), last = levels.Last(v); n <= last; n++)
                    {
                        float d = levels.Level(n) - v;
                        if (!levels.Sees(d)) continue;
                        float part = Levels.ToSimilarity(d, (float)((dRows[row + n, 1] - mean) / (total + Epsilon)));
                        float weight = levels.Weight(n);
                        sum += part;
                        dLo -= (1 - weight) * part;
                        dHi -= weight * part;
                    }
                    dm[i, 0] = add ? dm[i, 0] + sum : sum;
                }
                HostRange.Spread(range, image, cells, dLo, dHi, dm);
            }
        }
    }
}
