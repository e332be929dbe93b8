using System.Text.Json;
using static System.StringComparison;

namespace MlffAd.Tests.Training;

public sealed class MemoryChoiceTests
{
    private static readonly Config Choosing = MemoryFolder.Of(MemoryFolder.Tiny, ("memory.choose", "true"));

    /// <summary>What is screened is what a memory of these numbers would find, to the last bit: this one is
    /// small.</summary>
    [Theory]
    [InlineData(false, 0.05)]
    [InlineData(true, 0.2)]
    [InlineData(true, 0)]
    public void AScreenedMemoryFindsWhatTheMadeOneDoes(bool mean, double place)
    {
        using var folder = new MemoryFolder(images: 9);
        using var device = Device.Open("cpu", 1);
        var request = folder.Request(MemoryFolder.Of(Choosing, ("memory.mean", mean ? "true" : "false"),
            ("memory.place", FormattableString.Invariant($"{place}"))));
        var screened = new MemoryScreen(request, device, default).Measure([false, true], [0, 0.05, 0.2], folder.Items,
            folder.Items, () => { });
        Assert.Equal(6, screened.Count);
        var one = Assert.Single(screened, s => s.Mean == mean && s.Place == place);
        var start = InitialWeights.ForMemory(request, _ => { });
        using var maker = new MemoryMaker(request, start, device, _ => { }, default);
        var memory = maker.Make(folder.Items, [], new Rejects(9, 0));
        var shown = MemoryJudge.Shown(folder.Items, 64);
        var due = new MemoryJudge(start.Preprocessing, device, default).Measure(memory, folder.Items, shown,
            ImageFile.MaxPixels, (_, _) => { });
        Assert.Equal(memory.Config.Memory.Size, one.Vectors);
        Assert.Equal(due.Of(memory.Config).Select(j => (j.Picture.Owner, j.Score)),
            one.Scores.Of(memory.Config).Select(j => (j.Picture.Owner, j.Score)));
    }

    /// <summary>A cell of a finer map is a smaller piece of the part.</summary>
    [Fact]
    public void SmoothingAndReadoutGrowWithTheMap()
    {
        using var folder = new MemoryFolder(images: 9);
        MemoryFolder.Make(folder.Request(MemoryFolder.Of(Choosing, ("imageSize", "512"))) with
        {
            ExplicitKeys = new HashSet<string> { "memory.mean", "memory.place", "memory.scaling" },
        });
        var choice = Model.Load(folder.In("m.mlffad")).Metadata.Choice;
        Assert.Equal([0.6, 1.2, 1.6, 2.4], choice.Select(c => c.Smooth).Distinct().Order());
        Assert.Equal([0, 20, 80], choice.Select(c => c.Readout).Distinct().Order());
    }

    [Fact]
    public void AMemoryHasTheNumbersThatErrLeastAndSaysWhatElseWasTried()
    {
        using var folder = new MemoryFolder(images: 12);
        var (_, said) = MemoryFolder.Make(folder.Request(Choosing));
        var model = Model.Load(folder.In("m.mlffad")).Metadata;
        Assert.Equal(2 * 4 * 2 * 3 * 3, model.Choice.Count);
        Assert.Equal(model.Choice.Count, model.Choice.Select(c => c.Numbers).Distinct().Count());
        var memory = model.Config.Memory;
        Assert.Equal(memory, model.Choice[0].In(memory));
        Assert.True(memory.Choose);
        var defaults = Assert.Single(model.Choice, c =>
            (c.Mean, c.Place, c.Scaling, c.Smooth, c.Readout) == (false, 0.05, Scaling.None, 0.6, 0));
        double best = model.Choice.Min(Error);
        Assert.Equal(best < 0.99 * Error(defaults) ? best : Error(defaults), Error(model.Choice[0]));
        Assert.Equal(model.Choice.Skip(1).Select(Error).Order(), model.Choice.Skip(1).Select(Error));
        string log = File.ReadAllLines(folder.In("m.mlffad.log.jsonl"))[^2];
        using var json = JsonDocument.Parse(log);
        var tried = json.RootElement.GetProperty("choice");
        Assert.Equal(model.Choice.Count, tried.GetArrayLength());
        Assert.Equal(["none", "place"], tried.EnumerateArray().Select(c => c.GetProperty("scaling").GetString()!)
            .Distinct().Order(StringComparer.Ordinal));
        // Neither names nor threads matter.
        byte[] bytes = File.ReadAllBytes(folder.In("m.mlffad"));
        MemoryFolder.Make(folder.Request(Choosing, "again.mlffad"), threads: 3);
        Assert.Equal(bytes, File.ReadAllBytes(folder.In("again.mlffad")));
        Assert.NotEmpty(said);

        static double Error(MemoryCandidate c) =>
            (1 - c.Image + 0.001) * (1 - c.Area + 0.001) * (1 - c.Anomaly + 0.001);
    }

    [Fact]
    public void WhatIsSetIsNotChosen()
    {
        using var folder = new MemoryFolder(images: 12);
        var config = MemoryFolder.Of(Choosing, ("memory.place", "0.3"), ("memory.smooth", "0"));
        MemoryFolder.Make(folder.Request(config) with
        {
            ExplicitKeys = new HashSet<string> { "memory.place", "memory.smooth" },
        });
        var model = Model.Load(folder.In("m.mlffad")).Metadata;
        Assert.Equal((0.3, 0.0), (model.Config.Memory.Place, model.Config.Memory.Smooth));
        Assert.Equal(2 * 2 * 3, model.Choice.Count);
        Assert.All(model.Choice, c => Assert.Equal((0.3, 0.0), (c.Place, c.Smooth)));
        MemoryFolder.Make(folder.Request(config.With("memory.choose", "false")));
        model = Model.Load(folder.In("m.mlffad")).Metadata;
        Assert.Empty(model.Choice);
        Assert.False(model.Config.Memory.Choose);
    }

    [Fact]
    public void WhereTimeIsShortTheDefaultsStand()
    {
        using var folder = new MemoryFolder(images: 8);
        var (_, said) = MemoryFolder.Make(folder.Request(Choosing) with { TimeBudget = TimeSpan.FromSeconds(30) });
        Assert.Contains(said, line => line.Contains("the defaults stand", Ordinal));
        Assert.Empty(Model.Load(folder.In("m.mlffad")).Metadata.Choice);
    }
}
