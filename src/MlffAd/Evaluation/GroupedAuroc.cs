namespace MlffAd.Evaluation;

/// <summary>The AUROC of members that come in groups: of all, and without each group.</summary>
/// <param name="All">Of all members, ties counted half; NaN where there are no defective or no good ones.</param>
/// <param name="Without">For each group, of all members but its own.</param>
internal sealed record GroupedAuroc(double All, IReadOnlyList<double> Without)
{
    /// <summary>Ranks members. One sort serves all weights and groups: what a group contributes are its members' pairs
    /// with all others, less those among themselves.</summary>
    /// <param name="scores">Numbers, one a member.</param>
    /// <param name="groups">Each member's group.</param>
    /// <param name="count">Groups.</param>
    /// <param name="weights">What a defective member counts, above 0; a good one, which counts 1, has 0. One ranking
    /// for each.</param>
    public static GroupedAuroc[] Of(float[] scores, int[] groups, int count, params double[][] weights)
    {
        float[] sorted = [.. scores];
        int[] order = new int[sorted.Length];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort(sorted, order);
        return Array.ConvertAll(weights, w => Of(sorted, order, w, groups, count));
    }

    private static GroupedAuroc Of(float[] sorted, int[] order, double[] weights, int[] groups, int count)
    {
        // Of each group: pairs won by its defective members and by others against its good ones, less those within it;
        // its good members below, those that are tied; its members.
        double[] won = new double[count], bad = new double[count];
        long[] good = new long[count], tied = new long[count];
        double all = 0, allBad = 0, badBelow = 0;
        long goodBelow = 0;
        foreach (double weight in weights) allBad += weight;
        for (int first = 0, next; first < order.Length; first = next)
        {
            double tiedBad = 0;
            long tiedGood = 0;
            for (next = first; next < order.Length && sorted[next] == sorted[first]; next++)
            {
                tiedBad += weights[order[next]];
                if (weights[order[next]] > 0) continue;
                tiedGood++;
                tied[groups[order[next]]]++;
            }
            foreach (int member in order.AsSpan(first, next - first))
            {
                var (group, weight) = (groups[member], weights[member]);
                if (weight > 0)
                {
                    double wins = weight * (goodBelow + 0.5 * tiedGood);
                    all += wins;
                    bad[group] += weight;
                    won[group] += wins - weight * (good[group] + 0.5 * tied[group]);
                }
                else won[group] += allBad - badBelow - 0.5 * tiedBad;
            }
            foreach (int member in order.AsSpan(first, next - first))
            {
                if (weights[member] > 0) continue;
                good[groups[member]]++;
                tied[groups[member]] = 0;
            }
            (goodBelow, badBelow) = (goodBelow + tiedGood, badBelow + tiedBad);
        }
        return new(all / (goodBelow * allBad), [.. Enumerable.Range(0, count).Select(group =>
            (all - won[group]) / ((goodBelow - good[group]) * (allBad - bad[group])))]);
    }
}
