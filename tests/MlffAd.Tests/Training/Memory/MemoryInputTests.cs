using static System.StringComparison;

namespace MlffAd.Tests.Training;

/// <summary>Few, broken and odd images, little time, and what the keys of a memory do.</summary>
public sealed class MemoryInputTests
{
    [Fact]
    public void FewerCellsThanAreAskedForAreAllRemembered()
    {
        using var folder = new MemoryFolder(images: 8);
        var config = MemoryFolder.Of(MemoryFolder.Tiny, ("memory.candidates", "900"), ("memory.size", "700"));
        var (_, said) = MemoryFolder.Make(folder.Request(config));
        Assert.Contains(
            "Of 512 cells drawn from 8 images 512 differ: all of these are remembered instead of 700.", said);
        Assert.Equal(512, Model.Load(folder.In("m.mlffad")).Metadata.Config.Memory.Size);
    }

    /// <summary>All alike, or each of its own grey: in folds, in turn, and held out.</summary>
    [Theory]
    [InlineData(4, false, "0.1")]
    [InlineData(9, false, "0.1")]
    [InlineData(26, false, "0.75")]
    [InlineData(9, true, "0.1")]
    public void ImagesOfOneColourMakeAMemoryThatIsSmallAndSaysSo(int images, bool differ, string holdout)
    {
        using var folder = new MemoryFolder(images: 0);
        for (int i = 0; i < images; i++)
        {
            folder.Fill($"{i}.png", (byte)(differ ? 90 + 10 * i : 128));
            if (!differ) folder.Reword($"{i}.png");
        }
        var config = MemoryFolder.Of(MemoryFolder.Tiny, ("train.holdout", holdout), ("memory.size", "400"));
        var (_, said) = MemoryFolder.Make(folder.Request(config));
        var model = Model.Load(folder.In("m.mlffad"));
        float[] scores = MemoryFolder.Scores(model, folder.Items);
        Assert.All(model.Metadata.Calibration!.Scores, score => Assert.InRange(score, 0, differ ? float.MaxValue : 0));
        if (differ) return;
        Assert.All(scores, score => Assert.Equal(0, score));
        Assert.InRange(model.Metadata.Config.Memory.Size, 1, 64);
        Assert.Contains(said, line => line.Contains("differ", Ordinal));
        folder.Draw("other.png", 1);
        Assert.True(MemoryFolder.Scores(model, folder.Items)[^1] > 1);
    }

    [Fact]
    public void OneVectorThatWasAskedForIsNoReasonToDoubtTheImages()
    {
        using var folder = new MemoryFolder(images: 8);
        var (_, said) = MemoryFolder.Make(folder.Request(MemoryFolder.Tiny.With("memory.size", "1")));
        Assert.DoesNotContain(said, line => line.Contains("alike", Ordinal));
    }

    /// <summary>By folds, in turn, and held out.</summary>
    [Theory]
    [InlineData(6, "0.1")]
    [InlineData(9, "0.1")]
    [InlineData(26, "0.75")]
    public void UnreadableImagesCountTowardsMaxBadAndAreNamedOnce(int images, string holdout)
    {
        using var folder = new MemoryFolder(images);
        File.WriteAllText(folder.In("parts/05.png"), "no image");
        var request = folder.Request(MemoryFolder.Tiny.With("train.holdout", holdout));
        var refused = MemoryFolder.Refused(request with { MaxBad = 0.01 }, ExitCode.BadData);
        Assert.Contains("05.png", refused.Message, Ordinal);
        Assert.False(File.Exists(folder.In("m.mlffad")));
        var (outcome, said) = MemoryFolder.Make(request with { MaxBad = 0.17 });
        Assert.Single(said, line => line.Contains("05.png", Ordinal));
        var metadata = Model.Load(folder.In("m.mlffad")).Metadata;
        int remembered = images - (holdout == "0.75" ? 20 : 0);
        // The remembered judge as well, each without itself.
        Assert.Equal(images - 1, metadata.Calibration!.Images);
        Assert.InRange(metadata.Training.Images, remembered - 1, remembered);
        Assert.Equal(metadata.Training.Images, outcome.Images);
    }

