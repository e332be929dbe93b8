using MlffAd.Reporting;

namespace MlffAd.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private static readonly Config Tiny =
        Preset.Find("tiny").With("train.repeat", "2").With("train.batch", "6").With("train.epochs", "2");

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public TrainerTests()
    {
        // Grey noise about a bright square: ten good images, four of them held out.
        for (int i = 0; i < 10; i++)
        {
            float[] noise = Gradients.Random(3 * 64 * 64, seed: i, scale: 20);
            Directory.CreateDirectory(Parts);
            ImageFile.WritePng(Path.Combine(Parts, $"{i:00}.png"),
                new RgbImage(64, 64,
                    [.. noise.Select((v, p) => (byte)((p / 3 % 64 is > 16 and < 48 ? 180 : 60) + v))]));
        }
    }

    private string Parts => Path.Combine(_folder, "parts");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    private static TrainingOutcome Train(TrainingRequest request, int threads = 2,
        Action<TrainingProgress>? onStep = null, CancellationTokenSource? stop = null, List<string>? said = null)
    {
        using var device = Device.Open("cpu", threads);
        return Trainer.Train(request, device, line => said?.Add(line), onStep, stop?.Token ?? default);
    }

    private static MlffAdException Fails(TrainingRequest request, ExitCode code)
    {
        var e = Assert.Throws<MlffAdException>(() => Train(request));
        Assert.Equal(code, e.Code);
        Assert.DoesNotContain('\n', e.Message);
        return e;
    }

    /// <summary>Takes counters out of a state.</summary>
    private static void Forget(string state, string prefix)
    {
        CheckpointMetadata metadata;
        TensorData[] tensors;
        using (var checkpoint = Checkpoint.Open(state))
        {
            metadata = checkpoint.Metadata;
            tensors = [.. checkpoint.Tensors.Tensors.Values.Select(t =>
                TensorData.Floats(t.Name, t.Shape, checkpoint.Tensors.ReadFloats(t.Name)))];
        }
        Assert.Contains(metadata.Counters, c => c.Key.StartsWith(prefix, StringComparison.Ordinal));
        Checkpoint.Save(state, metadata with
        {
            Counters = metadata.Counters.Where(c => !c.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(),
        }, tensors);
    }

    private TrainingRequest Request(string model, Config? config = null) => new(Parts, In(model), config ?? Tiny);

    [Fact]
    public void TheSameSeedGivesTheSameBytesOnOneThreadAndOnTwo()
    {
        Train(Request("a.mlffad"), threads: 1);
        Train(Request("b.mlffad"), threads: 2);
        Train(Request("c.mlffad"), threads: 2);
        Train(Request("d.mlffad", Tiny.With("train.seed", "1")), threads: 2);
        byte[] a = File.ReadAllBytes(In("a.mlffad"));
        Assert.Equal(a, File.ReadAllBytes(In("b.mlffad")));
        Assert.Equal(a, File.ReadAllBytes(In("c.mlffad")));
        Assert.NotEqual(a, File.ReadAllBytes(In("d.mlffad")));
    }

    /// <summary>Interrupted within the first epoch and within the second, on another number of threads: the bytes of a
    /// run that was left alone.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void AResumedTrainingEndsInTheSameBytes(int steps)
    {
        var whole = Train(Request("whole.mlffad"));
        Assert.Equal((24L, false), (whole.Images, whole.Interrupted));

        using var stop = new CancellationTokenSource();
        var half = Train(Request("half.mlffad"), threads: 1, p => { if (p.Step == steps) stop.Cancel(); }, stop);
        Assert.True(half.Interrupted);
        Assert.False(File.Exists(In("half.mlffad")));
        var said = new List<string>();
        var rest = Train(Request("half.mlffad") with { Resume = In("half.mlffad.state") }, said: said);
        Assert.Equal(24L, rest.Images);
        Assert.Contains(said, line => line.Contains($"step {steps}", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(In("whole.mlffad")), File.ReadAllBytes(In("half.mlffad")));
        Assert.False(File.Exists(In("half.mlffad.state")));
        Assert.Equal(TrainingLog.Losses(In("whole.mlffad.log.jsonl")), TrainingLog.Losses(In("half.mlffad.log.jsonl")));
    }

    /// <summary>What is known of the losses survives an interruption; a state that knows nothing of them goes on, and
    /// says nothing.</summary>
    [Fact]
    public void AResumedTrainingKnowsHowTheLossWent()
    {
        var config = EarlierBytesTests.SmallConfig("baseline").With("train.batch", "2");
        var request = Request("whole.mlffad", config) with { Weights = "none", MaxImages = 100 };
        Train(request);
        var training = Model.Load(In("whole.mlffad")).Metadata.Training;
        Assert.Equal(6, training.Photographs);
        double[] totals = [.. TrainingLog.Losses(In("whole.mlffad.log.jsonl")).Select(loss => loss.Total)];
        Assert.Equal(50, totals.Length);
        Assert.Equal(totals[40..].Sum() / totals[30..40].Sum(), training.LossTrend!.Value, 12);

        using var stop = new CancellationTokenSource();
        var half = request with { Output = In("half.mlffad"), Resume = In("half.mlffad.state") };
        Train(half with { Resume = null }, threads: 1, p => { if (p.Step == 45) stop.Cancel(); }, stop);
        File.Copy(half.StatePath, In("old.mlffad.state"));
        Train(half);
        Assert.Equal(File.ReadAllBytes(In("whole.mlffad")), File.ReadAllBytes(In("half.mlffad")));

        var old = half with { Output = In("old.mlffad"), Resume = In("old.mlffad.state") };
        Forget(old.StatePath, "trend.");
        Train(old);
        ModelFile.Update(In("whole.mlffad"), m => m with { Training = training with { LossTrend = null } });
        Assert.Equal(File.ReadAllBytes(In("whole.mlffad")), File.ReadAllBytes(In("old.mlffad")));
    }

    [Fact]
    public void ResumingRefusesOtherImagesAndAnotherBudget()
    {
        using var stop = new CancellationTokenSource();
        Train(Request("m.mlffad") with { MaxImages = 18 }, 2, _ => stop.Cancel(), stop);
        var resume = Request("m.mlffad") with { Resume = In("m.mlffad.state"), MaxImages = 18 };
        Assert.Contains("--max-images", Fails(resume with { MaxImages = 12 }, ExitCode.Usage).Message,
            StringComparison.Ordinal);
        string first = Directory.GetFiles(Parts).Order(StringComparer.Ordinal)
            .First(file => Holdout.Split(DataSet.Open(Parts).Train, 0.1).Train.Any(item => item.Path == file));
        ImageFile.WritePng(first, new RgbImage(64, 64, new byte[3 * 64 * 64]));
        Assert.Contains(Path.GetFileName(first), Fails(resume, ExitCode.Usage).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheModelKnowsWhatMadeItAndScoresAsItWasCalibrated()
    {
        var said = new List<string>();
        Train(Request("m.mlffad") with { MaxImages = 18 }, said: said);
        var model = Model.Load(In("m.mlffad"));
        var (config, _, threshold, calibration, training, name) = model.Metadata;
        Assert.Equal(Tiny, config);
        Assert.Equal(("parts", 18L, 1, "random"), (name, training.Images, training.Epochs, training.Weights));
        Assert.True(training.Losses!.Total > 0);
        Assert.Equal(4, calibration!.Images);
        Assert.Contains(said, line => line.Contains("random weights", StringComparison.Ordinal));
        Assert.Contains(said, line => line.Contains("4 good images", StringComparison.Ordinal));

        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(model, device, batch: 3);
        var held = Holdout.Split(DataSet.Open(Parts).Train, 0.1).Held;
        Assert.Equal(calibration.Scores, [.. scorer.Score(held).Select(s => s.Score).Order()]);
        Assert.True(threshold <= calibration.Scores[^1]);
    }

    /// <summary>By lines and dents on the images that were held out, each pair counted.</summary>
    [Fact]
    public void TheModelKnowsHowGoodItIs()
    {
        Train(Request("m.mlffad") with { MaxImages = 18 });
        var model = Model.Load(In("m.mlffad"));
        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(model, device, batch: 3);
        var held = Holdout.Split(DataSet.Open(Parts).Train, 0.1).Held;
        var anomalies = held.SelectMany(item =>
            TestAnomalies.On(ImageFile.Read(item.Path), [TestKind.Line, TestKind.Dent])).ToList();
        float[] above = [.. scorer.Score([.. anomalies.Select(a => a.Image)]).Select(map => map.Readout(Tiny))];
        double right = 0;
        foreach (float good in model.Metadata.Calibration!.Scores)
            foreach (float score in above) right += score > good ? 1 : score == good ? 0.5 : 0;
        var quality = model.Metadata.Quality!;
        Assert.Equal((4, 16), (quality.Images, quality.Anomalies));
        Assert.Equal(right / (4 * 16), quality.Image, 12);
        Assert.InRange(quality.Pixel, 0.3, 1);
    }

    [Fact]
    public void ABrokenImageIsScoredAsAnErrorAndTheOthersStayInOrder()
    {
        Train(Request("m.mlffad") with { MaxImages = 6 });
        File.WriteAllText(Path.Combine(Parts, "03.png"), "no image");
        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(Model.Load(In("m.mlffad")), device);
        var scored = scorer.Score(DataSet.Find([Parts])).ToList();
        Assert.Equal(10, scored.Count);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i:00}.png"),
            scored.Select(s => Path.GetFileName(s.Item.Path)));
        Assert.All(scored,
            s => Assert.Equal(s.Item.Path.EndsWith("03.png", StringComparison.Ordinal), s.Error is not null));
    }

    [Fact]
    public void TrainingThatDivergesEndsWithTheLastGoodStateSaved()
    {
        var e = Fails(Request("m.mlffad", Tiny.With("train.lr", "1e30").With("train.epochs", "20")), ExitCode.Diverged);
        Assert.Contains("m.mlffad.state", e.Message, StringComparison.Ordinal);
        using var state = Checkpoint.Open(In("m.mlffad.state"));
        Assert.Equal(5, state.Metadata.Counters["skipped"]);
        Assert.False(File.Exists(In("m.mlffad")));
    }

    [Fact]
    public void WeightsThatDoNotFitOrContradictAnExplicitKeyAreRefused()
    {
        Fails(Request("m.mlffad") with { Weights = WeightsFile.ShippedPath }, ExitCode.BadModel);
        Fails(Request("m.mlffad") with { Weights = In("none.safetensors") }, ExitCode.BadModel);
        var wide = Request("m.mlffad", new Config()) with
        {
            ExplicitKeys = new HashSet<string> { "backbone.strideIn" },
        };
        Assert.Contains("backbone.strideIn", Fails(wide, ExitCode.Usage).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutHeldOutImagesAThresholdMustBeGiven()
    {
        var request = Request("m.mlffad", Tiny.With("train.holdout", "0")) with { MaxImages = 6 };
        Fails(request, ExitCode.BadData);
        Train(request with { Threshold = 1.5f });
        var metadata = Model.Load(In("m.mlffad")).Metadata;
        Assert.Equal((1.5f, 1.5f), (metadata.Threshold, metadata.PixelThreshold));
        Assert.Null(metadata.Calibration);
        Assert.Null(metadata.Quality);
    }

    [Fact]
    public void AnOutputThatCannotBeWrittenIsRefusedBeforeTraining()
    {
        Fails(Request("missing/m.mlffad"), ExitCode.Output);
        Fails(new TrainingRequest(Parts, _folder, Tiny), ExitCode.Output);
    }

    [Fact]
    public void AModelThatCannotBeWrittenInTheEndCostsNoTraining()
    {
        Train(Request("whole.mlffad"));
        var e = Assert.Throws<MlffAdException>(() => Train(Request("m.mlffad"),
            onStep: p => { if (p.Step == 2) Directory.CreateDirectory(In("m.mlffad")); }));
        Assert.Equal(ExitCode.Output, e.Code);
        Assert.Contains("--resume", e.Message, StringComparison.Ordinal);
        Directory.Delete(In("m.mlffad"));
        Assert.Equal(24L, Train(Request("m.mlffad") with { Resume = In("m.mlffad.state") }).Images);
        Assert.Equal(File.ReadAllBytes(In("whole.mlffad")), File.ReadAllBytes(In("m.mlffad")));
    }

    [Fact]
    public void TheRateWarmsUpAndFollowsTheShareDone()
    {
        var c = new TrainConfig { Lr = 0.1, Warmup = 4, Schedule = Schedule.Cosine, LrDecay = 1 };
        Assert.Equal(0.1 * 0.25, Budget.Rate(c, 0, 0), 12);
        Assert.Equal(0.1 * 0.5 * 0.5 / 2, Budget.Rate(c, 1, 0.5), 12);
        Assert.Equal(0, Budget.Rate(c, 9, 1), 12);
        Assert.Equal(0.1, Budget.Rate(new() { Lr = 0.1 }, 1000, 0.9), 12);
    }

    [Fact]
    public void TheBudgetIsWhatWasAskedFor()
    {
        var request = Request("m");
        Assert.Equal(new Budget(24, null), Budget.Of(request, 12));
        Assert.Equal(new Budget(7, null), Budget.Of(request with { MaxImages = 7 }, 12));
        Assert.Equal(new Budget(null, TimeSpan.FromMinutes(2)),
            Budget.Of(request with { TimeBudget = TimeSpan.FromMinutes(2) }, 12));
        Assert.Equal(new Budget(24, TimeSpan.FromMinutes(2)), Budget.Of(request with
        {
            TimeBudget = TimeSpan.FromMinutes(2),
            ExplicitKeys = new HashSet<string> { "train.epochs" },
        }, 12));
        Assert.Equal(0.5, new Budget(8, TimeSpan.FromSeconds(10)).Share(2, TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public void ATimeBudgetEndsTraining()
    {
        var outcome = Train(Request("m.mlffad", Tiny.With("train.epochs", "100000")) with
        {
            TimeBudget =
            TimeSpan.FromSeconds(1)
        });
        Assert.InRange(outcome.Elapsed.TotalSeconds, 1, 60);
        Assert.Equal(outcome.Images, Model.Load(In("m.mlffad")).Metadata.Training.Images);
    }
}
