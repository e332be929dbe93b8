namespace MlffAd.Tests.Evaluation;

public sealed class Rd4adProTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ItIsTheVariantsDefinitionByBruteForce(int seed)
    {
        var random = new Random(seed);
        const int width = 40, height = 23;
        var mask = new byte[width * height];
        var scores = new float[mask.Length];
        for (int i = 0; i < mask.Length; i++)
        {
            var (y, x) = Math.DivRem(i, width);
            mask[i] = (x is > 4 and < 12 && y is > 3 and < 9) || (x > 30 && y > 15) ? (byte)1 : (byte)0;
            scores[i] = random.NextSingle() * 3 + 2 * mask[i] - (x > 20 ? 1 : 0);
        }
        Assert.Equal(Definition(scores, mask, width, height, 0.3),
            Rd4adPro.Of(new ScoreMap(width, height, scores), mask)!.Value, 1e-9);
    }

    [Fact]
    public void WithoutADefectOrADifferenceThereIsNoCurve()
    {
        Assert.Null(Rd4adPro.Of(new ScoreMap(2, 1, [1, 2]), [0, 0]));
        Assert.Null(Rd4adPro.Of(new ScoreMap(2, 1, [1, 1]), [0, 1]));
    }

    private static double Definition(float[] scores, byte[] mask, int width, int height, double limit)
    {
        // The two-dimensional Gaussian in one sum, on an explicitly mirrored image.
        int Fold(int i, int n) => i < 0 ? Fold(-1 - i, n) : i >= n ? Fold(2 * n - 1 - i, n) : i;
        double Tap(int d) => Math.Exp(-d * d / 32.0) / Enumerable.Range(-16, 33).Sum(k => Math.Exp(-k * k / 32.0));
        double[] taps = [.. Enumerable.Range(-16, 33).Select(Tap)];
        double[] smooth = [.. Enumerable.Range(0, scores.Length).Select(i =>
        {
            double sum = 0;
            for (int dy = -16; dy <= 16; dy++)
                for (int dx = -16; dx <= 16; dx++)
                    sum += taps[dy + 16] * taps[dx + 16] * scores[Fold(i / width + dy, height) * width
                        + Fold(i % width + dx, width)];
            return sum;
        })];
        var regions = Oracles.Regions(mask, width);
        double[] good = [.. smooth.Where((_, i) => mask[i] == 0)];
        double low = smooth.Min(), high = smooth.Max();
        CurvePoint[] points = [.. Enumerable.Range(0, 200).Select(k => low + k * (high - low) / 200)
            .Select(t => new CurvePoint(good.Count(s => s > t) / (double)good.Length,
                regions.Average(region => region.Count(i => smooth[i] > t) / (double)region.Count)))
            .Where(point => point.X < limit).Reverse()];
        double widest = points.Max(point => point.X);
        return points.Zip(points.Skip(1), (a, b) => (b.X - a.X) / widest * (a.Y + b.Y) / 2).Sum();
    }
}
