using System.Text.Json;

namespace MlffAd.Tests.Evaluation;

public sealed class EvaluationResultTests
{
    private static readonly EvaluationOptions Small = new(Side: 2);

    [Fact]
    public void FiguresAreOverAllAndPerKindAgainstTheGood()
    {
        EvaluationResult result = EvaluationResult.Of(
        [
            Image("good", 1, [1, 1, 1, 1]), Image("good", 3, [3, 1, 1, 1]),
            Image("hole", 4, [4, 1, 1, 1], [1, 0, 0, 0]), Image("stain", 2, [2, 1, 1, 1], [0, 1, 0, 0]),
        ], threshold: 3, pixelThreshold: 3, Small);
        Assert.Equal(0.75, result.Image.Auroc);
        Assert.Equal(["good", "hole", "stain"], result.Kinds.Select(kind => kind.Kind));
        Assert.Equal([2, 1, 1], result.Kinds.Select(kind => kind.Count));
        Assert.Equal([null, 1.0, 0.5], result.Kinds.Select(kind => kind.Image.Auroc));
        Assert.Equal([null, 1.0], result.Kinds.Take(2).Select(kind => kind.Pixel!.Pro));
        // ties with 9 of 11 good pixels, below the other two
        Assert.Equal(0.5 * (9.0 / 11), result.Kinds[2].Pixel!.Auroc!.Value, 1e-12);
        Assert.Equal([false, false, true, false], result.Images.Select(result.IsFlagged)); // at the threshold is good
    }

    [Fact]
    public void WithoutMasksThereIsTheImageLevelAlone()
    {
        EvaluationResult result =
            EvaluationResult.Of([Image("good", 1, [1, 1, 1, 1]), Image("hole", 2, [2, 1, 1, 1])], 1, 1, Small);
        Assert.Equal((1.0, null, null), (result.Image.Auroc, result.Pixel, result.Kinds[1].Pixel));
    }

