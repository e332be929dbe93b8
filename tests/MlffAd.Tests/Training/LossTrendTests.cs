namespace MlffAd.Tests.Training;

public sealed class LossTrendTests
{
    [Theory]
    [InlineData(50)]
    [InlineData(60)]
    [InlineData(100)]
    [InlineData(200)]
    [InlineData(400)]
    [InlineData(12800)]
    public void OfStepsThatFillTheirStretchesItIsExact(int steps)
    {
        double[] losses = [.. Enumerable.Range(0, steps).Select(i => 3 + Math.Sin(i * 0.7) - i / (double)steps)];
        int fifth = steps / 5;
        Assert.Equal(losses[^fifth..].Average() / losses[^(2 * fifth)..^fifth].Average(), Of(losses).Ratio!.Value, 12);
    }

    [Theory]
    [InlineData(51)]
    [InlineData(101)]
    [InlineData(201)]
    [InlineData(333)]
    [InlineData(1599)]
    [InlineData(10007)]
    public void OfOthersItIsRightToAStretch(int steps)
    {
        Assert.Equal(1, Of(Enumerable.Repeat(2.5, steps)).Ratio!.Value, 12);
        // From 10 to 5 in a straight line: 5.5 on average over the last fifth, 6.5 over the fifth before.
        Assert.Equal(5.5 / 6.5, Of(Enumerable.Range(0, steps).Select(i => 10 - 5.0 * i / steps)).Ratio!.Value, 0.01);
        // Half as high from some step of the last fifth on.
        double halved = Of(Enumerable.Range(0, steps).Select(i => i < steps * 0.9 ? 2.0 : 1)).Ratio!.Value;
        Assert.Equal(0.75, halved, 0.03);
    }

    [Fact]
    public void OfFewStepsOrOfLossesOfZeroThereIsNone()
    {
        Assert.Null(new LossTrend().Ratio);
        Assert.Null(Of(Enumerable.Repeat(1.0, 49)).Ratio);
        Assert.Null(Of(Enumerable.Repeat(0.0, 80)).Ratio);
    }

    /// <summary>Wherever it is interrupted, and how often.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(150)]
    [InlineData(401)]
    public void AStateBringsItBack(int every)
    {
        double[] losses = [.. Gradients.Random(999, seed: every, scale: 1).Select(v => 2.0 + v)];
        var (whole, broken) = (new LossTrend(), new LossTrend());
        for (int i = 0; i < losses.Length; i++)
        {
            (whole, broken) = (whole.After(losses[i]), broken.After(losses[i]));
            if (i % every == 0) broken = LossTrend.Read(Written(broken))!;
            Assert.InRange(Written(whole).Count, 2, 101);
        }
        Assert.Equal(Written(whole), Written(broken));
        Assert.Equal(whole.Ratio, broken.Ratio);
    }

    [Fact]
    public void AStateOfAnEarlierVersionGoesOnWithoutIt()
    {
        var metadata = new CheckpointMetadata(new Config(), Preprocessing.ImageNet,
            new TrainingRecord(1, 64, 0, "random", null), 7, "bottle", [], new Dictionary<string, double>());
        var state = TrainingState.From(metadata).State;
        Assert.Null(state.Trend);
        state = state.After(new StepResult(new(1, 1, 1, 1), 1), new BatchTicket { Images = 8 }, stepsPerEpoch: 10);
        Assert.Equal((8L, 72L), (state.Step, state.Images));
        Assert.Null(state.Trend);
    }

    [Fact]
    public void StepsThatAreNotFiniteDoNotCount()
    {
        var state = new TrainingState();
        for (int i = 0; i < 60; i++)
        {
            double total = i % 3 == 1 ? double.NaN : 2;
            state =
                state.After(new StepResult(new(total, 1, 1, 1), 1), new BatchTicket { Images = 8 }, stepsPerEpoch: 10);
        }
        Assert.Equal(40, Written(state.Trend!)[TrainingCounters.TrendSteps]);
        Assert.Equal(80, Written(state.Trend!).Where(c => c.Key != TrainingCounters.TrendSteps).Sum(c => c.Value));
    }

    private static LossTrend Of(IEnumerable<double> losses) =>
        losses.Aggregate(new LossTrend(), (trend, loss) => trend.After(loss));

    private static SortedDictionary<string, double> Written(LossTrend trend)
    {
        var counters = new SortedDictionary<string, double>(StringComparer.Ordinal);
        trend.Write(counters);
        return counters;
    }
}
