namespace MlffAd.Tests.Evaluation;

/// <summary>Against all pairs, counted one by one.</summary>
public sealed class GroupedAurocTests
{
    [Theory]
    [InlineData(1, 40, 5)]
    [InlineData(2, 200, 7)]
    [InlineData(3, 12, 2)]
    public void ItIsWhatPairsSayWithAndWithoutEachGroup(int seed, int members, int groups)
    {
        var random = new Random(seed);
        float[] scores = [.. Enumerable.Range(0, members).Select(_ => (float)random.Next(12))];   // many ties
        int[] group = [.. Enumerable.Range(0, members).Select(i => i % groups)];
        double[] ones = [.. Enumerable.Range(0, members).Select(i => i / groups % 2 == 0 ? 0.0 : 1)];
        double[] weights = [.. ones.Select(one => one * (0.1 + random.NextDouble()))];
        var found = GroupedAuroc.Of(scores, group, groups, ones, weights);
        foreach (var (auroc, w) in found.Zip(new[] { ones, weights }))
        {
            Assert.Equal(Pairs(-1, w), auroc.All, 1e-12);
            for (int left = 0; left < groups; left++) Assert.Equal(Pairs(left, w), auroc.Without[left], 1e-12);
        }

        double Pairs(int left, double[] w)
        {
            double won = 0, all = 0;
            for (int i = 0; i < members; i++)
                for (int j = 0; j < members; j++)
                {
                    if (group[i] == left || group[j] == left || w[i] == 0 || w[j] > 0) continue;
                    won += w[i] * (scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0);
                    all += w[i];
                }
            return won / all;
        }
    }

    [Fact]
    public void WithoutOneSideThereIsNoNumber() =>
        Assert.True(double.IsNaN(GroupedAuroc.Of([1, 2], [0, 1], 2, [0.0, 0])[0].All));
}
