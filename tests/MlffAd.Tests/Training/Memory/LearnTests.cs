using static System.StringComparison;

namespace MlffAd.Tests.Training;

/// <summary>A memory learns more parts without those that it was made of.</summary>
public sealed class LearnTests(LearningFolder folder) : IClassFixture<LearningFolder>
{
    /// <summary>Behind the vectors that there were: cells of the new pictures, each with its picture's group.</summary>
    [Theory]
    [InlineData("none")]
    [InlineData("place")]
    [InlineData("vector")]
    public void WhatIsNewIsAppendedWithItsPicturesGroup(string scaling)
    {
        string model = folder.Make(("memory.scaling", scaling)), more = folder.Draw($"append-{scaling}", 4, seed: 300);
        var was = Model.Load(model);
        var (outcome, _) = LearningFolder.Learn(model, more, r => r with { Force = true });
        var now = Model.Load(model);
        int size = was.Metadata.Config.Memory.Size, width = 16;
        Assert.Equal((4, 0, 0, size + outcome.Cells),
            (outcome.Learnt, outcome.Kept, outcome.Known, now.Metadata.Config.Memory.Size));
        Assert.InRange(outcome.Cells, 1, 4 * 64);
        Assert.Equal(20, now.Metadata.Training.Images);
        float[] vectors = now.Weights[MemoryNetwork.Vectors].ToArray();
        Assert.Equal(was.Weights[MemoryNetwork.Vectors].ToArray(), vectors[..(size * width)]);
        float[] groups = now.Weights[MemoryNetwork.Groups].ToArray();
        Assert.Equal(was.Weights[MemoryNetwork.Groups].ToArray(), groups[..size]);

        var cells = Cells(was, DataSet.Open(more).Train);
        ulong[] shown = [.. cells.Keys.Order()];
        var kept = LearningFolder.Kept(model);
        int first = (int)groups[..size].Max() + 1;
        Assert.Equal(Enumerable.Range(first, 4), shown.Select(image => kept.Known[image]));
        for (int j = size; j < groups.Length; j++)
            Assert.Contains(string.Join(' ', vectors[(j * width)..((j + 1) * width)]),
                cells[shown[(int)groups[j] - first]]);
        if (scaling != "none")
            Assert.NotEqual(was.Weights[MemoryNetwork.Scales].ToArray(),
                now.Weights[MemoryNetwork.Scales].ToArray().AsSpan(0, was.Weights[MemoryNetwork.Scales].Length)
                .ToArray());
    }

