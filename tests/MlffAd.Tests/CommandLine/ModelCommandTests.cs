using MlffAd.Weights;
using Xunit;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

[Collection(nameof(TinyModel))]
public sealed class ModelCommandTests(TinyModel tiny)
{
    private string Good => Path.Combine(tiny.Data, "train", "good");

    [Fact]
    public void ShowPrintsThresholdsTrainingAndConfiguration()
    {
        var run = CommandRun.Of("show", tiny.Model);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(["Model", "Training", "Configuration"], run.Lines.Where(line => line[0] != ' ').Take(3));
        Assert.Contains(run.Lines, line => line.StartsWith("  images seen       24", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("  backbone          stages [1,1,1] · width 8", StringComparison.Ordinal));
        Assert.Equal(4, CommandRun.Of("show", Path.Combine(Good, "00.png")).Code);
        Assert.Equal(4, CommandRun.Of("show", "nowhere.mlffad").Code);
    }

    [Fact]
    public void ShowAndTheReportSayOfAMemoryWhatItRemembersAndNothingOfTheNetwork()
    {
        string model = tiny.PathOf("memory.mlffad"), pages = tiny.PathOf("memory-report");
        string[] options = ["--device", "cpu", "--preset", "tiny", "--weights", "none", "--set", "memory.size=50"];
        Assert.Equal(0, CommandRun.Of(["train", tiny.Data, "-o", model, .. options]).Code);
        string[] lines = CommandRun.Of("show", model).Lines;
        Assert.Equal(["Model", "Memory", "Configuration"], lines.Where(line => line[0] != ' ').Take(3));
        Assert.Contains("  remembered        50 cells of 10 images", lines);
        Assert.Contains("  a cell            512 numbers, of the backbone's stages 2, 3", lines);
        Assert.Contains(lines, line => line.StartsWith("  place             one cell aside counts ", Ordinal));
        var keys = lines.SkipWhile(line => line != "Configuration").Skip(1).TakeWhile(line => line[0] == ' ');
        Assert.Equal(["imageSize", "backbone", "memory", "train", "verdict"],
            keys.Select(line => line.Trim().Split(' ')[0]));
        Assert.DoesNotContain(CommandRun.Of("show", tiny.Model).Lines, line => line.StartsWith("  memory", Ordinal));

        Assert.Equal(0, CommandRun.Of("evaluate", model, tiny.Data, "--device", "cpu", "--report", pages).Code);
        string page = File.ReadAllText(Path.Combine(pages, "index.html"));
        Assert.Contains("<h2>Making</h2><table><tr><th>reading good parts</th><td>", page, Ordinal);
        Assert.Contains("<div class='ends'><span>0.00</span>", page, Ordinal);
        Assert.DoesNotContain("Training loss", page, Ordinal);
    }

    [Fact]
    public void PlanListsEveryLaunchWithItsArithmetic()
    {
        var run = CommandRun.Of("plan", tiny.Model, "--device", "cpu", "--rounds", "1", "--batch", "2");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains(run.Lines, line => line.Contains("| backbone.conv1 ", StringComparison.Ordinal) && line.Contains("| convolution ", StringComparison.Ordinal) && line.Contains("[2,32,32,8]", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.Contains("| score·fusion ", StringComparison.Ordinal));
        Assert.StartsWith("On cpu (", run.Lines[^1], StringComparison.Ordinal);
        Assert.Equal(4, CommandRun.Of("plan", Path.Combine(Good, "00.png")).Code);
    }

    [Fact]
    public void ThresholdMovesTheThresholdsAndNoWeight()
    {
        string copy = tiny.PathOf("moved.mlffad");
        File.Copy(tiny.Model, copy);
        var run = Threshold(copy, Good);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.StartsWith("Image threshold ", run.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith(", from 10 good images.", run.Lines[0], StringComparison.Ordinal);
        Assert.StartsWith("The threshold rests on 10 good images", run.Lines[1], StringComparison.Ordinal);

        using ModelFile before = ModelFile.Open(tiny.Model), after = ModelFile.Open(copy);
        var c = after.Metadata.Calibration!;
        Assert.Equal((10, c.Threshold, before.Metadata.Config), (c.Images, after.Metadata.Threshold, after.Metadata.Config));
        Assert.InRange(c.Threshold, c.Scores[^2], c.Scores[^1]);
        foreach (var tensor in before.Tensors.Tensors.Keys) Assert.Equal(before.Tensors.ReadBytes(tensor), after.Tensors.ReadBytes(tensor));

        // Of its own good images none is then above the largest of their scores.
        Threshold(copy, Good, "--verdict.imageQuantile", "1", "--quiet");
        Assert.Equal(0, CommandRun.Of("detect", copy, Good, "--device", "cpu").Code);
        Threshold(copy, Good, "--image-quantile", "0.5", "--quiet");
        Assert.Equal(1, CommandRun.Of("detect", copy, Good, "--device", "cpu").Code);
    }

    [Fact]
    public void TooFewOrBrokenImagesOrNoModelLeaveTheModelAsItWas()
    {
        byte[] before = File.ReadAllBytes(tiny.Model);
        string few = tiny.PathOf("three");
        Directory.CreateDirectory(few);
        foreach (string file in Directory.GetFiles(Good).Take(3)) File.Copy(file, Path.Combine(few, Path.GetFileName(file)));
        Refused(3, "3 good images are too few", Threshold(tiny.Model, few));
        File.WriteAllText(Path.Combine(few, "x.png"), "broken");
        Refused(3, "x.png", Threshold(tiny.Model, few));
        Refused(3, "There is no folder 'nowhere'", Threshold(tiny.Model, "nowhere"));
        Refused(4, "nowhere.mlffad", Threshold("nowhere.mlffad", few));
        Refused(2, "'verdict.imageQuantile' cannot be '2'", Threshold(tiny.Model, few, "--image-quantile", "2"));
        Assert.Equal(before, File.ReadAllBytes(tiny.Model));
    }

    private static CommandRun Threshold(string model, string folder, params string[] options) => CommandRun.Of(["threshold", model, folder, "--device", "cpu", .. options]);

    private static void Refused(int code, string said, CommandRun run)
    {
        Assert.Equal(code, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
