using MlffAd.Cli;

namespace MlffAd.Tests.CommandLine;

[Collection(nameof(TinyModel))]
public sealed class TrainCommandTests(TinyModel tiny)
{
    [Fact]
    public void TheFirstLineSaysDevicePresetAndWeightsAndTheLastWhatToDoNext()
    {
        Assert.Equal((0, ""), (tiny.Training.Code, tiny.Training.Error));
        string[] lines = tiny.Training.Lines;
        Assert.StartsWith("Training on cpu (", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("preset tiny, train.batch 4, from random weights.", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("About ", StringComparison.Ordinal)
            && line.Contains("24 images, in 0.", StringComparison.Ordinal)
            && line.Contains(" GB of memory.", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("100%  24 images  loss ", StringComparison.Ordinal));
        Assert.Contains(lines,
            line => line.StartsWith("The threshold rests on 4 good images", StringComparison.Ordinal));
        string quality = Assert.Single(lines, line => line.StartsWith("Quality ", StringComparison.Ordinal));
        Assert.Matches(@"^Quality [01]\.\d{3} by image, [01]\.\d{3} by pixel, of 16 pseudo anomalies on 4 good images "
            + @"that it had not seen\.$", quality);
        Assert.StartsWith($"Wrote '{tiny.Model}'.", lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', tiny.Training.Output);
    }

    [Fact]
    public void TheModelKnowsItsConfigurationAndHistoryAndNoStateIsLeft()
    {
        using var model = ModelFile.Open(tiny.Model);
        var m = model.Metadata;
        Assert.Equal(("squares", 64, 4), (m.Class, m.Config.ImageSize, m.Config.Train.Batch));
        Assert.Equal((24L, 4), (m.Training.Images, m.Calibration!.Images));
        Assert.Equal([tiny.Model, $"{tiny.Model}.log.jsonl"],
            Directory.GetFiles(tiny.Folder, "squares.mlffad*").Order(StringComparer.Ordinal));
    }

    /// <summary>Warnings stand in the lines, and do not change the exit code.</summary>
    [Fact]
    public void AModelThatHasSeenTooLittleSaysSo()
    {
        string path = tiny.PathOf("early.mlffad");
        string[] options = [.. TinyModel.Tiny[..^1], "4"];
        var run = CommandRun.Of(["train", tiny.Data, "-o", path, .. options]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains(run.Lines, line => line.StartsWith(
            "Training has seen fewer images (4) than there are photographs (6): ", StringComparison.Ordinal));
        string[] log = File.ReadAllLines(path + ".log.jsonl");
        Assert.StartsWith("{\"quality\":{\"image\":", log[^1], StringComparison.Ordinal);
        Assert.EndsWith("\"images\":4,\"anomalies\":16}}", log[^1], StringComparison.Ordinal);
        Assert.Single(log, line => line.Contains("quality", StringComparison.Ordinal));
    }

    [Fact]
    public void QuietSaysNothing() =>
        Assert.Equal(new CommandRun(0, "", ""),
            CommandRun.Of(["train", tiny.Data, "-o", tiny.PathOf("quiet.mlffad"), "--quiet", .. TinyModel.Tiny]));

    [Fact]
    public void SetAndOptionsOfAnyKeyReachTheModelAndAGivenThresholdStands()
    {
        string path = tiny.PathOf("set.mlffad");
        var run = CommandRun.Of(["train", tiny.Data, "-o", path, .. TinyModel.Tiny, "--set", "train.schedule=cosine",
            "--set", "lr-decay=0.5", "--loss.alpha", "2", "--seed", "7", "--threshold", "-1.5"]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        using var model = ModelFile.Open(path);
        var c = model.Metadata.Config;
        Assert.Equal(("cosine", "0.5", "2", 7),
            (c.Get("train.schedule"), c.Get("train.lrDecay"), c.Get("loss.alpha"), c.Train.Seed));
        Assert.Equal(-1.5f, model.Metadata.Threshold);
        Assert.Contains(run.Lines, line => line.StartsWith("Image threshold -1.500 as given, pixel threshold ",
            StringComparison.Ordinal)
            && line.EndsWith(", from 4 good images held out of training.", StringComparison.Ordinal));
    }

    [Fact]
    public void WithoutHoldoutAPlainFolderOfFewImagesTakesAThreshold()
    {
        string path = tiny.PathOf("few.mlffad"), few = tiny.PathOf("few");
        Directory.CreateDirectory(few);
        foreach (string file in Directory.GetFiles(Path.Combine(tiny.Data, "train", "good")).Take(3))
            File.Copy(file, Path.Combine(few, Path.GetFileName(file)));
        Assert.Equal(3, CommandRun.Of(["train", few, "-o", path, .. TinyModel.Tiny]).Code);
        var run = CommandRun.Of(["train", few, "-o", path, .. TinyModel.Tiny, "--holdout", "0", "--threshold", "2"]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("Image threshold 2.000 as given, pixel threshold 2.000.", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "There is no preset 'slow'; there are paper, fast", "--preset", "slow")]
    [InlineData(2, "the nearest is 'train.epochs'", "--set", "train.epoch=3")]
    [InlineData(2, "--set takes KEY=VALUE, not 'train.lr'", "--set", "train.lr")]
    [InlineData(2, "'train.lr' is set twice", "--lr", "0.1", "--set", "train.lr=0.2")]
    [InlineData(2, "'train.lr' cannot be '-1'", "--lr", "-1")]
    [InlineData(2, "--max-images must be at least 1", "--max-images", "0")]
    [InlineData(2, "--time-budget takes a time such as 25m", "--time-budget", "soon")]
    [InlineData(2, "give '--freeze none'", "--preset", "fast", "--weights", "none")]
    [InlineData(2, "give '--freeze none'", "--preset", "tiny", "--freeze", "stem")]
    [InlineData(2, "'memory.place' concerns the memory", "--preset", "paper", "--memory.place", "1")]
    [InlineData(2, "a memory.size above 0", "--size", "0")]
    [InlineData(2, "'train.lr' concerns the network", "--preset", "memory", "--lr", "0.1")]
    [InlineData(2, "leave --max-images and --epochs out", "--preset", "memory", "--max-images", "9")]
    [InlineData(2, "There is no preset 'slow'; there are paper, fast", "--preset", "slow", "--resume", "nowhere.state")]
    [InlineData(4, "nowhere.safetensors", "--weights", "nowhere.safetensors")]
    [InlineData(4, "nowhere.state", "--resume", "nowhere.state")]
    [InlineData(4, "nowhere.state", "--preset", "memory", "--resume", "nowhere.state")]
    [InlineData(5, "no device 'cuda:99'", "--device", "cuda:99")]
    public void MistakesHaveTheirCodeAndOneSentence(int code, string said, params string[] options)
    {
        string[] device = options.Contains("--device") ? [] : ["--device", "cpu"];
        Refused(code, said, CommandRun.Of(["train", tiny.Data, "-o", tiny.PathOf("no.mlffad"), .. device, .. options]));
        Assert.False(File.Exists(tiny.PathOf("no.mlffad")));
    }

    [Fact]
    public void AFolderThatCannotBeUsedOrWrittenIsRefusedBeforeAnyWork()
    {
        Refused(3, "There is no folder 'nowhere'.",
            CommandRun.Of(["train", "nowhere", "-o", tiny.PathOf("no.mlffad"), .. TinyModel.Tiny]));
        Refused(7, "It is a folder", CommandRun.Of(["train", tiny.Data, "-o", tiny.Folder, .. TinyModel.Tiny]));
        Refused(7, "cannot be written",
            CommandRun.Of(["train", tiny.Data, "-o", Path.Combine(tiny.Model, "x.mlffad"), .. TinyModel.Tiny]));
        Refused(2, "--output", CommandRun.Of("train", tiny.Data));
    }

    [Fact]
    public void AnInterruptedTrainingSaysHowToResumeAndThenGivesTheSameModel()
    {
        string whole = tiny.PathOf("whole.mlffad"), broken = tiny.PathOf("broken.mlffad"), state = $"{broken}.state";
        string[] options = [.. TinyModel.Tiny, "--set", "train.seed=3"];
        Assert.Equal(0, CommandRun.Of(["train", tiny.Data, "-o", whole, .. options]).Code);

        using var stop = new CancellationTokenSource();
        using StringWriter output = new StopAt("  8 images", stop), error = new();
        Assert.Equal(130, Program.Run(["train", tiny.Data, "-o", broken, .. options], output, error, stop.Token));
        Assert.Equal(
            $"mlffad: interrupted after 8 images; the state is saved. To go on: mlffad train {tiny.Data} -o {broken} "
                + $"{string.Join(' ', options)} --resume {state}\n", error.ToString().ReplaceLineEndings("\n"));
        Assert.False(File.Exists(broken));

        Refused(2, "train.lr",
            CommandRun.Of(["train", tiny.Data, "-o", broken, .. options, "--resume", state, "--lr", "0.5"]));
        var resumed = CommandRun.Of(["train", tiny.Data, "-o", broken, .. options, "--resume", state]);
        Assert.Equal((0, ""), (resumed.Code, resumed.Error));
        Assert.Contains($"resuming '{state}'", resumed.Lines[0], StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(broken));
        Assert.False(File.Exists(state));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("paper", "--preset", "paper", "--max-images", "24")]
    [InlineData("fast", "--preset", "fast", "--lr", "0.0010", "--set", "texture.scales=1,2,4")]
    [InlineData("memory", "--preset", "memory")]
    [InlineData("size", "--preset", "fast", "--memory.size", "0")]
    public void AStateGoesOnWithItsConfigurationWhateverPresetIsNamed(string name, params string[] options)
    {
        string state = Interrupted(), model = tiny.PathOf($"as-{name}.mlffad");
        var run = CommandRun.Of(
            ["train", tiny.Data, "-o", model, "--device", "cpu", .. options, "--resume", state]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.StartsWith("Training on cpu (", run.Lines[0], StringComparison.Ordinal);
        Assert.Contains($", the configuration of '{state}', ", run.Lines[0], StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(tiny.Model), File.ReadAllBytes(model));
    }

    [Theory]
    [InlineData("train.lr was 0.001 and is now 0.5", "--lr", "0.5")]
    [InlineData("train.lr was 0.001 and is now 0.01", "--preset", "fast", "--lr", "0.01")]
    [InlineData("train.batch was 4 and is now 6", "--preset", "tiny", "--batch", "6")]
    [InlineData("train.bn was train and is now frozen", "--set", "train.bn=frozen")]
    [InlineData("imageSize was 64 and is now 256", "--preset", "paper", "--imageSize", "256")]
    [InlineData("texture.scales was [1,2,4] and is now [1,3]", "--set", "texture.scales=1,3")]
    [InlineData("memory.size was 0 and is now 50", "--size", "50")]
    [InlineData("memory.place was 0.05 and is now 1", "--preset", "memory", "--memory.place", "1")]
    [InlineData("'memory.size' concerns the memory, and '{0}' is of a network: leave it out.", "--size", "0")]
    public void WhatAStateDidNotBeginWithIsRefusedInOneLine(string said, params string[] options)
    {
        string state = Interrupted(), model = tiny.PathOf("refused.mlffad");
        byte[] before = File.ReadAllBytes(state);
        var run = CommandRun.Of(
            ["train", tiny.Data, "-o", model, "--device", "cpu", .. options, "--resume", state]);
        Refused(2, said.Replace("{0}", state, StringComparison.Ordinal), run);
        Assert.Equal("", run.Output);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.Equal(before, File.ReadAllBytes(state));
    }

    /// <summary>The state of the model's training as if it had been interrupted after the second step.</summary>
    private string Interrupted()
    {
        string model = tiny.PathOf("interrupted.mlffad"), state = $"{model}.state";
        if (File.Exists(state)) return state;
        using var stop = new CancellationTokenSource();
        using StringWriter output = new StopAt("  8 images", stop), error = new();
        Assert.Equal(130,
            Program.Run(["train", tiny.Data, "-o", model, .. TinyModel.Tiny], output, error, stop.Token));
        return state;
    }

    [Fact]
    public void TrainingThatDivergesIsCode6AndNamesTheStateAndTheRemedy()
    {
        string model = tiny.PathOf("diverged.mlffad");
        Refused(6, $"The last good state is '{model}.state'",
            CommandRun.Of(["train", tiny.Data, "-o", model, .. TinyModel.Tiny[..^1], "400", "--lr", "1e30"]));
        Assert.False(File.Exists(model));
    }

    private static void Refused(int code, string said, CommandRun run)
    {
        Assert.Equal(code, run.Code);
        Assert.StartsWith("mlffad: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
