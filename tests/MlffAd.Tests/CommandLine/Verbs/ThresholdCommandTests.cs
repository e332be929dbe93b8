using MlffAd.Tests.Training;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>Thresholds are set anew on purpose, seen beforehand, and set back.</summary>
[Collection(nameof(TinyModel))]
public sealed class ThresholdCommandTests(TinyModel tiny)
{
    [Fact]
    public void GivenValuesAreSetListedAndUndone()
    {
        string model = Copy("given");
        var before = Model.Load(model).Metadata;
        Said(0, "(was ", "threshold", model, "--value", "4.5");
        Said(0, "pixel threshold 7.250", "threshold", model, "--pixel-value", "7.25");
        var now = Model.Load(model).Metadata;
        Assert.Equal((4.5f, 7.25f, "given", 2), (now.Threshold, now.PixelThreshold, now.From, now.Earlier.Count));
        string shown = CommandRun.Of("show", model).Output;
        Assert.Contains("thresholds from", shown, Ordinal);
        Assert.Contains("before that", shown, Ordinal);
        Said(0, "as before, from given", "threshold", model, "--undo");
        Said(0, "as before, from training", "threshold", model, "--undo");
        Said(2, "there is nothing to undo", "threshold", model, "--undo");
        Assert.Equal(File.ReadAllBytes(tiny.Model), File.ReadAllBytes(model));
        Assert.Equal(before.Threshold, Model.Load(model).Metadata.Threshold);
    }

    [Theory]
    [InlineData("--value", "4.5")]
    [InlineData("--undo")]
    [InlineData("DATA")]
    public void ADryRunWritesNothing(params string[] how)
    {
        string model = Copy("dry" + how[0]);
        if (how[0] == "--undo") Said(0, "", "threshold", model, "--value", "3");
        byte[] before = File.ReadAllBytes(model);
        Said(0, "Nothing was written (--dry-run).",
            ["threshold", model, .. how.Select(w => w == "DATA" ? tiny.Data : w), "--dry-run", "--force"]);
        Assert.Equal(before, File.ReadAllBytes(model));
    }

    [Theory]
    [InlineData]
    [InlineData("DATA", "--undo"), InlineData("DATA", "--value", "1"), InlineData("--undo", "--pixel-value", "1")]
    [InlineData("--value", "nan"), InlineData("--pixel-value", "0,5")]
    public void OneWayIsTaken(params string[] words) =>
        Assert.Equal(2, CommandRun.Of(["threshold", tiny.Model, .. words.Select(w => w == "DATA" ? tiny.Data : w)])
            .Code);

    /// <summary>Good photographs, and among them some with defects.</summary>
    [Theory]
    [InlineData(9, 1)]
    [InlineData(7, 3)]
    [InlineData(12, 5)]
    public void DefectsAmongGoodOnesAreNamedAndRefusedUnlessForced(int images, int defective)
    {
        using var folder = new MemoryFolder(images: 20);
        var made = folder.Request();
        MemoryFolder.Make(made);
        string mixed = Directory.CreateDirectory(folder.In("mixed")).FullName;
        for (int i = 0; i < images; i++) folder.Draw($"{i}.png", 100 + i, odd: i < defective, folder: "mixed");
        byte[] before = File.ReadAllBytes(made.Output);
        var run = CommandRun.Of("threshold", made.Output, mixed);
        Assert.Equal(3, run.Code);
        Assert.Contains($"{defective} of {images} images score far above the rest: '", run.Error, Ordinal);
        for (int i = 0; i < defective; i++) Assert.Contains($"'{i}.png' (", run.Error, Ordinal);
        Assert.Equal(before, File.ReadAllBytes(made.Output));
        Assert.Equal(3, CommandRun.Of("threshold", made.Output, mixed, "--dry-run").Code);

        run = CommandRun.Of("threshold", made.Output, mixed, "--force");
        Assert.Equal(0, run.Code);
        Assert.Contains("score far above the rest: '", run.Error, Ordinal);
        Assert.Contains($"{images} good images, forced: {defective} score far above the rest",
            CommandRun.Of("show", made.Output).Output, Ordinal);
        Assert.Equal(0, CommandRun.Of("threshold", made.Output, "--undo").Code);
        Assert.Equal(before, File.ReadAllBytes(made.Output));
    }

    [Fact]
    public void ScoresOfAnotherLevelAreSaidNotRefused()
    {
        var before = new Calibration([1, 1.1f, 1.2f, 1.4f, 1.5f], 0.99, 0.999, 1.5f, 1);
        var brighter = new Calibration([11, 11.1f, 11.2f, 11.4f, 11.5f], 0.99, 0.999, 11.5f, 11);
        Assert.Contains("another level than before, 11.200 in the middle where it was 1.200",
            Calibrator.LevelChange(before, brighter), Ordinal);
        Assert.Null(Calibrator.LevelChange(before, before));
        Assert.Empty(Outstanding.Of(brighter.Scores, before));
        // What is below the threshold of now cannot raise it.
        Assert.Equal(4, Assert.Single(Outstanding.Of([1, 1, 1, 1, 1.45f], before: null)));
        Assert.Empty(Outstanding.Of([1, 1, 1, 1, 1.45f], before));
    }

    [Theory]
    [InlineData("1 1.2 1.3 1.5 1.6", ""), InlineData("1 1.2 1.3 1.5 8", "4"), InlineData("8 1.2 1.3 1.5 1", "0")]
    [InlineData("1 1 1 1 1", ""), InlineData("1 1 1 1 1.01", "4"), InlineData("1 1.2 1.3 1.5 15 16 17.5", "6,5,4")]
    [InlineData("1 1.2 15 16 17.5", "")]          // more than half: the others may be the odd ones
    [InlineData("5", "")]
    public void AScoreStandsOutByTheSpreadOfTheOthers(string scores, string found) =>
        Assert.Equal(found, string.Join(',', Outstanding.Of([.. scores.Split(' ').Select(s =>
            float.Parse(s, System.Globalization.CultureInfo.InvariantCulture))], before: null)));

    [Fact]
    public void ThePixelThresholdOfDetectDecidesTheBox()
    {
        string image = Path.Combine(tiny.Data, "test", "square", "30.png");
        Assert.Contains(" - ",
            Assert.Single(CommandRun.Of("detect", tiny.Model, image, "--pixel-threshold", "1000").Lines), Ordinal);
        Assert.Contains("0,0,72,64",
            Assert.Single(CommandRun.Of("detect", tiny.Model, image, "--pixel-threshold", "-1000").Lines), Ordinal);
        Assert.Equal(2, CommandRun.Of("detect", tiny.Model, image, "--pixel-threshold", "0,5").Code);
    }

    [Fact]
    public void AtMostTwentyEarlierThresholdsAreKept()
    {
        var metadata = Model.Load(tiny.Model).Metadata;
        for (int i = 0; i < 30; i++) metadata = metadata.With(new(i, null, null, "given"));
        Assert.Equal((29f, 20, 28f), (metadata.Threshold, metadata.Earlier.Count, metadata.Earlier[^1].Threshold));
        Assert.Equal(28f, metadata.Undone()!.Threshold);
    }

    private string Copy(string name)
    {
        string model = tiny.PathOf($"threshold-{name}.mlffad");
        File.Copy(tiny.Model, model);
        return model;
    }

    private static void Said(int code, string text, params string[] words)
    {
        var run = CommandRun.Of(words);
        Assert.Equal(code, run.Code);
        Assert.Contains(text, run.Output + run.Error, Ordinal);
    }
}