    /// <summary>The rule for 1 to 3 images holds for those that can be read.</summary>
    [Theory]
    [InlineData(5, 2)]
    [InlineData(9, 6)]
    public void TooFewThatCanBeReadSetNoThreshold(int images, int broken)
    {
        using var folder = new MemoryFolder(images);
        for (int i = 0; i < broken; i++) File.WriteAllText(folder.In($"parts/0{i}.png"), "no image");
        var refused = MemoryFolder.Refused(folder.Request() with { MaxBad = 1 }, ExitCode.BadData);
        Assert.StartsWith("3 good images are too few to set a threshold with", refused.Message, Ordinal);
        Assert.False(File.Exists(folder.In("m.mlffad")));
    }

    [Fact]
    public void WhereNothingIsLeftToJudgeCopiesByThatIsSaid()
    {
        using var folder = new MemoryFolder(images: 0);
        for (int i = 0; i < 9; i++)
        {
            folder.Draw($"copy{i}.png", seed: 1);
            folder.Reword($"copy{i}.png");
        }
        var (_, said) = MemoryFolder.Make(folder.Request());
        Assert.Contains(said, line => line.Contains("judges that image too: the threshold says little.", Ordinal));
        using var others = new MemoryFolder(images: 9);
        (_, said) = MemoryFolder.Make(others.Request());
        Assert.DoesNotContain(said, line => line.Contains("judges that image too", Ordinal));
    }

    [Fact]
    public void AFolderOfNoGoodImagesIsRefused()
    {
        using var folder = new MemoryFolder(images: 0);
        folder.Draw("0.png", 1, folder: "set/test/good");
        var config = MemoryFolder.Tiny.With("train.holdout", "0");
        var e = MemoryFolder.Refused(folder.Request(config, folder: "set") with { Threshold = 5 }, ExitCode.BadData);
        Assert.Contains("has no good images to learn from; they belong in", e.Message, Ordinal);
    }

    [Fact]
    public void MoreVectorsThanCanBeChosenFromManyPhotographsAreRefused()
    {
        using var folder = new MemoryFolder(images: 9);
        using var device = Device.Open("cpu", 1);
        var keys = MemoryFolder.Of(MemoryFolder.Tiny, ("memory.candidates", "1000000"), ("memory.size", "1000000"),
            ("memory.width", "512"), ("memory.place", "0"));
        var request = folder.Request(keys);
        using var maker = new MemoryMaker(request, InitialWeights.ForMemory(request, _ => { }), device, _ => { },
            default)
        {
            LotImages = 1,
        };
        var e = Assert.Throws<MlffAdException>(() => maker.Make(folder.Items, [], new Rejects(9, 0)));
        Assert.Equal((ExitCode.Usage, "memory.size 1,000,000 is too large for 9 photographs: take at most 466,033."),
            (e.Code, e.Message));
    }

    [Fact]
    public void LittleTimeMakesASmallerMemoryAndSaysSo()
    {
        using var folder = new MemoryFolder(images: 8);
        var (_, said) = MemoryFolder.Make(folder.Request() with { TimeBudget = TimeSpan.FromMilliseconds(1) });
        Assert.Contains(said, line => line.StartsWith("The time is too short for these photographs", Ordinal));
        Assert.DoesNotContain(said, line => line.Contains("alike", Ordinal));
        Assert.InRange(Model.Load(folder.In("m.mlffad")).Metadata.Config.Memory.Size, 1, 59);
        (_, said) = MemoryFolder.Make(folder.Request() with { TimeBudget = TimeSpan.FromMinutes(5) });
        Assert.DoesNotContain(said, line => line.Contains("time", Ordinal));
        Assert.Equal(60, Model.Load(folder.In("m.mlffad")).Metadata.Config.Memory.Size);
    }

    /// <summary>To a smaller memory good parts are stranger, and the threshold must know.</summary>
    [Fact]
    public void WithLittleTimeFewImagesAreJudgedBySmallerMemoriesToo()
    {
        using var folder = new MemoryFolder(images: 5);
        MemoryFolder.Make(folder.Request() with { TimeBudget = TimeSpan.FromMilliseconds(1) });
        var little = Model.Load(folder.In("m.mlffad")).Metadata;
        var same = folder.Made(MemoryFolder.Tiny.With("memory.size", $"{little.Config.Memory.Size}")
            .With("memory.candidates", $"{little.Config.Memory.Candidates}")).Metadata;
        Assert.Equal(same.Calibration!.Scores, little.Calibration!.Scores);
    }

