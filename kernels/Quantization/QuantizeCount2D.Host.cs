using System.Buffers;

namespace MlffAd.Kernels;

public static partial class QuantizeCount2D
{
    private static void ForwardHost(Tensor m, int side, Quantization q, Tensor range, Tensor rows) =>
        m.Device.Team.For(range.Rows, new ForwardJob(m.Host, range.Host, rows.Host, side, q), 16 * side * side);

    private static void GradientHost(Tensor m, int side, Quantization q, Tensor range, Tensor rows, Tensor dRows,
        Tensor dm, bool add) =>
        m.Device.Team.For(range.Rows, new GradientJob(m: m.Host, range: range.Host, rows: rows.Host, dRows: dRows.Host,
            dm: dm.Host, side: side, q: q, add: add), 16 * side * side);

    /// <summary>Item: a region. The counts are float64, as a region may be large.</summary>
    private readonly struct ForwardJob(HostRows m, HostRows range, HostRows rows, int side, Quantization q) : IJob
    {
        public void Run(int begin, int end)
        {
            int cells = side * side, pairs = q.Levels * q.Levels;
            double[] rented = ArrayPool<double>.Shared.Rent(pairs);
            var counts = rented.AsSpan(0, pairs);
            for (int region = begin; region < end; region++)
            {
                var levels = HostRange.Find(m, region, cells, q, range);
                counts.Clear();
                for (int y = 0; y < side - 1; y++)
                    for (int x = 0; x < side - 1; x++)
                    {
                        int i = region * cells + y * side + x;
                        Count(levels, m[i, 0], m[i + side + 1, 0], counts);
                    }
                double total = 0;
                foreach (double count in counts) total += count;
                for (int pair = 0, row = region * pairs; pair < pairs; pair++, row++)
                    (rows[row, 0], rows[row, 1], rows[row, 2]) =
                        (levels.Level(pair / q.Levels), levels.Level(pair % q.Levels),
                            (float)(counts[pair] / (total + QuantizeCount1D.Epsilon)));
            }
            ArrayPool<double>.Shared.Return(rented);
        }

        /// <summary>Adds the products of a cell's codes with its neighbour's, for every pair of levels.</summary>
        private static void Count(Levels levels, float upper, float lower, Span<double> counts)
        {
            for (int a = levels.First(upper), lastA = levels.Last(upper); a <= lastA; a++)
            {
                float da = levels.Level(a) - upper;
                if (!levels.Sees(da)) continue;
                for (int b = levels.First(lower), lastB = levels.Last(lower); b <= lastB; b++)
                {
                    float db = levels.Level(b) - lower;
                    if (levels.Sees(db)) counts[a * levels.Count + b] += Levels.Code(da) * Levels.Code(db);
                }
            }
        }
    }

    /// <summary>Item: a region.</summary>
    private readonly struct GradientJob(HostRows m, HostRows range, HostRows rows, HostRows dRows, HostRows dm,
        int side, Quantization q, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            int cells = side * side, pairs = q.Levels * q.Levels;
            for (int region = begin; region < end; region++)
            {
                var levels = HostRange.Levels(range, region, q);
                int first = region * cells, row = region * pairs;
                double total = 0, mean = 0, dLo = 0, dHi = 0;
                for (int y = 0; y < side - 1; y++)
                    for (int x = 0; x < side - 1; x++)
                        total += levels.Sum(m[first + y * side + x, 0])
                            * levels.Sum(m[first + (y + 1) * side + x + 1, 0]);
                for (int pair = 0; pair < pairs; pair++)
                {
                    float a = levels.Weight(pair / q.Levels);
                    float b = levels.Weight(pair % q.Levels);
                    float dA = dRows[row + pair, 0], dB = dRows[row + pair, 1];
                    mean += (double)dRows[row + pair, 2] * rows[row + pair, 2];
                    dLo += (1 - a) * dA + (1 - b) * dB;
                    dHi += a * dA + b * dB;
                }
                for (int i = 0; i < cells; i++)
                {
                    int y = i / side, x = i % side;
                    float v = m[first + i, 0], sum = 0;
                    for (int n = levels.First(v), last = levels.Last(v); n <= last; n++)
                    {
                        float d = levels.Level(n) - v;
                        if (!levels.Sees(d)) continue;
                        double g = 0;
                        if (y < side - 1 && x < side - 1)
                            g += Neighbour(levels, m[first + i + side + 1, 0], row + n * q.Levels, 1, mean);
                        if (y > 0 && x > 0) g += Neighbour(levels, m[first + i - side - 1, 0], row + n, q.Levels, mean);
                        float part = Levels.ToSimilarity(d, (float)(g / (total + QuantizeCount1D.Epsilon)));
                        float weight = levels.Weight(n);
                        sum += part;
                        dLo -= (1 - weight) * part;
                        dHi -= weight * part;
                    }
                    dm[first + i, 0] = add ? dm[first + i, 0] + sum : sum;
                }
                HostRange.Spread(range, region, cells, dLo, dHi, dm);
            }
        }

        /// <summary>Σ_l E_l (dP_l − mean) over the neighbour's levels l, whose pairs with the cell's level lie
        /// <paramref name="stride"/> rows apart.</summary>
        private double Neighbour(Levels levels, float v, int row, int stride, double mean)
        {
            double sum = 0;
            for (int l = levels.First(v), last = levels.Last(v); l <= last; l++)
            {
                float d = levels.Level(l) - v;
                if (levels.Sees(d)) sum += Levels.Code(d) * (dRows[row + l * stride, 2] - mean);
            }
            return sum;
        }
    }
}
