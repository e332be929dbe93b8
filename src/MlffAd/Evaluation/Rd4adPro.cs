namespace MlffAd.Evaluation;

/// <summary>Per-region overlap as the code of RD4AD and its many descendants compute it, for comparison with the
/// literature's tables (spec §9).</summary>
/// <remarks>It differs from the benchmark's own definition in four ways: the map is smoothed, 200 equal steps replace
/// the distinct scores, false-positive rates are one image's own, and the area is divided by the largest rate that
/// occurs below the limit.</remarks>
public static class Rd4adPro
{
    private const int Steps = 200, Radius = 16;
    private const double Sigma = 4;

    /// <summary>The overlap of one defective image; null where the curve has no width (no
    /// defect, a flat map).</summary>
    /// <param name="map">The image's pixel scores, not smoothed.</param>
    /// <param name="mask">1 where the defect is, 0 elsewhere, row-major, of the map's size.</param>
    /// <param name="limit">Points with a false-positive rate below it count.</param>
    public static double? Of(ScoreMap map, byte[] mask, double limit = 0.3)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(mask);
        double[] scores = Smooth(map);
        double low = scores.Min(), step = (scores.Max() - low) / Steps;
        Components found = Components.Of(mask, map.Width);
        int good = mask.Count(pixel => pixel == 0);
        if (found.Count == 0 || good == 0 || step == 0) return null;

        // A pixel counts at the thresholds low + k·step, k < n, that it exceeds: tallied under n, summed from the top.
        var goodAt = new long[Steps + 1];
        var coveredAt = new double[Steps + 1];
        for (int i = 0; i < scores.Length; i++)
        {
            int n = Math.Clamp((int)((scores[i] - low) / step), 0, Steps);
            while (n < Steps && scores[i] > low + n * step) n++;
            while (n > 0 && scores[i] <= low + (n - 1) * step) n--;
            if (mask[i] != 0) coveredAt[n] += 1.0 / found.Areas[found.Labels[i] - 1];
            else goodAt[n]++;
        }

        var points = new List<CurvePoint>();
        long passed = 0;
        double covered = 0;
        for (int n = Steps; n > 0; n--)
        {
            passed += goodAt[n];
            covered += coveredAt[n];
            double rate = (double)passed / good;
            if (rate < limit) points.Add(new(rate, covered / found.Count));
        }
        double widest = points.Count == 0 ? 0 : points[^1].X;
        return widest == 0 ? null : points.Zip(points.Skip(1), (a, b) => (b.X - a.X) * (a.Y + b.Y) / 2).Sum() / widest;
    }

    /// <summary>Gaussian, σ = 4, 33 taps, borders mirrored about the edge of the outer pixel (c b a | a b c).</summary>
    private static double[] Smooth(ScoreMap map)
    {
        double[] taps = [.. Enumerable.Range(-Radius, 2 * Radius + 1)
            .Select(d => Math.Exp(-0.5 * d * d / (Sigma * Sigma)))];
        double sum = taps.Sum();
        for (int i = 0; i < taps.Length; i++) taps[i] /= sum;
        double[] scores = Array.ConvertAll(map.Values, score => (double)score);
        return Pass(Pass(scores, map.Width, map.Height, 1, map.Width), map.Height, map.Width, map.Width, 1);

        double[] Pass(double[] source, int length, int lines, int stride, int lineStride)
        {
            var target = new double[source.Length];
            for (int line = 0; line < lines; line++)
                for (int i = 0; i < length; i++)
                {
                    double total = 0;
                    for (int d = -Radius; d <= Radius; d++)
                        total += taps[d + Radius] * source[line * lineStride + Mirror(i + d, length) * stride];
                    target[line * lineStride + i * stride] = total;
                }
            return target;
        }
    }

    private static int Mirror(int i, int length)
    {
        int folded = ((i % (2 * length)) + 2 * length) % (2 * length);
        return folded < length ? folded : 2 * length - 1 - folded;
    }
}
