using static System.StringComparison;

namespace MlffAd.Tests.Evaluation;

public sealed class WarningsTests
{
    private static readonly ModelMetadata Fine = new(new Config(), Preprocessing.ImageNet, 1, null,
        new TrainingRecord(2, 200, 0, "shipped", null) { Photographs = 100, LossTrend = 0.95 }, "bottle")
    {
        Quality = new(0.95, 0.9, 10, 40),
    };

    private static readonly ModelMetadata Memory = Fine with
    {
        Config = Preset.Find("memory"),
        Training = new TrainingRecord(1, 40, 0, "shipped", null),
    };

    [Fact]
    public void OfAModelThatIsWellOrSaysNothingThereIsNone()
    {
        Assert.Empty(Warnings.Of(Fine));
        Assert.Empty(Warnings.Of(Memory));
        Assert.Empty(Warnings.Of(Fine with { Quality = null, Training = new TrainingRecord(0, 1, 0, "random", null) }));
    }

    [Theory]
    [InlineData(0.8599, 0.98, "only 85 of 100 pairs of images and 98 of 100 pairs of pixels")]
    [InlineData(0.904, 0.895, "only 90 of 100 pairs of images and 89 of")]
    [InlineData(1, 0.8399, "only 100 of 100 pairs of images and 83 of")]
    [InlineData(0, 1, "only 0 of 100 pairs")]
    [InlineData(0.87, 0.98, null)]
    [InlineData(0.94, 0.91, null)]
    [InlineData(1, 1, null)]
    public void ItIsBadBelowALevel(double image, double pixel, string? said)
    {
        foreach (var model in new[] { Fine, Memory })
        {
            var warnings = Warnings.Of(model with { Quality = new(image, pixel, 10, 40) });
            if (said is null) Assert.Empty(warnings);
            else Assert.Contains(said, Assert.Single(warnings), Ordinal);
        }
    }

    /// <summary>What the other kind of model is good for, and no advice that it cannot follow.</summary>
    [Fact]
    public void EachKindOfModelIsAdvisedOfTheOther()
    {
        var bad = new Quality(0.6, 0.9, 10, 40);
        string network = Assert.Single(Warnings.Of(Fine with { Quality = bad }));
        string memory = Assert.Single(Warnings.Of(Memory with { Quality = bad }));
        Assert.EndsWith("or make a memory (--preset memory).", network, Ordinal);
        Assert.EndsWith("or train the network (--preset fast --memory.size 0).", memory, Ordinal);
        Assert.DoesNotContain("--time-budget", memory, Ordinal);
    }

    [Theory]
    [InlineData(99, "fewer images (99) than there are photographs (100): ")]
    [InlineData(1, "fewer images (1) than")]
    [InlineData(100, null)]
    [InlineData(5000, null)]
    public void EveryPhotographShouldCount(long images, string? said) =>
        Expect(said, Fine with { Training = Fine.Training with { Images = images } });

    [Theory]
    [InlineData(0.86, "the loss was 14% below that of the fifth before. ")]
    [InlineData(0.5, "the loss was 50% below")]
    [InlineData(0.8999, "the loss was 10% below")]
    [InlineData(0.9, null)]
    [InlineData(1.3, null)]
    public void TheLossShouldHaveSettled(double trend, string? said) =>
        Expect(said, Fine with { Training = Fine.Training with { LossTrend = trend } });

    [Fact]
    public void AllOfItIsSaidEachInALine()
    {
        var warnings = Warnings.Of(Fine with
        {
            Quality = new(0.4, 0.4, 1, 4),
            Training = Fine.Training with { Images = 8, LossTrend = 0.2 },
        });
        Assert.Equal(3, warnings.Distinct().Count());
        Assert.All(warnings, warning => Assert.DoesNotContain('\n', warning));
        Assert.All(warnings, warning => Assert.Contains("--time-budget", warning, Ordinal));
    }

    private static void Expect(string? said, ModelMetadata model)
    {
        var warnings = Warnings.Of(model);
        if (said is null) Assert.Empty(warnings);
        else Assert.Contains(said, Assert.Single(warnings), Ordinal);
    }
}