    [Fact]
    public void AMaskMissingAmongOthersIsNamed()
    {
        var e = Assert.Throws<MlffAdException>(() => EvaluationResult.Of(
            [Image("hole", 2, [2, 1, 1, 1], [1, 0, 0, 0]), Image("stain", 2, [2, 1, 1, 1])], 1, 1, Small));
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains("stain/2.png", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AScoreThatIsNoNumberIsTheModelsFault()
    {
        var e = Assert.Throws<MlffAdException>(() => EvaluationResult.Of([Image("hole", 2, [float.NaN, 1, 1, 1])], 1,
            1, Small));
        Assert.Equal(ExitCode.BadModel, e.Code);
    }

    [Fact]
    public void OriginalResolutionEnlargesTheCellsStraightToThePhotograph()
    {
        var image = new TestImage("hole/0.png", "hole", 4, new ScoreMap(2, 2, [4, 1, 1, 1]), 4, 2,
            [1, 1, 0, 0, 0, 0, 0, 0]);
        EvaluationResult result = EvaluationResult.Of([image], 1, 1, Small with { OriginalResolution = true });
        Assert.Equal((4, 2), (result.PixelsOf(image).Width, result.PixelsOf(image).Height));
        Assert.Equal(1, result.Pixel!.Auroc);
    }

    [Fact]
    public void TheOtherOverlapIsTheMeanOverItsKindsImages()
    {
        byte[] mask = [1, 0, 0, 0];
        TestImage one = Image("hole", 4, [4, 1, 1, 0], mask), two = Image("hole", 3, [1, 2, 0, 1], mask);
        EvaluationResult result =
            EvaluationResult.Of([one, two, Image("good", 1, [1, 2, 3, 4])], 1, 1, new(8, ProMethod.Rd4ad));
        double?[] pro = [.. new[] { one, two }.Select(image => Rd4adPro.Of(image.Cells.Enlarge(8, 8), image.Mask!))];
        Assert.Equal(pro.Average(), result.Pixel!.Pro);
        Assert.Equal(pro.Average(), result.Kinds[1].Pixel!.Pro);
        Assert.Null(result.Kinds[0].Pixel!.Pro);

        static TestImage Image(string kind, float score, float[] cells, byte[]? mask = null) =>
            new($"{kind}.png", kind, score, new(2, 2, cells), 8, 8, mask is null
                ? null
                : [.. Enumerable.Range(0, 64).Select(i => mask[i / 32 * 2 + i % 8 / 4])]);
    }

    [Fact]
    public void TheJsonHasTheKeysThatItsReadersExpectAndNullForTheUndefined()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "result.json");
        EvaluationJson.Write(path,
            EvaluationResult.Of([Image("good", 1.5f, [1, 1, 1, 1]), Image("hole", 2, [2, 1, 1, 1], [1, 0, 0, 0])],
                1.5f, 1, Small));
        JsonElement json = JsonDocument.Parse(File.ReadAllText(path)).RootElement;
        Assert.Equal(["image", "pixel", "kinds", "images"], Names(json));
        Assert.Equal(["auroc", "ap", "f1max"], Names(json.GetProperty("image")));
        Assert.Equal(["auroc", "ap", "pro"], Names(json.GetProperty("pixel")));
        JsonElement good = json.GetProperty("kinds").GetProperty("good");
        Assert.Equal(["image", "pixel", "count"], Names(good));
        Assert.Equal(JsonValueKind.Null, good.GetProperty("image").GetProperty("auroc").ValueKind);
        Assert.Equal(1, json.GetProperty("kinds").GetProperty("hole").GetProperty("count").GetInt32());
        Assert.Equal("""{"path":"good/1.5.png","kind":"good","score":1.5,"verdict":"good"}""",
            JsonSerializer.Serialize(json.GetProperty("images")[0]));
        Assert.Equal("defect", json.GetProperty("images")[1].GetProperty("verdict").GetString());

        EvaluationJson.Write(path, EvaluationResult.Of([Image("hole", 2, [2, 1, 1, 1])], 1, 1, Small));
        Assert.Equal(JsonValueKind.Null,
            JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("pixel").ValueKind);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public void SeveralEvaluationsAreWrittenAsTheirMeans()
    {
        string path = Path.GetTempFileName();
        TestImage good = Image("good", 1, [1, 1, 1, 1]);
        TestImage half = Image("stain", 1, [1, 1, 1, 1], [1, 0, 0, 0]);
        TestImage found = Image("hole", 2, [2, 1, 1, 1], [1, 0, 0, 0]);
        EvaluationJson.WriteMeans(path, [("cloth", EvaluationResult.Of([good, half], 1, 1, Small)),
            ("metal", EvaluationResult.Of([good, found], 1, 1, Small))]);
        JsonElement json = JsonDocument.Parse(File.ReadAllText(path)).RootElement;
        Assert.Equal(0.75, json.GetProperty("image").GetProperty("auroc").GetDouble());
        Assert.Equal(0.75, json.GetProperty("pixel").GetProperty("auroc").GetDouble());
        Assert.Equal(["cloth/good", "cloth/stain", "metal/good", "metal/hole"], Names(json.GetProperty("kinds")));
        Assert.Equal(4, json.GetProperty("images").GetArrayLength());
        Assert.False(json.TryGetProperty("memory", out _));

        EvaluationResult cloth = EvaluationResult.Of([good], 1, 1, Small);
        EvaluationResult metal = EvaluationResult.Of([good, found], 1, 1, Small);
        EvaluationJson.WriteMeans(path, [("cloth", cloth), ("metal", metal)], memories: [("metal", metal)]);
        json = JsonDocument.Parse(File.ReadAllText(path)).RootElement;
        Assert.Equal(JsonValueKind.Null, json.GetProperty("image").GetProperty("auroc").ValueKind);
        Assert.Equal(["image", "pixel", "kinds", "images", "memory"], Names(json));
        Assert.Equal(["image", "pixel", "kinds", "images"], Names(json.GetProperty("memory")));
        Assert.Equal(1, json.GetProperty("memory").GetProperty("image").GetProperty("auroc").GetDouble());
        File.Delete(path);
    }

    private static string[] Names(JsonElement element) =>
        [.. element.EnumerateObject().Select(property => property.Name)];

    private static TestImage Image(string kind, float score, float[] cells, byte[]? mask = null) =>
        new(FormattableString.Invariant($"{kind}/{score}.png"), kind, score, new ScoreMap(2, 2, cells), 2, 2, mask);
}
