namespace MlffAd.Tests.Evaluation;

/// <summary>The metrics written down as their definitions, without sorting, in quadratic time.</summary>
internal static class Oracles
{
    public static double? Auroc(float[] scores, bool[] defective)
    {
        var (wins, pairs) = (0.0, 0);
        foreach (int p in Where(defective, true))
            foreach (int n in Where(defective, false))
            {
                wins += scores[p] > scores[n] ? 1 : scores[p] == scores[n] ? 0.5 : 0;
                pairs++;
            }
        return pairs == 0 ? null : wins / pairs;
    }

    public static double? AveragePrecision(float[] scores, bool[] defective)
    {
        if (!defective.Contains(true) || !defective.Contains(false)) return null;
        var (sum, recall) = (0.0, 0.0);
        foreach (float t in Thresholds(scores))
        {
            var (tp, fp, fn) = Confusion(scores, defective, t);
            double r = (double)tp / (tp + fn);
            sum += (r - recall) * tp / (tp + fp);
            recall = r;
        }
        return sum;
    }

    public static BestF1? F1Max(float[] scores, bool[] defective)
    {
        if (!defective.Contains(true) || !defective.Contains(false)) return null;
        return Thresholds(scores).Select(t =>
        {
            var (tp, fp, fn) = Confusion(scores, defective, t);
            return new BestF1(2.0 * tp / (2 * tp + fp + fn), t);
        }).OrderByDescending(f1 => f1.Value).ThenBy(f1 => f1.Threshold).First();
    }

    public static double? Pro(IReadOnlyList<(ScoreMap Map, byte[] Mask)> images, double limit)
    {
        float[] scores = [.. images.SelectMany(image => image.Map.Values)];
        byte[] masks = [.. images.SelectMany(image => image.Mask)];
        List<float[]> regions = [
            .. images.SelectMany(image => Regions(image.Mask, image.Map.Width)
                .Select(region => region.Select(i => image.Map.Values[i]).ToArray()))];
        float[] good = [.. scores.Where((_, i) => masks[i] == 0)];
        if (regions.Count == 0 || good.Length == 0) return null;
        List<CurvePoint> curve =
        [
            new(0, 0),
            .. Thresholds(scores)
                .Select(t => new CurvePoint(good.Count(s => s >= t) / (double)good.Length,
                    regions.Average(region => region.Count(s => s >= t) / (double)region.Length))),
        ];
        double area = 0;
        foreach (var (a, b) in curve.Zip(curve.Skip(1)))
        {
            if (a.X >= limit) break;
            double end = Math.Min(b.X, limit), y = a.X == b.X ? b.Y : a.Y + (b.Y - a.Y) * (end - a.X) / (b.X - a.X);
            area += (end - a.X) * (a.Y + y) / 2;
        }
        return area / limit;
    }

    /// <summary>Components by repeatedly giving neighbours the smaller of their labels.</summary>
    public static List<List<int>> Regions(byte[] mask, int width)
    {
        int[] label = [.. Enumerable.Range(0, mask.Length)];
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int i = 0; i < mask.Length; i++)
                for (int j = 0; j < mask.Length; j++)
                    if (mask[i] + mask[j] == 2 && Math.Abs(i / width - j / width) <= 1
                        && Math.Abs(i % width - j % width) <= 1 && label[j] > label[i])
                        (label[j], changed) = (label[i], true);
        }
        return [.. Enumerable.Range(0, mask.Length).Where(i => mask[i] == 1).GroupBy(i => label[i])
            .Select(region => region.ToList())];
    }

    private static IEnumerable<int> Where(bool[] defective, bool value) =>
        Enumerable.Range(0, defective.Length).Where(i => defective[i] == value);

    private static float[] Thresholds(float[] scores) => [.. scores.Distinct().OrderDescending()];

    private static (int Tp, int Fp, int Fn) Confusion(float[] scores, bool[] defective, float t) => (
        Where(defective, true).Count(i => scores[i] >= t), Where(defective, false).Count(i => scores[i] >= t),
        Where(defective, true).Count(i => scores[i] < t));
}
