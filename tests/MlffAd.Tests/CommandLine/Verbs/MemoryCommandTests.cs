using System.Text.Json;
using MlffAd.Cli;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>Every verb on a memory of good parts.</summary>
[Collection(nameof(TinyModel))]
public sealed class MemoryCommandTests(TinyModel tiny)
{
    private string Good => Path.Combine(tiny.Data, "train", "good");

    [Fact]
    public void OnAProcessorTrainingMakesAMemoryUnlessSomethingElseIsAskedFor()
    {
        var run = tiny.Making;
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.StartsWith("Learning on cpu (", run.Lines[0], Ordinal);
        Assert.Contains(", preset memory (the default on a processor; a network beside it is --preset fast), "
            + "imageSize 64,",
            run.Lines[0], Ordinal);
        Assert.EndsWith(", from random weights.", run.Lines[0], Ordinal);
        string[] due =
            ["The backbone starts from random", "Random features say little", "Remembered 60 cells of 10 images in "];
        foreach (string said in due)
            Assert.Single(run.Lines, line => line.StartsWith(said, Ordinal));
        Assert.Contains(run.Lines, line => line.EndsWith(", from 10 good images.", Ordinal));
        Assert.StartsWith($"Wrote '{tiny.Memory}'.", run.Lines[^1], Ordinal);
        Assert.DoesNotContain('\u001b', run.Output);
        string[] written = Directory.GetFiles(tiny.Folder, "memory.mlffad*");
        Assert.Equal([tiny.Memory, $"{tiny.Memory}.log.jsonl"], written.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void WithTimeToSpareItIsTheSameMemoryAndQuietSaysNothing()
    {
        string path = tiny.PathOf("budget.mlffad");
        string[] options = [.. TinyModel.Remembering, "--time-budget", "5m", "--quiet"];
        var run = CommandRun.Of(["train", tiny.Data, "-o", path, .. options]);
        Assert.Equal(new CommandRun(0, "", ""), run);
        Assert.Equal(File.ReadAllBytes(tiny.Memory), File.ReadAllBytes(path));
    }

    /// <summary>A frozen backbone of random weights is refused, so that nothing is trained here.</summary>
    [Theory]
    [InlineData("--max-images", "8")]
    [InlineData("--train.lr", "1")]
    [InlineData("--epochs", "2")]
    [InlineData("--max-images", "8", "--time-budget", "1m", "--seed", "3")]
    public void WhatConcernsTheNetworkTrainsTheNetwork(params string[] options)
    {
        var run = Train([.. options, "--weights", "none"]);
        Assert.Contains(", preset fast (what is set concerns the network)", run.Output, Ordinal);
        Refused(2, "give '--freeze none'", run);
    }

    [Theory]
    [InlineData("'train.lr' concerns the network", "--preset", "memory", "--train.lr", "1")]
    [InlineData("'train.batch' concerns the network", "--memory.place", "1", "--batch", "4")]
    [InlineData("'memory.place' concerns the memory, and there is none", "--preset", "paper", "--memory.place", "1")]
    [InlineData("A memory looks at each photograph once", "--preset", "memory", "--epochs", "3")]
    [InlineData("A memory looks at each photograph once", "--memory.size", "50", "--max-images", "3")]
    [InlineData("is more than the 100 of memory.candidates", "--memory.size", "200", "--memory.candidates", "100")]
    [InlineData("memory.from names each stage once", "--memory.from", "3,2")]
    [InlineData("'memory.from' cannot be '4'", "--memory.from", "4")]
    [InlineData("memory.readout 1025 is more than the map's 1024 cells", "--memory.readout", "1025")]
    public void WhatChangesNothingOrContradictsIsRefusedInOneLine(string said, params string[] options)
    {
        var run = Train([.. options, "--weights", "none"]);
        Refused(2, said, run);
        Assert.Equal("", run.Output);
    }

    [Fact]
    public void InterruptedItSaysThatNothingWasWritten()
    {
        using var stop = new CancellationTokenSource();
        using StringWriter output = new StopAt("choosing what to remember", stop), error = new();
        string path = tiny.PathOf("broken.memory");
        string[] words = ["train", tiny.Data, "-o", path, .. TinyModel.Remembering];
        Assert.Equal(130, Program.Run(words, output, error, stop.Token));
        Assert.Equal("mlffad: interrupted before the memory stood; nothing was written.", error.ToString().TrimEnd());
        Assert.Empty(Directory.GetFiles(tiny.Folder, "broken.memory*"));
    }

    [Fact]
    public void PlanAndProfileShowTheSearch()
    {
        var plan = CommandRun.Of("plan", tiny.Memory, "--device", "cpu", "--rounds", "1");
        Assert.Equal((0, ""), (plan.Code, plan.Error));
        Assert.Contains(plan.Lines, line => line.Contains("| memory.distance ", Ordinal)
            && line.Contains("| memory.nearest ", Ordinal) && line.Contains("[1,8,8,1]", Ordinal));
        string json = tiny.PathOf("profile.json");
        string[] small = [.. TinyModel.Remembering.Where((_, i) => i is < 2 or > 3)];   // without --weights
        var profile = CommandRun.Of(
            ["profile", "--scoring", "--preset", "memory", "--batch", "1", "--steps", "1", "--json", json, .. small]);
        Assert.Equal((0, ""), (profile.Code, profile.Error));
        using var document = JsonDocument.Parse(File.ReadAllText(json));
        var kernels = document.RootElement.GetProperty("kernels").EnumerateArray();
        var names = kernels.Select(kernel => kernel.GetProperty("name").GetString()).ToHashSet();
        Assert.Subset(names, new HashSet<string?> { "memory.nearest", "memory.place", "pool.local", "convolution" });
    }

    [Fact]
    public void PlanAndProfileSearchForThePhotographsOfAFolder()
    {
        var plan = CommandRun.Of("plan", tiny.Memory, "--device", "cpu", "--rounds", "1", "--images", tiny.Data);
        Assert.Equal((0, ""), (plan.Code, plan.Error));
        var profile = CommandRun.Of(["profile", "--scoring", "--preset", "memory", "--batch", "3", "--steps", "1",
            "--images", tiny.Data, .. TinyModel.Remembering.Where((_, i) => i is < 2 or > 3)]);
        Assert.Equal((0, ""), (profile.Code, profile.Error));
        Assert.Contains("Scoring a batch of 3 images", profile.Output, Ordinal);
        Refused(3, "'no such folder'", CommandRun.Of("plan", tiny.Memory, "--images", "no such folder"));
    }

    [Theory]
    [InlineData("profile it with --scoring", "profile", "--preset", "memory")]
    [InlineData("--images goes with --scoring", "profile", "--preset", "tiny", "--images", ".")]
    [InlineData("take another preset", "bench", "threads", "--preset", "memory")]
    public void WhatAMemoryHasNotIsNotMeasured(string said, params string[] words) =>
        Refused(2, said, CommandRun.Of(words));

    [Fact]
    public void ASampleShowsPhotographsThatItDoesNotRemember()
    {
        var config = TinyModel.Remembering[4..].Chunk(2).Aggregate(
            Preset.Find("memory"), (c, pair) => c.With(Config.Resolve(pair[0][2..]), pair[1]));
        using var device = Device.Open("cpu", 1);
        var sample = MemorySample.Of(config, tiny.Data, 6, device);
        float[] cells = sample.Cells(device), vectors = sample.Weights[MemoryNetwork.Vectors].ToArray();
        int width = config.Memory.Width, all = config.Cells * width;
        Assert.Equal(6 * all, cells.Length);
        Assert.Equal(cells[..all], cells[(4 * all)..(5 * all)]);   // four are held out, the first comes again
        var remembered = vectors.Chunk(width).Select(v => string.Join(' ', v)).ToHashSet();
        Assert.DoesNotContain(cells.Chunk(width), cell => remembered.Contains(string.Join(' ', cell)));
    }

    /// <summary>The search would take many times as long among copies, where each may be the nearest.</summary>
    [Fact]
    public void WhatIsProfiledIsAMemoryOfManyVectors()
    {
        var config = Preset.Find("memory").With("memory.size", "100");
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), seed: 0);
        var vectors = weights[MemoryNetwork.Vectors].ToArray().Chunk(512).Select(vector => string.Join(' ', vector));
        Assert.Equal(100, vectors.Distinct().Count());
    }

