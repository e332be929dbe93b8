using System.Text.Json;

namespace MlffAd.Tests.CommandLine;

[Collection(nameof(TinyModel))]
public sealed class DetectCommandTests(TinyModel tiny)
{
    private string Test => Path.Combine(tiny.Data, "test");

    [Fact]
    public void ALineForEachImageAndTheCodeSaysWhetherThereIsADefect()
    {
        var all = Detect(Test, "--threshold", "-1e9");
        Assert.Equal((1, 6, ""), (all.Code, all.Lines.Length, all.Error));
        Assert.All(all.Lines,
            line => Assert.Matches(@"^ *-?\d+\.\d{3}  defect      (-|\d+,\d+,\d+,\d+) +\S.*\.png$", line));
        var none = Detect(Test, "--threshold", "1e9");
        Assert.Equal((0, ""), (none.Code, none.Error));
        Assert.Equal(all.Lines.Select(line => line.Replace("defect", "good  ", StringComparison.Ordinal)), none.Lines);
        Assert.Equal(all.Lines[0],
            Assert.Single(Detect(Path.Combine(Test, "good", "20.png"), "--threshold", "-1e9").Lines));
    }

    [Fact]
    public void AnUnreadableImageIsCode3AndTheRestAreScored()
    {
        string folder = tiny.PathOf("some");
        Directory.CreateDirectory(folder);
        File.Copy(Path.Combine(Test, "good", "20.png"), Path.Combine(folder, "a.png"));
        File.WriteAllText(Path.Combine(folder, "b.png"), "broken");
        File.Copy(Path.Combine(Test, "square", "30.png"), Path.Combine(folder, "c, d.png"));
        var run = Detect(folder, "--threshold", "-1e9", "--csv", tiny.PathOf("some.csv"), "--json",
            tiny.PathOf("some.json"), "--heatmaps", tiny.PathOf("some-maps"));
        Assert.Equal(3, run.Code);
        Assert.Equal(["defect", "unreadable", "defect"],
            run.Lines.Select(line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries)[1].Trim()));
        Assert.StartsWith($"mlffad: The image '{Path.Combine(folder, "b.png")}' is unusable", run.Error,
            StringComparison.Ordinal);

        string[] csv = File.ReadAllLines(tiny.PathOf("some.csv"));
        Assert.Equal("path,score,verdict,x,y,w,h", csv[0]);
        Assert.Matches(@"/a\.png,-?[\d.E+-]+,defect,\d*,\d*,\d*,\d*$", csv[1]);
        Assert.EndsWith("/b.png,,unreadable,,,,", csv[2], StringComparison.Ordinal);
        Assert.Matches("^\".*/c, d\\.png\",", csv[3]);

        var json = JsonDocument.Parse(File.ReadAllText(tiny.PathOf("some.json"))).RootElement;
        Assert.Equal(-1e9f, json.GetProperty("threshold").GetSingle());
        var images = json.GetProperty("images");
        Assert.Equal([JsonValueKind.Number, JsonValueKind.Null, JsonValueKind.Number],
            images.EnumerateArray().Select(image => image.GetProperty("score").ValueKind));
        Assert.Equal(csv[1].Split(',')[1],
            images[0].GetProperty("score").GetSingle().ToString(CultureInfo.InvariantCulture));
        Assert.Contains("b.png", images[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(["a.png", "c, d.png"],
            Directory.GetFiles(tiny.PathOf("some-maps")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void HeatMapsHaveTheImagesSizeAndEqualNamesStayApart()
    {
        string maps = tiny.PathOf("maps"), folder = tiny.PathOf("twins");
        foreach (string part in new[] { "left", "right" })
        {
            Directory.CreateDirectory(Path.Combine(folder, part));
            ImageFile.WritePng(Path.Combine(folder, part, "1.png"),
                ImageFile.Read(Path.Combine(Test, "square", "30.png")).Resize(part == "left" ? 100 : 90, 50));
        }
        Assert.InRange(Detect(folder, "--heatmaps", maps).Code, 0, 1);
        Assert.Equal((100, 50), ImageFile.ReadHeader(Path.Combine(maps, "left", "1.png")));
        Assert.Equal((90, 50), ImageFile.ReadHeader(Path.Combine(maps, "right", "1.png")));
    }

    [Fact]
    public void MistakesHaveTheirCodeAndOneSentence()
    {
        Refused(2, "Required argument", CommandRun.Of("detect", tiny.Model));
        Refused(2, "--threshold", Detect(Test, "--threshold", "high"));
        Refused(3, "There is no file or folder 'nowhere'", Detect("nowhere"));
        Refused(4, "nowhere.mlffad", CommandRun.Of("detect", "nowhere.mlffad", Test));
        Refused(7, "cannot be written", Detect(Test, "--csv", tiny.Folder));
        Refused(7, "could not be made", Detect(Test, "--heatmaps", tiny.Model));
    }

    private CommandRun Detect(string path, params string[] options) =>
        CommandRun.Of(["detect", tiny.Model, path, "--device", "cpu", .. options]);

    private static void Refused(int code, string said, CommandRun run)
    {
        Assert.Equal((code, ""), (run.Code, run.Output));
        Assert.StartsWith("mlffad: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
