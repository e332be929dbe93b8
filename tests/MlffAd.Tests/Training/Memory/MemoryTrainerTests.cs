using static System.StringComparison;

namespace MlffAd.Tests.Training;

public sealed class MemoryTrainerTests : IDisposable
{
    private const int Images = 12;

    private readonly MemoryFolder _folder = new(Images);

    public void Dispose() => _folder.Dispose();

    private byte[] Bytes(string model) => File.ReadAllBytes(_folder.In(model));

    private IEnumerable<string?> Written() =>
        Directory.GetFileSystemEntries(_folder.In("")).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    [Fact]
    public void BytesDependOnSeedAndImagesAndNotOnThreadsOrWhereTheImagesLie()
    {
        MemoryFolder.Make(_folder.Request(), threads: 1);
        MemoryFolder.Make(_folder.Request(model: "b.mlffad"), threads: 2);
        Assert.Equal(Bytes("m.mlffad"), Bytes("b.mlffad"));
        // The last comes first, and some lie deeper; the folder has the same name.
        for (int i = 0; i < Images; i++)
            _folder.Draw($"{(i % 3 == 0 ? "deep/" : "")}{99 - i}.png", i, folder: "elsewhere/parts");
        MemoryFolder.Make(_folder.Request(model: "c.mlffad", folder: "elsewhere/parts"));
        Assert.Equal(Bytes("m.mlffad"), Bytes("c.mlffad"));
        MemoryFolder.Make(_folder.Request(MemoryFolder.Tiny.With("train.seed", "1"), "d.mlffad"));
        Assert.NotEqual(Bytes("m.mlffad"), Bytes("d.mlffad"));
        _folder.Draw("03.png", 77);
        MemoryFolder.Make(_folder.Request(model: "e.mlffad"));
        Assert.NotEqual(Bytes("m.mlffad"), Bytes("e.mlffad"));
    }

    [Fact]
    public void TheModelKnowsWhatMadeItAndItsConfigurationComesBack()
    {
        var (outcome, said) = MemoryFolder.Make(_folder.Request());
        var model = Model.Load(_folder.In("m.mlffad"));
        var m = model.Metadata;
        Assert.Equal(MemoryFolder.Tiny, m.Config);
        Assert.Equal(("parts", Images, 0, "random"), (m.Class, m.Training.Images, m.Training.Seed, m.Training.Weights));
        Assert.Equal((Images, false), (outcome.Images, outcome.Interrupted));
        Assert.Contains("The backbone starts from random weights.", said);
        Assert.Contains(said, line => line.StartsWith("Random features say little", Ordinal));
        Assert.Equal(["m.mlffad", "m.mlffad.log.jsonl", "parts"], Written());
        // Vectors in the order of choice, the group of each, and places in the last columns.
        float[] vectors = model.Weights[MemoryNetwork.Vectors].ToArray();
        float[] groups = model.Weights[MemoryNetwork.Groups].ToArray();
        float step = model.Weights[MemoryNetwork.Step][0];
        Assert.Equal((60 * 16, 60), (vectors.Length, groups.Length));
        Assert.Equal(Enumerable.Range(0, Images).Select(g => (float)g), groups.Distinct().Order());
        Assert.InRange(step, float.Epsilon, float.MaxValue);
        float[] places = [.. Enumerable.Range(0, 8).Select(i => step * i)];
        Assert.All(vectors.Chunk(16).SelectMany(vector => vector[14..]), place => Assert.Contains(place, places));
    }

    [Fact]
    public void ScoresAreThoseOfTheThresholdWhateverTheBatch()
    {
        var model = _folder.Made();
        var groups = MemoryFolder.Groups(_folder.Items);
        float[] one = MemoryFolder.Scores(model, _folder.Items, batch: 1, groups);
        Assert.Equal(one, MemoryFolder.Scores(model, _folder.Items, batch: 8, groups));
        Assert.Equal(model.Metadata.Calibration!.Scores, one.Order());
        Assert.InRange(model.Metadata.Threshold, one.Order().ElementAt(Images - 2), one.Max());
        one = MemoryFolder.Scores(model, _folder.Items, batch: 1);
        Assert.Equal(one, MemoryFolder.Scores(model, _folder.Items, batch: 8));
    }

    /// <summary>Before it begins, while it reads, chooses, judges.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(MemoryPhases.Reading)]
    [InlineData(MemoryPhases.Choosing)]
    [InlineData(MemoryPhases.Judging)]
    public void AnInterruptedMakingWritesNothingAndLeavesTheModelThatThereWas(string? phase)
    {
        File.WriteAllText(_folder.In("m.mlffad"), "an older model");
        using var stop = new CancellationTokenSource();
        if (phase is null) stop.Cancel();
        var (outcome, _) = MemoryFolder.Make(_folder.Request(), 1, p => { if (p.Phase == phase) stop.Cancel(); }, stop);
        Assert.True(outcome.Interrupted);
        Assert.Equal("an older model", File.ReadAllText(_folder.In("m.mlffad")));
        Assert.Equal(["m.mlffad", "parts"], Written());
    }

    [Fact]
    public void WhatOnlyATrainingKnowsAndAnOutputThatCannotBeWrittenAreRefused()
    {
        var request = _folder.Request();
        MemoryFolder.Refused(request with { MaxImages = 20 }, ExitCode.Usage);
        MemoryFolder.Refused(request with { ExplicitKeys = new HashSet<string> { "train.epochs" } }, ExitCode.Usage);
        MemoryFolder.Refused(request with { Resume = _folder.In("m.mlffad.state") }, ExitCode.Usage);
        foreach (float threshold in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            MemoryFolder.Refused(request with { Threshold = threshold }, ExitCode.Usage);
        MemoryFolder.Refused(_folder.Request(model: "missing/m.mlffad"), ExitCode.Output);
        MemoryFolder.Refused(_folder.Request(folder: "nowhere"), ExitCode.BadData);
        Assert.False(File.Exists(_folder.In("m.mlffad")));
    }

    [Fact]
    public void ProgressGoesThroughThePhasesAndTheLogSaysWhatEachTook()
    {
        var seen = new List<MemoryProgress>();
        MemoryFolder.Make(_folder.Request(), onProgress: seen.Add);
        string[] phases = [MemoryPhases.Reading, MemoryPhases.Choosing, MemoryPhases.Judging, MemoryPhases.Comparing];
        Assert.Equal(phases, seen.Select(p => p.Phase).Distinct());
        Assert.All(seen, p => Assert.InRange(p.Share, 0, 1));
        var steps = seen.Select(p => (p.Phase, (int)p.All, (int)p.Done)).ToList();
        foreach (var (phase, all) in phases.Zip(new[] { Images, 60, Images, 0 }))
            Assert.Contains((phase, all, all), steps);
        string[] log = File.ReadAllLines(_folder.In("m.mlffad.log.jsonl"));
        Assert.Equal(6, log.Length);
        foreach (var (phase, line) in phases.Append("all").Zip(log))
            Assert.StartsWith($"{{\"phase\":\"{phase}\",", line, Ordinal);
        Assert.StartsWith("{\"quality\":{\"image\":", log[^1], Ordinal);
    }
}
