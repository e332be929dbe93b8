using CsCheck;

namespace MlffAd.Tests.Evaluation;

public sealed class RankingTests
{
    private const double Tolerance = 1e-12;

    /// <summary>Scores on a coarse grid, so that ties are many, −0 among them.</summary>
    private static readonly Gen<float> CoarseScore = Gen.Int[-6, 6].Select(i => i == 6 ? -0f : i / 4f);

    private static readonly Gen<(float Score, bool Defective)[]> Members =
        Gen.OneOf(CoarseScore, Gen.Single[-1e3f, 1e3f])
            .Select(Gen.Bool, (score, defective) => (score, defective)).Array[1, 40];

    private static readonly Gen<(ScoreMap Map, byte[] Mask)[]> Images =
        Gen.Select(CoarseScore.Array[48], Gen.Int[0, 3].Array[48]).Select((scores, mask) =>
            (new ScoreMap(8, 6, scores), Array.ConvertAll(mask, value => value == 0 ? (byte)1 : (byte)0))).Array[1, 4];

    [Fact]
    public void EveryMetricIsItsDefinitionByBruteForce() => Members.Sample(members =>
    {
        var (scores, defective) = Split(members);
        Ranking ranking = Ranking.Of(scores, defective);
        Near(Oracles.Auroc(scores, defective), ranking.Auroc());
        Near(Oracles.AveragePrecision(scores, defective), ranking.AveragePrecision());
        Near(Oracles.F1Max(scores, defective)?.Value, ranking.F1Max()?.Value);
        Assert.Equal(Oracles.F1Max(scores, defective)?.Threshold, ranking.F1Max()?.Threshold);
    }, iter: 2000);

    [Fact]
    public void OverlapIsItsDefinitionByBruteForce() =>
    Gen.Select(Images, Gen.Double[0.02, 1])
        .Sample((images, limit) => Near(Oracles.Pro(images, limit), Rank(images).Pro(limit)), iter: 300);

    [Fact]
    public void AMonotoneMapOfTheScoresChangesNoMetric() => Images.Sample(images =>
    {
        Ranking before = Rank(images);
        Ranking after = Rank(
            [
                .. images.Select(image =>
                    (new ScoreMap(8, 6, Array.ConvertAll(image.Map.Values, s => MathF.Exp(2 * s) - 40)), image.Mask))]);
        Assert.Equal(before.Auroc(), after.Auroc());
        Assert.Equal(before.AveragePrecision(), after.AveragePrecision());
        Assert.Equal(before.F1Max()?.Value, after.F1Max()?.Value);
        Assert.Equal(before.Pro(), after.Pro());
    }, iter: 300);

    [Fact]
    public void MetricsLieInTheirBoundsAndNegatedScoresTurnAurocRound() => Members.Sample(members =>
    {
        var (scores, defective) = Split(members);
        Ranking ranking = Ranking.Of(scores, defective);
        foreach (double? value in new[] { ranking.Auroc(), ranking.AveragePrecision(), ranking.F1Max()?.Value,
            ranking.Pro() })
            Assert.True(value is null or (>= 0 and <= 1));
        Near(1 - ranking.Auroc(), Ranking.Of(Array.ConvertAll(scores, s => -s), defective).Auroc());
    }, iter: 2000);

    [Fact]
    public void PerfectSeparationGivesOneAndConstantScoresAHalf()
    {
        Ranking perfect = Ranking.Of([1, 2, 3, 4], [false, false, true, true]);
        Assert.Equal((1.0, 1.0, new BestF1(1, 3), 1.0),
            (perfect.Auroc(), perfect.AveragePrecision(), perfect.F1Max(), perfect.Pro()));
        Assert.Equal(0.5, Ranking.Of([7, 7, 7], [false, true, false]).Auroc());
    }

    [Fact]
    public void InfinitiesRankBeyondEveryNumber() =>
        Assert.Equal(1, Ranking.Of([float.NegativeInfinity, -float.MaxValue, float.MaxValue, float.PositiveInfinity],
            [false, false, true, true]).Auroc());

