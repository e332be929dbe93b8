using MlffAd.Configuration;

namespace MlffAd.Training;

/// <summary>What distance is usual at each place, or to each vector, on good images (spec §14).</summary>
/// <param name="keys">Places, or vectors.</param>
internal sealed class MemoryScales(int keys)
{
    /// <summary>A key's statistics count as if so many cells of the overall ones were among its own.</summary>
    private const double Prior = 5;

    private readonly long[] _counts = new long[keys];
    private readonly double[] _sums = new double[keys], _squares = new double[keys];

    /// <summary>Takes the cells of an image in.</summary>
    /// <param name="distances">Their distances.</param>
    /// <param name="index">Their nearest vectors; empty where a cell's place is its key.</param>
    public void Add(ReadOnlySpan<float> distances, ReadOnlySpan<float> index)
    {
        for (int cell = 0; cell < distances.Length; cell++)
        {
            int key = index.IsEmpty ? cell : (int)index[cell];
            if (key < 0 || !float.IsFinite(distances[cell])) continue;
            _counts[key]++;
            _sums[key] += distances[cell];
            _squares[key] += (double)distances[cell] * distances[cell];
        }
    }

    /// <summary>Rows (shift, factor): <c>shift_k</c> the mean m_k, <c>factor_k = 1/(s_k + s)</c>, s_k the deviation,
    /// both with the overall mean m and variance s² as a prior of <see cref="Prior"/> cells.</summary>
    public float[] Rows()
    {
        double count = _counts.Sum(), mean = count > 0 ? _sums.Sum() / count : 0;
        double variance = count > 0 ? Math.Max(0, _squares.Sum() / count - mean * mean)
            : 0, deviation = Math.Sqrt(variance);
        float[] rows = new float[2 * keys];
        for (int k = 0; k < keys; k++)
        {
            double n = _counts[k] + Prior, shift = (_sums[k] + Prior * mean) / n;
            double own = Math.Max(0, (_squares[k] + Prior * (variance + mean * mean)) / n - shift * shift);
            double sum = Math.Sqrt(own) + deviation;
            (rows[2 * k], rows[2 * k + 1]) = ((float)shift, sum > 0 ? (float)(1 / sum) : 1);
        }
        return rows;
    }
}
