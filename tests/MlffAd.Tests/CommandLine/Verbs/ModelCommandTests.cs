using System.Text.Json;
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
        Assert.Contains(run.Lines,
            line => line.StartsWith("  backbone          stages [1,1,1] · width 8", StringComparison.Ordinal));
        Assert.Equal(4, CommandRun.Of("show", Path.Combine(Good, "00.png")).Code);
        Assert.Equal(4, CommandRun.Of("show", "nowhere.mlffad").Code);
    }

    [Fact]
    public void ShowAndTheReportSayOfAMemoryWhatItRemembersAndNothingOfTheNetwork()
    {
        string model = tiny.PathOf("chosen.mlffad"), pages = tiny.PathOf("memory-report");
        string[] options = ["--device", "cpu", "--preset", "tiny", "--weights", "none", "--set", "memory.size=50",
            "--set", "memory.scaling=none"];
        Assert.Equal(0, CommandRun.Of(["train", tiny.Data, "-o", model, .. options]).Code);
        string[] lines = CommandRun.Of("show", model).Lines;
        Assert.Contains(lines, line => line.StartsWith("  chosen            ", Ordinal));
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
        Assert.Contains("<h2>Making</h2><table><tr><th>trying numbers</th><td>", page, Ordinal);
        Assert.Contains("<h2>Numbers tried</h2><table><tr><th>", page, Ordinal);
        Assert.Contains("<div class='ends'><span>0.00</span>", page, Ordinal);
        Assert.DoesNotContain("Training loss", page, Ordinal);
    }

    [Fact]
    public void ShowAndTheReportSayHowGoodTheModelIsAndWarn()
    {
        string model = Copy(tiny.Model, "bad.mlffad"), pages = tiny.PathOf("bad-report");
        ModelFile.Update(model, m => m with
        {
            Quality = new(0.7777, 0.66666, 4, 16),
            Training = m.Training with { Photographs = 40, LossTrend = 0.5 },
        });
        string[] lines = CommandRun.Of("show", model).Lines;
        Assert.Contains(
            "  quality           0.778 by image, 0.667 by pixel, of 16 pseudo anomalies on 4 good images", lines);
        Assert.Equal(3, lines.Count(line => line.StartsWith("  warning           ", Ordinal)));
        Assert.Contains("  photographs       40", lines);
        Assert.Contains(
            "  loss              over the last fifth of the steps 0.5 of that over the fifth before", lines);
        Assert.Equal(0, CommandRun.Of("evaluate", model, tiny.Data, "--device", "cpu", "--report", pages).Code);
        string page = File.ReadAllText(Path.Combine(pages, "index.html"));
        Assert.Contains("<tr><th>quality</th><td>0.778 by image", page, Ordinal);
        Assert.Contains("<tr><th>warning</th><td>This model tells an anomaly", page, Ordinal);

        ModelFile.Update(model, m => m with
        {
            Quality = null,
            Training = m.Training with { Photographs = null, LossTrend = null },
        });
        lines = CommandRun.Of("show", model).Lines;
        Assert.DoesNotContain(lines, line => line.Contains("quality", Ordinal) || line.Contains("warning", Ordinal));
    }

    [Fact]
    public void ShowWritesAllOfItAsJson()
    {
        string model = Copy(tiny.Model, "json.mlffad"), path = tiny.PathOf("show.json");
        ModelFile.Update(model, m => m with { Quality = new(0.5, 0.25, 4, 16), PixelGiven = 0.125f });
        var run = CommandRun.Of("show", model, "--json", path);
        Assert.Equal(CommandRun.Of("show", model), run);
        using var file = ModelFile.Open(model);
        var m = file.Metadata;
        using var json = JsonDocument.Parse(File.ReadAllText(path));
        var root = json.RootElement;
        Assert.Equal(["calibration", "class", "config", "earlier", "format", "pixelThreshold", "preprocessing",
            "quality", "threshold", "thresholdFrom", "training", "warnings"], Names(root));
        Assert.Equal(("mlffad/1", "squares", "training"),
            (Text(root, "format"), Text(root, "class"), Text(root, "thresholdFrom")));
        Assert.Equal((m.Threshold, 0.125f), (Number(root, "threshold"), Number(root, "pixelThreshold")));
        Assert.Equal(m.Calibration!.Scores,
            root.GetProperty("calibration").GetProperty("scores").EnumerateArray().Select(s => s.GetSingle()));
        Assert.Equal(0, root.GetProperty("earlier").GetArrayLength());
        Assert.Equal(0.25f, Number(root.GetProperty("quality"), "pixel"));
        Assert.Equal(["epochs", "images", "losses", "photographs", "seed", "weights"],
            Names(root.GetProperty("training")));
        Assert.Equal([.. Warnings.Of(m), m.Calibration.Caution!],
            root.GetProperty("warnings").EnumerateArray().Select(w => w.GetString()));
        Assert.Equal(["mean", "order", "scale", "std"], Names(root.GetProperty("preprocessing")));
        Assert.Equal(64, root.GetProperty("config").GetProperty("imageSize").GetInt32());

        // What is not there is said not to be.
        ModelFile.Update(model, m => m.With(new(0.5f, null, null, "the user")) with { Quality = null });
        Assert.Equal(0, CommandRun.Of("show", model, "--json", path, "--quiet").Code);
        using var bare = JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal(JsonValueKind.Null, bare.RootElement.GetProperty("calibration").ValueKind);
        Assert.Equal(JsonValueKind.Null, bare.RootElement.GetProperty("quality").ValueKind);
        Assert.Equal((0.5f, "the user"),
            (Number(bare.RootElement, "pixelThreshold"), Text(bare.RootElement, "thresholdFrom")));
        Assert.Equal("training", Text(bare.RootElement.GetProperty("earlier")[0], "from"));

        static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();
        static float Number(JsonElement of, string name) => of.GetProperty(name).GetSingle();
        static IEnumerable<string> Names(JsonElement of) =>
            of.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void ShowAsJsonSaysOfAMemoryWhatACellAsideCounts()
    {
        string path = tiny.PathOf("memory.json");
        Assert.Equal(0, CommandRun.Of("show", tiny.Memory, "--json", path).Code);
        using var file = ModelFile.Open(tiny.Memory);
        using var json = JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal("mlffad/3", json.RootElement.GetProperty("format").GetString());
        Assert.Equal(file.Tensors.ReadFloats("memory.step")[0],
            json.RootElement.GetProperty("memory").GetProperty("step").GetSingle());
    }

    [Fact]
    public void ShowWritesOverNothingThatItReads()
    {
        string model = Copy(tiny.Model, "kept.mlffad");
        byte[] before = File.ReadAllBytes(model);
        File.WriteAllText(model + ".log.jsonl", "a log");
        Refused(2, "would be written over what is read", CommandRun.Of("show", model, "--json", model));
        Refused(2, "would be written over what is read", CommandRun.Of("show", model, "--json", model + ".log.jsonl"));
        Refused(7, "nowhere", CommandRun.Of("show", model, "--json", tiny.PathOf("nowhere/show.json")));
        Refused(4, "nowhere.mlffad", CommandRun.Of("show", "nowhere.mlffad", "--json", tiny.PathOf("none.json")));
        Assert.False(File.Exists(tiny.PathOf("none.json")));
        Assert.Equal(before, File.ReadAllBytes(model));
    }

    [Fact]
    public void PlanListsEveryLaunchWithItsArithmetic()
    {
        var run = CommandRun.Of("plan", tiny.Model, "--device", "cpu", "--rounds", "1", "--batch", "2");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains(run.Lines, line => line.Contains("| backbone.conv1 ", StringComparison.Ordinal)
            && line.Contains("| convolution ", StringComparison.Ordinal)
            && line.Contains("[2,32,32,8]", StringComparison.Ordinal));
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
        Assert.Equal((10, c.Threshold, before.Metadata.Config),
            (c.Images, after.Metadata.Threshold, after.Metadata.Config));
        Assert.InRange(c.Threshold, c.Scores[^2], c.Scores[^1]);
        foreach (var tensor in before.Tensors.Tensors.Keys)
            Assert.Equal(before.Tensors.ReadBytes(tensor), after.Tensors.ReadBytes(tensor));

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
        foreach (string file in Directory.GetFiles(Good).Take(3))
            File.Copy(file, Path.Combine(few, Path.GetFileName(file)));
        Refused(3, "3 good images are too few", Threshold(tiny.Model, few));
        File.WriteAllText(Path.Combine(few, "x.png"), "broken");
        Refused(3, "x.png", Threshold(tiny.Model, few));
        Refused(3, "There is no folder 'nowhere'", Threshold(tiny.Model, "nowhere"));
        Refused(4, "nowhere.mlffad", Threshold("nowhere.mlffad", few));
        Refused(2, "'verdict.imageQuantile' cannot be '2'", Threshold(tiny.Model, few, "--image-quantile", "2"));
        Assert.Equal(before, File.ReadAllBytes(tiny.Model));
    }

    private string Copy(string model, string name)
    {
        File.Copy(model, tiny.PathOf(name));
        return tiny.PathOf(name);
    }

    private static CommandRun Threshold(string model, string folder, params string[] options) =>
        CommandRun.Of(["threshold", model, folder, "--device", "cpu", .. options]);

    private static void Refused(int code, string said, CommandRun run)
    {
        Assert.Equal(code, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
