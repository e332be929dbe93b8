namespace MlffAd.Evaluation;

/// <summary>Linear quantiles: q of n sorted values lies at position q·(n − 1), interpolated between
/// its neighbours.</summary>
public static class Quantile
{
    /// <summary>The <paramref name="q"/> quantile of <paramref name="ascending"/>.</summary>
    /// <exception cref="ArgumentException">No values, or q outside [0, 1].</exception>
    public static double OfSorted(ReadOnlySpan<float> ascending, double q)
    {
        if (ascending.IsEmpty) throw new ArgumentException("No values.", nameof(ascending));
        if (!(q >= 0 && q <= 1)) throw new ArgumentOutOfRangeException(nameof(q), q, "A quantile lies in [0, 1].");
        double at = q * (ascending.Length - 1);
        int below = (int)at;
        double low = ascending[below];
        return below + 1 < ascending.Length ? low + (at - below) * (ascending[below + 1] - low) : low;
    }
}