    [Fact]
    public void ShowAndConfigHaveTheMemorysKeys()
    {
        var show = CommandRun.Of("show", tiny.Memory);
        Assert.Equal((0, ""), (show.Code, show.Error));
        Assert.Contains(show.Lines, line => line.Contains("  memory ", Ordinal)
            && line.Contains("from [2,3] · mean false · width 16 · size 60 · candidates 400 · place 0.05", Ordinal));
        Assert.Contains(show.Lines, line => line.StartsWith("  remembered        60 cells of 10 images", Ordinal));
        Assert.Equal(Preset.Find("memory"), Config.FromJson(CommandRun.Of("config", "--preset", "memory").Output));
        Assert.DoesNotContain("memory", CommandRun.Of("config", "--preset", "paper").Output, Ordinal);
    }

    [Fact]
    public void ThresholdsCanBeSetAnewAndTheMemoryStays()
    {
        string copy = tiny.PathOf("moved.memory");
        File.Copy(tiny.Memory, copy);
        var run = CommandRun.Of("threshold", copy, Good, "--device", "cpu", "--verdict.imageQuantile", "1");
        Assert.Equal((0, ""), (run.Code, run.Error));
        using ModelFile before = ModelFile.Open(tiny.Memory), after = ModelFile.Open(copy);
        Assert.Equal("mlffad/3", after.Tensors.Metadata["format"]);
        Assert.Equal((10, before.Metadata.Config), (after.Metadata.Calibration!.Images, after.Metadata.Config));
        Assert.NotEqual(before.Metadata.Threshold, after.Metadata.Threshold);
        Assert.Equal(before.Tensors.Tensors.Keys, after.Tensors.Tensors.Keys);
        foreach (string name in before.Tensors.Tensors.Keys)
            Assert.Equal(before.Tensors.ReadBytes(name), after.Tensors.ReadBytes(name));
        Assert.Equal(0, CommandRun.Of("detect", copy, Good, "--device", "cpu").Code);
    }

