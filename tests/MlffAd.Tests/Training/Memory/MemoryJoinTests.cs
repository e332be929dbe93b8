using static System.StringComparison;

namespace MlffAd.Tests.Training;

/// <summary>A memory and a network on one backbone: the memory judges images, the network sharpens the map.</summary>
public sealed class MemoryJoinTests : IDisposable
{
    private static readonly Config Both = MemoryFolder.Of(EarlierBytesTests.SmallConfig("fast"), ("memory.size", "60"),
        ("memory.width", "16"), ("memory.candidates", "400"), ("memory.choose", "false"), ("memory.network", "0.5"));

    private readonly MemoryFolder _folder = new(images: 12);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ImagesAreJudgedByTheMemoryAndTheMapIsOfBoth()
    {
        var (model, _) = Train("both.mlffad");
        Assert.Equal(0.5, model.Metadata.Config.Memory.Network);
        Assert.Equal("mlffad/4", Strings("both.mlffad")["format"]);
        MemoryFolder.Make(_folder.Request(Alone, "alone.mlffad") with { Weights = _folder.Backbone() });
        var alone = Model.Load(_folder.In("alone.mlffad"));
        Assert.Equal(alone.Metadata.Threshold, model.Metadata.Threshold);
        Assert.Equal(alone.Metadata.Quality, model.Metadata.Quality);
        Assert.NotEqual(alone.Metadata.PixelThreshold, model.Metadata.PixelThreshold);
        var network = new Model(model.Metadata with { Config = Both.NetworkAlone },
            model.Weights.In(MlffNetwork.Parameters(Both.NetworkAlone)));
        float[] row = model.Weights[MemoryNetwork.NetworkScales][..2].ToArray();
        foreach (var (both, own, other) in Scores(model).Zip(Scores(alone), Scores(network)))
        {
            Assert.Equal(own.Score, both.Score, 1e-4f);
            var due = own.Cells!.Values.Zip(other.Cells!.Values, (a, b) => a + row[1] * (b - row[0]));
            Assert.Equal(due, both.Cells!.Values, (a, b) => Math.Abs(a - b) < 1e-3);
        }
    }