    [Fact]
    public void MetricsWithoutTheMembersTheyCompareAreNull()
    {
        Ranking good = Ranking.Of([1, 2], [false, false]);
        Ranking defective = Ranking.Of([1, 2], [true, true]);
        Ranking none = Ranking.Of([], []);
        Assert.Equal((null, null, null, null), (good.Auroc(), good.AveragePrecision(), good.F1Max(), good.Pro()));
        Assert.Equal((null, null, null, null),
            (defective.Auroc(), defective.AveragePrecision(), defective.F1Max(), defective.Pro()));
        Assert.Equal((null, null, null, null), (none.Auroc(), none.AveragePrecision(), none.F1Max(), none.Pro()));
        Assert.Empty(good.Roc());
        Assert.Empty(good.ProCurve());
        Assert.Empty(good.PrecisionRecall());
    }

    [Fact]
    public void AScoreThatIsNoNumberIsRefused() =>
    Assert.Throws<ArgumentException>(() => Ranking.Of([1, float.NaN], [true, false]));

    [Fact]
    public void AKindIsRankedAgainstTheGoodImagesAlone()
    {
        var (good, hole, stain) =
            (new ScoreMap(2, 2, [1, 2, 3, 4]), new ScoreMap(2, 2, [5, 0, 2, 3]), new ScoreMap(2, 2, [9, 9, 9, 9]));
        var all = new PixelScores();
        all.Add("stain", stain, [1, 0, 0, 1]);
        all.Add("good", good, null);
        all.Add("hole", hole, [1, 0, 1, 0]);
        var alone = new PixelScores();
        alone.Add("good", good, null);
        alone.Add("hole", hole, [1, 0, 1, 0]);
        Ranking expected = alone.Rank(), ranking = all.Rank("hole");
        Assert.Equal(expected.Auroc(), ranking.Auroc());
        Assert.Equal(expected.AveragePrecision(), ranking.AveragePrecision());
        Assert.Equal(expected.Pro(), ranking.Pro());
        Assert.Null(all.Rank("good").Auroc());
        Assert.NotEqual(all.Rank().Auroc(), ranking.Auroc());
    }

    [Fact]
    public void CurvesRunFromCornerToCornerAndAreThinned()
    {
        var random = new Random(5);
        float[] scores = [.. Enumerable.Range(0, 20_000).Select(_ => random.NextSingle())];
        Ranking ranking = Ranking.Of(scores, Array.ConvertAll(scores, s => random.NextSingle() < s));
        IReadOnlyList<CurvePoint> roc = ranking.Roc();
        Assert.Equal((new CurvePoint(0, 0), new CurvePoint(1, 1)), (roc[0], roc[^1]));
        Assert.True(roc.Zip(roc.Skip(1)).All(pair => pair.Second.X >= pair.First.X && pair.Second.Y >= pair.First.Y));
        Assert.InRange(roc.Count, 300, 1002);
        double area = roc.Zip(roc.Skip(1), (a, b) => (b.X - a.X) * (a.Y + b.Y) / 2).Sum();
        Assert.Equal(ranking.Auroc()!.Value, area, 1e-3);
        Assert.Equal(1, ranking.PrecisionRecall()[^1].X);
        // one component: its covered share is recall
        Assert.All(roc.Zip(ranking.ProCurve()), pair => Assert.Equal(pair.First.Y, pair.Second.Y, Tolerance));
    }

    private static Ranking Rank(IEnumerable<(ScoreMap Map, byte[] Mask)> images)
    {
        var pixels = new PixelScores();
        foreach (var (map, mask) in images) pixels.Add("hole", map, mask);
        return pixels.Rank();
    }

    private static (float[], bool[]) Split((float Score, bool Defective)[] members) =>
        ([.. members.Select(m => m.Score)], [.. members.Select(m => m.Defective)]);

    private static void Near(double? expected, double? actual)
    {
        Assert.Equal(expected is null, actual is null);
        if (expected is { } value) Assert.Equal(value, actual!.Value, Tolerance);
    }
}
