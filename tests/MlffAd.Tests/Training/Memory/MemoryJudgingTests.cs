using static System.StringComparison;

namespace MlffAd.Tests.Training;

/// <summary>No good image is judged by a memory of itself.</summary>
public sealed class MemoryJudgingTests
{
    /// <summary>All cells of ten images, which then are at no distance from the memory.</summary>
    private static readonly Config Whole = MemoryFolder.Of(MemoryFolder.Tiny,
        ("memory.candidates", "1000"), ("memory.size", "1000"), ("memory.smooth", "0"));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void OneToThreeImagesTakeAThresholdThatIsGiven(int images)
    {
        using var folder = new MemoryFolder(images);
        Assert.Contains("too few", MemoryFolder.Refused(folder.Request(), ExitCode.BadData).Message, Ordinal);
        MemoryFolder.Refused(folder.Request() with { Threshold = 1 }, ExitCode.BadData);
        var alone = folder.Request(MemoryFolder.Tiny.With("train.holdout", "0"));
        MemoryFolder.Refused(alone, ExitCode.BadData);
        Assert.False(File.Exists(folder.In("m.mlffad")));
        MemoryFolder.Make(alone with { Threshold = 1.5f });
        var model = Model.Load(folder.In("m.mlffad"));
        var m = model.Metadata;
        Assert.Equal((1.5f, 1.5f, null), (m.Threshold, m.PixelThreshold, m.Calibration));
        Assert.All(MemoryFolder.Scores(model, folder.Items), score => Assert.True(float.IsFinite(score)));
    }

    /// <summary>The scores are those that memories of the others give, made by hand.</summary>
    [Theory]
    [InlineData(5, "none")]
    [InlineData(4, "place")]
    [InlineData(4, "vector")]
    public void FourToSevenAreJudgedEachByAMemoryOfTheOthers(int images, string scaling)
    {
        using var folder = new MemoryFolder(images);
        var config = MemoryFolder.Tiny.With("memory.scaling", scaling);
        var (_, said) = MemoryFolder.Make(folder.Request(config));
        var calibration = Model.Load(folder.In("m.mlffad")).Metadata.Calibration!;
        string rests = $"The threshold rests on {images} images, each judged by a memory of the others";
        Assert.Contains(said, line => line.StartsWith(rests, Ordinal));
        var scores = new List<float>();
        for (int left = 0; left < images; left++)
        {
            string others = $"without-{left}";
            for (int i = 0; i < images; i++)
                if (i != left) folder.Draw($"{i:00}.png", i, folder: others);
            var request = folder.Request(config.With("train.holdout", "0"), "one.mlffad", others);
            MemoryFolder.Make(request with { Threshold = 1 });
            scores.AddRange(MemoryFolder.Scores(Model.Load(folder.In("one.mlffad")), [folder.Items[left]]));
        }
        Assert.Equal(scores.Order(), calibration.Scores);
    }

    [Fact]
    public void EightAndMoreAreJudgedByTheWholeMemoryButTheirOwnCells()
    {
        using var folder = new MemoryFolder(images: 8);
        var model = folder.Made(Whole);
        Assert.Equal(8 * 64, model.Metadata.Config.Memory.Size);
        // The memory holds every cell: an image that it judged with its own would be at distance 0.
        Assert.All(MemoryFolder.Scores(model, folder.Items), score => Assert.Equal(0, score));
        Assert.All(model.Metadata.Calibration!.Scores, score => Assert.True(score > 0.01, $"{score}"));
        Assert.Equal(8, model.Metadata.Calibration.Images);
        Assert.Equal(model.Metadata.Calibration.Scores,
            MemoryFolder.Scores(model, folder.Items, groups: MemoryFolder.Groups(folder.Items)).Order());
    }

    /// <summary>In folds and in turn. Places would count a little more for the copy.</summary>
    [Theory]
    [InlineData(7)]
    [InlineData(9)]
    public void ACopyOfAnImageDoesNotVouchForIt(int images)
    {
        using var folder = new MemoryFolder(images - 2);
        var config = Whole.With("memory.place", "0");
        folder.Draw("odd.png", 50, odd: true);
        float alone = folder.Made(config).Metadata.Calibration!.Scores[^1];
        folder.Draw("zz/copy.png", 50, odd: true);
        folder.Reword("zz/copy.png");
        var scores = folder.Made(config).Metadata.Calibration!.Scores;
        Assert.Equal(images, scores.Count);
        Assert.Equal([alone, alone], scores.TakeLast(2));
        Assert.True(alone > 1.5 * scores[^3], $"{alone} against {scores[^3]}");
    }