    /// <summary>Furthest first, until none is further than the last that was chosen: by a plain loop.</summary>
    [Fact]
    public void TheChoiceGoesOnWhereItEnded()
    {
        string model = folder.Make(), more = folder.Draw("choice", 3, seed: 350);
        var was = Model.Load(model);
        ModelFile.Update(model, m => m.With(new(100, null, null, "given")));   // nothing alarms
        LearningFolder.Learn(model, more);
        double Distance(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (x, y) => ((double)x - y) * ((double)x - y)).Sum());
        var memory = was.Weights[MemoryNetwork.Vectors].ToArray().Chunk(16).ToList();
        double radius = memory.SkipLast(1).Min(vector => Distance(vector, memory[^1]));
        var cells = Vectors(was, DataSet.Open(more).Train).OrderBy(image => image.Key)
            .SelectMany(image => image.Value).ToList();
        for (int chosen = memory.Count; ; chosen++)
        {
            var (distance, next) = cells.Select(cell => (Least: memory.Min(vector => Distance(vector, cell)), cell))
                .MaxBy(cell => cell.Least);
            if (distance <= radius)
            {
                Assert.True(chosen > 65, $"{chosen}");
                break;
            }
            memory.Add(next);
        }
        Assert.Equal(memory.SelectMany(vector => vector), Model.Load(model).Weights[MemoryNetwork.Vectors].ToArray());
    }

    /// <summary>Where the threshold lies below what a cell may be from the memory, nearer cells are taken, too, but no
    /// more than it takes.</summary>
    [Theory]
    [InlineData(1.2)]
    [InlineData(1.5)]
    [InlineData(1.9)]
    public void OneThatAlarmsThoughTheMemoryHasAllNearIsLearntUntilItIsGood(double times)
    {
        string model = folder.Make(), more = folder.Draw($"near-{times}", 1, seed: 370);
        var items = DataSet.Open(more).Train;
        float threshold = (float)(MemoryFolder.Scores(folder.Made, items)[0] / times);
        ModelFile.Update(model, m => m.With(new(threshold, null, null, "given")));
        var outcome = LearningFolder.Learn(model, more).Outcome;
        Assert.Empty(outcome.Alarming);
        Assert.InRange(outcome.Cells, 1, 63);
        Assert.InRange(MemoryFolder.Scores(Model.Load(model), items)[0], 0, 0.98f * threshold);
        Assert.InRange(outcome.Now.Threshold, 0.979f * threshold, 1.021f * threshold);
    }

    /// <summary>By the memory: thresholds move by 2 % at most, and the picture scores below what they were.</summary>
    [Theory]
    [InlineData(1, "none")]
    [InlineData(3, "none")]
    [InlineData(2, "place")]
    [InlineData(2, "vector")]
    public void AFalseAlarmThatIsLearntIsGoodAfterwards(int count, string scaling)
    {
        string model = folder.Make(("memory.scaling", scaling)), more = $"alarms-{count}-{scaling}";
        for (int i = 0; i < count; i++) folder.DrawAlarming(more, $"{i}.png", 400 + i);
        var items = DataSet.Open(folder.In(more)).Train;
        var was = Model.Load(model);
        if (scaling == "none")
            Assert.All(MemoryFolder.Scores(was, items), score => Assert.True(score > was.Metadata.Threshold));
        var (outcome, _) = LearningFolder.Learn(model, folder.In(more));
        var now = Model.Load(model);
        Assert.Empty(outcome.Alarming);
        Assert.All(MemoryFolder.Scores(now, items), score => Assert.True(score <= now.Metadata.Threshold));
        if (scaling == "none")
            Assert.All(MemoryFolder.Scores(now, items), score => Assert.True(score <= 0.98 * was.Metadata.Threshold));
        Assert.InRange(now.Metadata.Threshold / was.Metadata.Threshold, 0.98 - 1e-6, 1.02 + 1e-6);
        Assert.InRange(now.Metadata.PixelThreshold / was.Metadata.PixelThreshold, 0.98 - 1e-6, 1.02 + 1e-6);
        Assert.Equal(now.Metadata.Threshold, now.Metadata.Calibration!.Threshold);
    }

    /// <summary>Those that it learnt, those that it was made of, and copies of either under other names.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatIsKnownChangesNothing(bool learnt)
    {
        string model = folder.Make(), more = learnt ? folder.Draw("known", 6, seed: 500) : folder.In("parts");
        if (learnt) Assert.Equal(1, LearningFolder.Learn(model, more).Outcome.Kept);
        byte[] before = File.ReadAllBytes(model);
        var (outcome, said) = LearningFolder.Learn(model, more);
        Assert.Same(outcome.Was, outcome.Now);
        Assert.Equal((learnt ? 6 : 16, 0, 0), (outcome.Known, outcome.Learnt, outcome.Kept));
        Assert.Empty(said);
        Assert.Equal(before, File.ReadAllBytes(model));
        LearningFolder.Learn(model, more, r => r with { Output = folder.In("known.mlffad") });
        Assert.Equal(before, File.ReadAllBytes(folder.In("known.mlffad")));
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(5, 1)]
    [InlineData(11, 2)]
    public void EveryFifthIsKeptInstead(int count, int kept)
    {
        string model = folder.Make(), more = folder.Draw($"fifth-{count}", count, seed: 600);
        var before = LearningFolder.Kept(model);
        Assert.Equal((16, 16), (before.Pictures.Count, before.Known.Count));
        var items = DataSet.Open(more).Train;
        float[] scores = MemoryFolder.Scores(folder.Made, items);
        var (outcome, _) = LearningFolder.Learn(model, more, r => r with { Force = true });
        Assert.Equal((count - kept, kept), (outcome.Learnt, outcome.Kept));
        var after = LearningFolder.Kept(model);
        Assert.Equal((16 + kept, 16 + count), (after.Pictures.Count, after.Known.Count));
        Assert.Equal(16 + kept, Model.Load(model).Metadata.Calibration!.Images);
        // Those that the memory knew best, and no vector is of them.
        var lowest = items.Zip(scores).OrderBy(pair => pair.Second).Take(kept)
            .Select(pair => ImageFile.Read(pair.First.Path).Contents).ToHashSet();
        Assert.Equal(lowest, after.Pictures.Skip(16).Select(picture => picture.Contents).ToHashSet());
        Assert.All(lowest, image => Assert.Equal(KeptPictures.NoGroup, after.Known[image]));
    }

    [Fact]
    public void NeitherNamesNorThreadsNorWhereItIsWrittenMatter()
    {
        string one = folder.Make(), other = folder.Make(), more = folder.Draw("names", 5, seed: 700);
        byte[] before = File.ReadAllBytes(other);
        LearningFolder.Learn(one, more, r => r with { Force = true });
        for (int i = 0; i < 5; i++)
        {
            Directory.CreateDirectory(folder.In("renamed"));
            File.Copy(Path.Combine(more, $"{700 + i}.png"), Path.Combine(folder.In("renamed"), $"{9 - i}.png"));
        }
        LearningFolder.Learn(other, folder.In("renamed"),
            r => r with { Force = true, Output = folder.In("renamed.mlffad") });
        Assert.Equal(File.ReadAllBytes(one), File.ReadAllBytes(folder.In("renamed.mlffad")));
        Assert.Equal(before, File.ReadAllBytes(other));
    }

    /// <summary>Above twice the threshold, alone and among good ones.</summary>
    [Theory]
    [InlineData(0, 1, "'900.png' at ")]
    [InlineData(3, 1, "'900.png' at ")]
    [InlineData(2, 2, "2 of 4 new pictures")]
    public void WhatLooksLikeADefectIsNamedWithItsBoxAndRefused(int good, int odd, string said)
    {
        string model = folder.Make(), more = $"suspects-{good}-{odd}";
        folder.Draw(more, good, seed: 800);
        folder.Draw(more, odd, seed: 900, odd: true);
        string message = LearningFolder.Refused(ExitCode.BadData, model, folder.In(more));
        Assert.Contains(said, message, Ordinal);
        Assert.Contains("give --force", message, Ordinal);
        Assert.False(Directory.Exists(model + ".learn"));

        message = LearningFolder.Refused(ExitCode.BadData, model, folder.In(more), r => r with { DryRun = true });
        Assert.Contains($"heat maps of all that alarm are in '{Path.GetFullPath(model + ".learn")}'", message, Ordinal);
        Assert.Equal(odd, Directory.GetFiles(model + ".learn", "*.png").Length);

        var (outcome, lines) = LearningFolder.Learn(model, folder.In(more), r => r with { Force = true });
        Assert.Equal(good + odd, outcome.Learnt);
        Assert.Contains(lines, line => line.Contains(said, Ordinal));
        Assert.Contains($"forced: {odd} score", outcome.Now.From, Ordinal);
    }

    [Fact]
    public void OneThatStandsApartIsRefusedAlthoughItScoresLittle()
    {
        string model = folder.Make(), more = folder.Draw("apart", 5, seed: 1000);
        folder.DrawAlarming("apart", "coarse.png", seed: 1, times: 1.6);
        string message = LearningFolder.Refused(ExitCode.BadData, model, more);
        Assert.StartsWith("1 of 6 new pictures", message, Ordinal);
        Assert.Contains("'coarse.png'", message, Ordinal);
        // Of three none stands apart.
        folder.Draw("few", 2, seed: 1000);
        folder.DrawAlarming("few", "coarse.png", seed: 1, times: 1.6);
        Assert.Equal(3, LearningFolder.Learn(model, folder.In("few")).Outcome.Learnt);
    }

    [Fact]
    public void ADryRunSaysTheSameAndWritesNothing()
    {
        string model = folder.Make(), more = folder.Draw("dry", 6, seed: 1100);
        byte[] before = File.ReadAllBytes(model);
        var dry = LearningFolder.Learn(model, more, r => r with { DryRun = true }).Outcome;
        Assert.Equal(before, File.ReadAllBytes(model));
        Assert.False(Directory.Exists(model + ".learn"));
        var wet = LearningFolder.Learn(model, more).Outcome;
        Assert.Equal((dry.Learnt, dry.Cells, dry.Kept, dry.Now.Threshold, dry.Now.From),
            (wet.Learnt, wet.Cells, wet.Kept, wet.Now.Threshold, wet.Now.From));
    }

    /// <summary>Most defects do not score so high that they are refused.</summary>
    [Fact]
    public void ADryRunDrawsAllThatAlarm()
    {
        string model = folder.Make(), more = folder.Draw("alarms", 2, seed: 1200);
        folder.DrawAlarming("alarms", "a.png", seed: 1);
        folder.DrawAlarming("alarms", "b.png", seed: 2);
        var (_, said) = LearningFolder.Learn(model, more, r => r with { DryRun = true });
        Assert.Equal(["a.png", "b.png"],
            Directory.GetFiles(model + ".learn", "*.png").Select(Path.GetFileName).Order());
        string line = Assert.Single(said, line => line.Contains("heat maps", Ordinal));
        Assert.Contains("a defect would pass ever after", line, Ordinal);
    }

    private static Dictionary<ulong, HashSet<string>> Cells(Model model, IReadOnlyList<ImageItem> items) =>
        Vectors(model, items).ToDictionary(image => image.Key,
            image => image.Value.Select(vector => string.Join(' ', vector)).ToHashSet());

    /// <summary>The vectors of images' cells, by the images' contents.</summary>
    private static Dictionary<ulong, float[][]> Vectors(Model model, IReadOnlyList<ImageItem> items)
    {
        using var device = Device.Open("cpu", 1);
        var (config, cells) = (model.Metadata.Config, new Dictionary<ulong, float[][]>());
        using var reader = new CellReader(config, model.Weights, model.Metadata.Preprocessing, device,
            (x, image) => [new MemoryNetwork(config).Cells(x, image)]);
        reader.Read(items, ImageFile.MaxPixels, (picture, numbers, _, _) =>
            cells[picture.Owner] = [.. numbers.ToArray().Chunk(config.Memory.Width)],
            (_, error) => Assert.Null(error), TestContext.Current.CancellationToken);
        return cells;
    }
}
