namespace MlffAd.Evaluation;

/// <summary>A linear quantile of very many values, exact; only the values above it are kept.</summary>
internal sealed class UpperQuantile
{
    private const int MostKept = 1 << 28;

    private readonly double _share;
    private readonly int _keep;
    private readonly float[] _values;
    private int _count;
    private float _bound = float.NegativeInfinity;

    /// <summary>Begins.</summary>
    /// <param name="q">The quantile, 0…1.</param>
    /// <param name="count">How many values there will be.</param>
    /// <exception cref="MlffAdException">Too many of them lie above it (exit code 3).</exception>
    public UpperQuantile(double q, long count)
    {
        double at = q * (count - 1);
        long first = (long)at;
        _share = at - first;
        if (count - first > MostKept)
            throw new MlffAdException(ExitCode.BadData,
                $"{count} pixels are too many to find their quantile {q}; give fewer images, or a "
                + "quantile nearer to 1.");
        _keep = (int)(count - first);
        _values = new float[Math.Min(count, 2L * _keep)];
    }

    /// <summary>Adds values, in any order, none of them NaN.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (value < _bound) continue;
            if (_count == _values.Length) Cut();
            _values[_count++] = value;
        }
    }

    /// <summary>The quantile, once all values are added.</summary>
    public double Value()
    {
        Cut();
        double low = _values[_keep - 1];
        return _keep > 1 ? low + _share * (_values[_keep - 2] - low) : low;
    }

    /// <summary>Leaves the largest, descending; the others do not count any more.</summary>
    private void Cut()
    {
        var all = _values.AsSpan(0, _count);
        all.Sort();
        all.Reverse();
        if (_count < _keep) return;
        _count = _keep;
        _bound = _values[_keep - 1];
    }
}
