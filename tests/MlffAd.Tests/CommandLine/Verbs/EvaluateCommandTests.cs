using System.Text.Json;

namespace MlffAd.Tests.CommandLine;

[Collection(nameof(TinyModel))]
public sealed class EvaluateCommandTests(TinyModel tiny)
{
    [Fact]
    public void TheTableIsPlainAndTheFilesAreWritten()
    {
        var run = Evaluate(tiny.Data, "--json", tiny.PathOf("e.json"), "--report", tiny.PathOf("report/of/it"),
            "--tiff", tiny.PathOf("tiff"));
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.StartsWith("kind    images  flagged  image AUROC", run.Lines[0], StringComparison.Ordinal);
        Assert.Equal(["good", "square", "all"], run.Lines[1..4].Select(line => line.Split(' ')[0]));
        Assert.Equal($"The report is '{tiny.PathOf("report/of/it/index.html")}'.", run.Lines[^1]);
        Assert.DoesNotContain('\u001b', run.Output);

        var json = JsonDocument.Parse(File.ReadAllText(tiny.PathOf("e.json"))).RootElement;
        Assert.Equal(6, json.GetProperty("images").GetArrayLength());
        Assert.Equal("test/good/20.png", json.GetProperty("images")[0].GetProperty("path").GetString());
        Assert.InRange(json.GetProperty("pixel").GetProperty("auroc").GetDouble(), 0, 1);

        string page = File.ReadAllText(tiny.PathOf("report/of/it/index.html"));
        Assert.Contains("<h1>squares</h1>", page, StringComparison.Ordinal);
        Assert.Contains("Training loss", page, StringComparison.Ordinal);
        Assert.Contains("<th>image threshold</th>", page, StringComparison.Ordinal);
        Assert.Equal(6,
            Directory.GetFiles(tiny.PathOf("tiff/squares/test"), "*.tiff", SearchOption.AllDirectories).Length);
    }

    [Theory]
    [InlineData("--resolution", "original")]
    [InlineData("--pro", "rd4ad")]
    [InlineData("--pro-limit", "0.05")]
    public void OptionsChangePixelFiguresAndNotTheImages(params string[] options)
    {
        JsonElement Json(string[] given)
        {
            Assert.Equal(0, Evaluate(tiny.Data, ["--quiet", "--json", tiny.PathOf("options.json"), .. given]).Code);
            return JsonDocument.Parse(File.ReadAllText(tiny.PathOf("options.json"))).RootElement;
        }
        JsonElement plain = Json([]), changed = Json(options);
        Assert.True(JsonElement.DeepEquals(plain.GetProperty("image"), changed.GetProperty("image")));
        Assert.True(JsonElement.DeepEquals(plain.GetProperty("images"), changed.GetProperty("images")));
        Assert.False(JsonElement.DeepEquals(plain.GetProperty("pixel"), changed.GetProperty("pixel")));
    }

    [Fact]
    public void WithoutMasksItIsTheImageLevelAlone()
    {
        string data = tiny.CopyData("unmasked");
        Directory.Delete(Path.Combine(data, "ground_truth"), recursive: true);
        var run = Evaluate(data, "--json", tiny.PathOf("unmasked.json"));
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal("There are no masks: image level only.", run.Lines[^1]);
        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(File.ReadAllText(tiny.PathOf("unmasked.json"))).RootElement
            .GetProperty("pixel").ValueKind);
    }

    /// <summary>Any threshold would separate defective images from none: 1.0000 would be said of a model that sees
    /// nothing.</summary>
    [Fact]
    public void WithoutGoodTestImagesNothingIsToldApart()
    {
        string data = tiny.CopyData("ungood");
        Directory.Delete(Path.Combine(data, "test", "good"), recursive: true);
        var run = Evaluate(data, "--json", tiny.PathOf("ungood.json"));
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("There are no good test images to tell the defective ones from.", run.Lines);
        var image = JsonDocument.Parse(File.ReadAllText(tiny.PathOf("ungood.json"))).RootElement.GetProperty("image");
        Assert.All(image.EnumerateObject(), figure => Assert.Equal(JsonValueKind.Null, figure.Value.ValueKind));
    }

    [Fact]
    public void AMissingMaskIsCode3AndNamed()
    {
        string data = tiny.CopyData("mask-missing");
        File.Delete(Path.Combine(data, "ground_truth", "square", "31_mask.png"));
        Refused(3, "31_mask.png", Evaluate(data));
    }

    [Fact]
    public void BrokenImagesAndMasksAreNamedAndPassedOverUpToMaxBad()
    {
        string data = tiny.CopyData("broken");
        File.WriteAllText(Path.Combine(data, "test", "good", "20.png"), "no image");
        File.WriteAllText(Path.Combine(data, "ground_truth", "square", "31_mask.png"), "no mask");
        Refused(3, "max-bad", Evaluate(data));
        var run = Evaluate(data, "--max-bad", "40%");
        Assert.Equal(0, run.Code);
        Assert.StartsWith("all          4", run.Lines[^1], StringComparison.Ordinal);
        Assert.Contains("20.png", run.Error, StringComparison.Ordinal);
        Assert.Contains("31_mask.png", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void MistakesHaveTheirCodeAndOneSentence()
    {
        Refused(2, "--pro takes mvtec or rd4ad, not 'best'", Evaluate(tiny.Data, "--pro", "best"));
        Refused(2, "--pro-limit must be at least 0.000001, not 0.", Evaluate(tiny.Data, "--pro-limit", "0"));
        Refused(2, "--resolution takes network or original", Evaluate(tiny.Data, "--resolution", "64"));
        Refused(3, "has no test images", Evaluate(Path.Combine(tiny.Data, "train")));
        Refused(3, "There is no folder 'nowhere'", Evaluate("nowhere"));
        Refused(4, "10.png", CommandRun.Of("evaluate", Path.Combine(tiny.Data, "test", "good", "10.png"), tiny.Data));
        Refused(7, "cannot be written", Evaluate(tiny.Data, "--json", Path.Combine(tiny.Model, "e.json")));
        Refused(7, "could not be made", Evaluate(tiny.Data, "--report", Path.Combine(tiny.Model, "report")));
        Refused(7, "could not be made", Evaluate(tiny.Data, "--tiff", Path.Combine(tiny.Model, "tiff")));
    }

    private CommandRun Evaluate(string data, params string[] options) =>
        CommandRun.Of(["evaluate", tiny.Model, data, "--device", "cpu", .. options]);

    private static void Refused(int code, string said, CommandRun run)
    {
        Assert.Equal(code, run.Code);
        Assert.StartsWith("mlffad: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