    [Fact]
    public void DetectFindsTheSquaresAndItsTableHasTheColumnsItAlwaysHad()
    {
        string csv = tiny.PathOf("memory.csv"), maps = tiny.PathOf("memory-maps");
        string test = Path.Combine(tiny.Data, "test");
        var run = CommandRun.Of("detect", tiny.Memory, test, "--device", "cpu", "--csv", csv, "--heatmaps", maps);
        Assert.Equal((1, ""), (run.Code, run.Error));
        string[] lines = File.ReadAllLines(csv);
        Assert.Equal("path,score,verdict,x,y,w,h", lines[0]);
        Assert.Equal(7, lines.Length);
        foreach (string line in lines[1..])
            Assert.Equal(line.Contains("/square/", Ordinal) ? "defect" : "good", line.Split(',')[2]);
        Assert.Equal(6, Directory.GetFiles(maps, "*.png", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void EvaluateMeasuresItAtEitherResolutionAndWritesItsReport()
    {
        string json = tiny.PathOf("memory.json"), report = tiny.PathOf("memory-report");
        foreach (string resolution in new[] { "network", "original" })
        {
            var run = CommandRun.Of("evaluate", tiny.Memory, tiny.Data, "--device", "cpu", "--resolution", resolution,
                "--json", json, "--report", report);
            Assert.Equal((0, ""), (run.Code, run.Error));
            using var document = JsonDocument.Parse(File.ReadAllText(json));
            Assert.Equal(1, document.RootElement.GetProperty("image").GetProperty("auroc").GetDouble());
            Assert.InRange(document.RootElement.GetProperty("pixel").GetProperty("auroc").GetDouble(), 0.8, 1);
        }
        Assert.Contains("<h1>squares</h1>", File.ReadAllText(Path.Combine(report, "index.html")), Ordinal);
    }

    private CommandRun Train(params string[] options)
    {
        var run = CommandRun.Of(["train", tiny.Data, "-o", tiny.PathOf("no.memory"), "--device", "cpu", .. options]);
        Assert.Empty(Directory.GetFiles(tiny.Folder, "no.memory*"));
        return run;
    }

    private static void Refused(int code, string said, CommandRun run)
    {
        Assert.Equal(code, run.Code);
        Assert.StartsWith("mlffad: ", run.Error, Ordinal);
        Assert.Contains(said, run.Error, Ordinal);
        Assert.Single(run.Error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }
}