    [Theory]
    [InlineData("memory.from", "1", 32)]
    [InlineData("memory.from", "2", 64)]
    [InlineData("memory.from", "3", 128)]
    [InlineData("memory.from", "1,2,3", 224)]
    [InlineData("memory.mean", "true", 192)]
    public void AMemoryHoldsTheStagesThatItIsMadeFromAndNoMoreOfTheBackbone(string key, string value, int channels)
    {
        using var folder = new MemoryFolder(images: 8);
        var config = MemoryFolder.Tiny.With(key, value);
        var model = folder.Made(config);
        Assert.Equal([14, channels, 1, 1], model.Weights.List[MemoryNetwork.Projection + ".weight"].FileShape);
        for (int stage = 1; stage <= 3; stage++)
            Assert.Equal(stage <= config.Memory.From[^1],
                model.Weights.List.Trained.Any(p => p.Name.StartsWith($"backbone.layer{stage}.", Ordinal)));
        Assert.DoesNotContain(model.Weights.List.Trained, p => !p.IsBackbone && p.Name != "memory.projection.weight");
        Assert.Equal(model.Metadata.Calibration!.Scores,
            MemoryFolder.Scores(model, folder.Items, groups: MemoryFolder.Groups(folder.Items)).Order());
        Assert.NotEqual(folder.Made().Metadata.Calibration!.Scores, model.Metadata.Calibration.Scores);
    }

    [Fact]
    public void WithoutPlaceOrSmoothingAndWithAReadoutScoresAreWhatTheseKeysSay()
    {
        using var folder = new MemoryFolder(images: 8);
        var model = folder.Made(MemoryFolder.Tiny.With("memory.place", "0"));
        Assert.Equal(0, model.Weights[MemoryNetwork.Step][0]);
        foreach (float[] vector in model.Weights[MemoryNetwork.Vectors].ToArray().Chunk(16))
            Assert.Equal([0f, 0f], vector[14..]);

        folder.Draw("other.png", 40, odd: true);
        var (sharp, _) = Map(model, ("memory.smooth", "0"));
        var (smooth, score) = Map(model, ("memory.smooth", "0.5"));
        Assert.Equal(smooth.Enlarge(64, 64).Max(), score);
        Assert.Equal(Smoothed(sharp), smooth.Values, (a, b) => Math.Abs(a - b) < 1e-5);
        var (cells, mean) = Map(model, ("memory.smooth", "0"), ("memory.readout", "5"));
        Assert.Equal(sharp.Values, cells.Values);
        Assert.Equal((float)cells.Values.OrderDescending().Take(5).Average(v => (double)v), mean);

        (ScoreMap Cells, float Score) Map(Model of, params (string, string)[] keys)
        {
            var other = of with { Metadata = of.Metadata with { Config = MemoryFolder.Of(of.Metadata.Config, keys) } };
            using var device = Device.Open("cpu", 1);
            using var scorer = new Scorer(other, device);
            var scored = scorer.Score([folder.Items[^1]]).Single();
            return (scored.Cells!, scored.Score);
        }
    }

    /// <summary>The Gaussian of σ = ½ as far as two cells, among the cells there are.</summary>
    private static float[] Smoothed(ScoreMap map) => [.. Enumerable.Range(0, map.Values.Length).Select(p =>
    {
        double sum = 0, weights = 0;
        for (int q = 0; q < map.Values.Length; q++)
        {
            int dy = q / map.Width - p / map.Width, dx = q % map.Width - p % map.Width;
            if (Math.Max(Math.Abs(dy), Math.Abs(dx)) > 2) continue;
            double a = Math.Exp(-2.0 * (dy * dy + dx * dx));
            (sum, weights) = (sum + a * map.Values[q], weights + a);
        }
        return (float)(sum / weights);
    })];
}