    /// <summary>Whether a step is interrupted or the memory's making: the state knows what was set, and has the
    /// backbone.</summary>
    [Theory]
    [InlineData(1, "")]
    [InlineData(0, "now the memory beside it")]
    public void ItEndsInTheSameBytesAfterAnInterruption(int stopAt, string stopWhen)
    {
        Train("whole.mlffad");
        var begun = Request("begun.mlffad");
        Assert.Null(Run(begun, stopAt, stopWhen).Outcome.Metadata);
        Assert.False(File.Exists(begun.Output));
        Run(begun with
        {
            Resume = begun.StatePath,
            MaxImages = null,
            Weights = null,
            ExplicitKeys = new HashSet<string>(),
        });
        Assert.Equal(File.ReadAllBytes(_folder.In("whole.mlffad")), File.ReadAllBytes(begun.Output));
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public void NumbersAreChosenWhereTheMemoryHasTimeForIt(int minutes, bool tooShort)
    {
        var config = MemoryFolder.Of(Both, ("memory.choose", "true"));
        var (_, said) = Run(Request("time.mlffad", config) with { TimeBudget = TimeSpan.FromMinutes(minutes) });
        Assert.Equal(tooShort, said.Any(line => line.EndsWith("From 5 minutes on they are chosen.", Ordinal)));
        Assert.Equal(tooShort, Model.Load(_folder.In("time.mlffad")).Metadata.Choice.Count == 0);
    }

    /// <summary>Then neither the plan nor the file has anything of it.</summary>
    [Fact]
    public void ANetworkThatCountsForNothingIsLeftOut()
    {
        var (model, said) = Train("none.mlffad", Both.With("memory.network", "0.25"), explicitly: false, blind: true);
        Assert.Contains(said, line => line.Contains("it is left out", Ordinal));
        Assert.Equal(0, model.Metadata.Config.Memory.Network);
        Assert.Equal("mlffad/3", Strings("none.mlffad")["format"]);
        using var file = SafetensorsFile.Open(_folder.In("none.mlffad"));
        Assert.DoesNotContain(file.Tensors.Keys, name => name.StartsWith("fusion", Ordinal));
    }

    [Fact]
    public void WhatIsLearntIsSilentInBothAndCanBeUndone()
    {
        Train("learn.mlffad");
        string model = _folder.In("learn.mlffad");
        byte[] before = File.ReadAllBytes(model);
        for (int i = 0; i < 3; i++) _folder.Draw($"{i}.png", 70 + i, folder: "more", grain: 26);
        var outcome = LearningFolder.Learn(model, _folder.In("more"), r => r with { Force = true }).Outcome;
        Assert.Equal(3, outcome.Learnt);
        Assert.Equal(24, outcome.Now.Training.Images);
        var items = DataSet.Open(_folder.In("more")).Train;
        Assert.All(MemoryFolder.Scores(Model.Load(model), items), score =>
            Assert.True(score <= outcome.Now.Threshold));
        ModelHistory.Undo(model, model);
        Assert.Equal(before, File.ReadAllBytes(model));
    }

    [Theory]
    [InlineData("train.bn", "train")]
    [InlineData("train.freeze", "stem")]
    [InlineData("train.holdout", "0")]
    public void WhatServesTheNetworkAloneIsRefused(string key, string value)
    {
        var e = Assert.Throws<MlffAdException>(() => Both.With(key, value).Validate());
        Assert.Contains("memory.size 0 for the network alone", e.Message, Ordinal);
        Both.NetworkAlone.With(key, value).Validate();
    }

    /// <summary>Where good and bad cells differ in the network alone it gets the most, half of 1, where in the memory
    /// alone nothing.</summary>
    [Theory]
    [InlineData(0f, 1f, 0.5)]
    [InlineData(1f, 0f, 0)]
    [InlineData(0f, 1f, 0.5, 12, "0.9")]
    public void TheWeightIsWhatTellsAnomalies(float own, float network, double weight, int rows = 16,
        string minShare = "0")
    {
        var config = Both.With("labels.minShare", minShare);
        byte[] mask = new byte[64 * 64];
        for (int i = 0; i < mask.Length; i++) mask[i] = (byte)(i / 64 < rows && i % 8 < 7 ? 1 : 0);
        float[] Cells(int seed, float strength, bool bad) => [.. Gradients.Random(64, seed, scale: 1)
            .Select((v, i) => v + (bad && i < 16 ? 2 * strength : 0))];
        Judged[] judged = [.. Enumerable.Range(0, 12).Select(i => new Judged(
            new(new($"{i}", $"{i}", DataSet.Good), (ulong)(i / 2), i % 2 == 0 ? null : mask),
            new(8, 8, Cells(i, own, i % 2 == 1)), Both, Cells(90 + i, network, i % 2 == 1)))];
        Assert.Equal(weight, NetworkShare.Choose(judged, config, null).Weight);
        Assert.Equal(0.4, NetworkShare.Choose(judged, config, 0.4).Weight);
    }

    private static Config Alone => Both with { Memory = Both.Memory with { Network = 0 } };

    private TrainingRequest Request(string model, Config? config = null) =>
        new(_folder.Parts, _folder.In(model), config ?? Both)
        {
            Weights = _folder.Backbone(),
            MaxImages = 24,
            ExplicitKeys = new HashSet<string> { "memory.network" },
        };

    private (Model Model, List<string> Said) Train(string model, Config? config = null, bool explicitly = true,
        bool blind = false)
    {
        var request = Request(model, blind ? config!.With("train.lr", "1e-30") : config);
        if (!explicitly) request = request with { ExplicitKeys = new HashSet<string>() };
        var said = Run(request).Said;
        return (Model.Load(_folder.In(model)), said);
    }

    private static (TrainingOutcome Outcome, List<string> Said) Run(TrainingRequest request, int stopAt = 0,
        string stopWhen = "")
    {
        using var device = Device.Open("cpu", threads: 1);
        using var stop = new CancellationTokenSource();
        var said = new List<string>();
        void Say(string line)
        {
            said.Add(line);
            if (stopWhen.Length > 0 && line.Contains(stopWhen, Ordinal)) stop.Cancel();
        }

        return (Trainer.Train(request, device, Say, p => { if (p.Step == stopAt) stop.Cancel(); }, stop.Token), said);
    }

    private ScoredImage[] Scores(Model model)
    {
        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(model, device);
        return [.. scorer.Score(_folder.Items)];
    }

    private Dictionary<string, string> Strings(string model)
    {
        using var file = SafetensorsFile.Open(_folder.In(model));
        return file.Metadata.ToDictionary();
    }
}
