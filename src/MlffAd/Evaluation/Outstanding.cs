namespace MlffAd.Evaluation;

/// <summary>Scores that stand so far above the others that their images are hardly good parts.</summary>
public static class Outstanding
{
    /// <summary>Which scores do. The largest: where, measured from the median of the others, it is above twice their 90
    /// % quantile. Several, but fewer than half: where the smallest of them is above twice the largest of the others,
    /// measured so, and above twice what the 90 % quantile was before; above ten times where no scores from before are
    /// known, since few good images fall into such groups by chance.</summary>
    /// <param name="scores">The scores, in any order.</param>
    /// <param name="before">Scores of good images that are known, and the threshold of now: where no score is above it,
    /// none stands out, since none would raise it. Null for none.</param>
    /// <returns>Their places in <paramref name="scores"/>, the largest first.</returns>
    public static IReadOnlyList<int> Of(IReadOnlyList<float> scores, Calibration? before)
    {
        ArgumentNullException.ThrowIfNull(scores);
        int[] order = [.. Enumerable.Range(0, scores.Count).OrderBy(i => scores[i])];
        float[] sorted = Array.ConvertAll(order, i => scores[i]);
        if (before is not null && scores.All(score => score <= before.Threshold)) return [];
        double usual = before is null ? 0 : Above([.. before.Scores], 0.9);
        int times = before is null ? 10 : 2;
        for (int count = (scores.Count - 1) / 2; count > 1; count--)
        {
            var others = sorted.AsSpan(0, sorted.Length - count);
            double least = sorted[^count] - Quantile.OfSorted(others, 0.5);
            if (least > times * Above(others, 1) && least > 2 * usual) return [.. order.TakeLast(count).Reverse()];
        }
        if (sorted.Length < 2) return [];
        var rest = sorted.AsSpan(0, sorted.Length - 1);
        return sorted[^1] - Quantile.OfSorted(rest, 0.5) > 2 * Above(rest, 0.9) ? [order[^1]] : [];
    }

    /// <summary>How far a quantile lies above the median.</summary>
    private static double Above(ReadOnlySpan<float> sorted, double quantile) =>
        Quantile.OfSorted(sorted, quantile) - Quantile.OfSorted(sorted, 0.5);
}
