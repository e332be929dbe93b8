using MlffAd.Cli;
using MlffAd.Tests.Data;

namespace MlffAd.Tests.CommandLine;

public sealed class DataCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public DataCommandTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "parts"));
        for (int i = 0; i < 9; i++)
            ImageFile.WritePng(Path.Combine(_folder, "parts", $"{i}.png"), ImageFileTests.Noise(80, 60, i));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void SynthWritesASheetThatDependsOnSeedAndOptionsAlone()
    {
        byte[] Sheet(params string[] options)
        {
            string path = Path.Combine(_folder, "sheet.png");
            var (code, output, error) = Run(["synth", Path.Combine(_folder, "parts"), "-o", path, "--count", "4",
                "--image-size", "64", .. options]);
            Assert.Equal((0, ""), (code, error));
            Assert.Contains("4 samples", output, StringComparison.Ordinal);
            return File.ReadAllBytes(path);
        }
        byte[] first = Sheet();
        Assert.Equal((9 * 68 + 12, 2 * 68 + 4), ImageFile.ReadHeader(Path.Combine(_folder, "sheet.png")));
        Assert.Equal(first, Sheet());
        Assert.NotEqual(first, Sheet("--seed", "1"));
        Assert.NotEqual(first, Sheet("--synth.confetti.weight", "0"));
        Assert.NotEqual(first, Sheet("--mask-min-change", "60"));
    }

    [Theory]
    [InlineData(2, "synth", "PARTS", "-o", "x.png", "--synth.maskMinChange", "900")]
    [InlineData(2, "synth", "PARTS", "-o", "x.png", "--max-bad", "many")]
    [InlineData(2, "synth", "PARTS")]
    [InlineData(3, "synth", "nowhere", "-o", "x.png")]
    [InlineData(7, "synth", "PARTS", "-o", "/nowhere/at/all/x.png", "--image-size", "64")]
    [InlineData(3, "inspect", "nowhere")]
    public void MistakesHaveTheirCodeAndOneSentence(int code, params string[] args)
    {
        var (got, _, error) = Run([.. args.Select(a => a == "PARTS" ? Path.Combine(_folder, "parts") : a)]);
        Assert.Equal(code, got);
        Assert.StartsWith("mlffad: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void InspectPrintsATableAndIsCode3WhereTrainingWouldRefuse()
    {
        string parts = Path.Combine(_folder, "parts");
        var (code, output, _) = Run(["inspect", parts]);
        Assert.Equal(0, code);
        Assert.Contains("9 to train on (4 of them held out", output, StringComparison.Ordinal);
        Assert.Contains("80×60", output, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(parts, "3.png"), "broken");
        (code, output, _) = Run(["inspect", parts]);
        Assert.Equal(3, code);
        Assert.Contains(Path.Combine(parts, "3.png"), output, StringComparison.Ordinal);
        Assert.Equal(0, Run(["inspect", parts, "--max-bad", "20%"]).Code);
    }

    private static (int Code, string Output, string Error) Run(string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = Program.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
