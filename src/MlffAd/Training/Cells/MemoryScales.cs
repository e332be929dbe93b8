namespace MlffAd.Training;

/// <summary>What distance is usual at each place, or to each vector, on good images (spec §14).</summary>
/// <param name="keys">Places, or vectors.</param>
/// <param name="byVector">Whether a cell's key is its nearest vector; otherwise it is its place.</param>
internal sealed class MemoryScales(int keys, bool byVector)
{
    /// <summary>A key's statistics count as if so many cells of the overall ones were among its own.</summary>
    private const double Prior = 5;

    private readonly long[] _counts = new long[keys];
    private readonly double[] _sums = new double[keys], _squares = new double[keys];

    /// <summary>Takes the cells of an image in.</summary>
    public void Add(Measured image) => Count(image, 1);

    /// <summary>Takes them out again.</summary>
    public void Remove(Measured image) => Count(image, -1);

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

    private void Count(Measured image, int times)
    {
        for (int cell = 0; cell < image.Distance.Length; cell++)
        {
            double distance = image.Distance[cell];
            int key = byVector ? (int)image.Index[cell] : cell;
            if (key < 0 || !double.IsFinite(distance)) continue;
            _counts[key] += times;
            _sums[key] += times * distance;
            _squares[key] += times * distance * distance;
        }
    }
}