    [Fact]
    public void WhereTwentyAreHeldOutTheMemoryKnowsNothingOfThem()
    {
        using var folder = new MemoryFolder(images: 26);
        var config = MemoryFolder.Of(Whole, ("train.holdout", "0.75"));
        var model = folder.Made(config);
        var (remembered, held) = Holdout.Split(folder.Items, 0.75);
        Assert.Equal((6, 20), (remembered.Count, held.Count));
        Assert.Equal((6L, 26), (model.Metadata.Training.Images, model.Metadata.Calibration!.Images));
        Assert.Equal([0f, 1f, 2f, 3f, 4f, 5f], model.Weights[MemoryNetwork.Groups].ToArray().Distinct().Order());
        Assert.All(MemoryFolder.Scores(model, remembered), score => Assert.Equal(0, score));
        Assert.All(model.Metadata.Calibration.Scores, score => Assert.True(score > 0.01));
        // The remembered ones count, each without itself, lower by what their median lies above that of the others.
        float[] unknown = MemoryFolder.Scores(model, held), own = MemoryFolder.Scores(model, remembered,
            groups: MemoryFolder.Groups(remembered));
        float above = (float)(Quantile.OfSorted([.. own.Order()], 0.5) - Quantile.OfSorted([.. unknown.Order()], 0.5));
        Assert.Equal(unknown.Concat(own.Select(score => score - MathF.Max(0, above))).Order(),
            model.Metadata.Calibration.Scores, (a, b) => Math.Abs(a - b) < 1e-5);
    }

    /// <summary>Whatever the threshold rests on: a memory of all cells finds none at a distance but by other
    /// images.</summary>
    [Theory]
    [InlineData("place", 3, "0")]
    [InlineData("vector", 3, "0")]
    [InlineData("place", 5, "0.1")]
    [InlineData("vector", 5, "0.1")]
    [InlineData("place", 9, "0.1")]
    [InlineData("vector", 9, "0.1")]
    [InlineData("place", 26, "0.75")]
    public void ScalesComeFromGoodImagesHoweverTheyAreJudged(string scaling, int images, string holdout)
    {
        using var folder = new MemoryFolder(images);
        var config = MemoryFolder.Of(Whole, ("memory.scaling", scaling), ("train.holdout", holdout));
        MemoryFolder.Make(folder.Request(config) with { Threshold = holdout == "0" ? 1 : null });
        var model = Model.Load(folder.In("m.mlffad"));
        float[] scales = model.Weights[MemoryNetwork.Scales].ToArray();
        Assert.Equal(scaling == "place" ? 2 * 64 : 2 * model.Metadata.Config.Memory.Size, scales.Length);
        Assert.All(scales.Chunk(2), row => Assert.True(row[0] > 0 && row[1] > 0, $"shift {row[0]}, factor {row[1]}"));
        folder.Draw("zz.png", 99, odd: true);
        float[] scores = MemoryFolder.Scores(model, folder.Items);
        Assert.True(scores[^1] > Math.Max(1, scores[..^1].Max()), $"{scores[^1]} against {scores[..^1].Max()}");
    }

    /// <summary>Counts, means and variances with 5 cells of the overall ones, done by hand.</summary>
    [Fact]
    public void ScalesAreMeansAndDeviationsWithAPrior()
    {
        var picture = new Picture(new("", "", DataSet.Good), Owner: 1);
        var scales = new MemoryScales(3, byVector: true);
        var other = new Measured(picture, [7, 8, 9], [2, 1, 0]);
        scales.Add(other);
        scales.Add(new(picture, [1, 2, 30], [0, 0, 2]));
        scales.Add(new(picture, [3, float.NaN, 5], [0, 1, -1]));
        scales.Remove(other);
        double mean = 36 / 4.0, variance = (1 + 4 + 9 + 900) / 4.0 - mean * mean, deviation = Math.Sqrt(variance);
        (double, double) Row(double n, double sum, double squares)
        {
            double shift = (sum + 5 * mean) / (n + 5), square = (squares + 5 * (variance + mean * mean)) / (n + 5);
            return (shift, 1 / (Math.Sqrt(square - shift * shift) + deviation));
        }
        var due = new[] { Row(3, 6, 14), Row(0, 0, 0), Row(1, 30, 900) };
        foreach (var ((shift, factor), row) in due.Zip(scales.Rows().Chunk(2)))
        {
            Assert.Equal(shift, row[0], 1e-5);
            Assert.Equal(factor, row[1], 1e-6);
        }
        Assert.Equal([0, 1, 0, 1], new MemoryScales(2, byVector: false).Rows());
    }
}
