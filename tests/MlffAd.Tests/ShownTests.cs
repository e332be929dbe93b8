using MlffAd.Tests.CommandLine;
using static System.StringComparison;

namespace MlffAd.Tests;

/// <summary>Foreign text on its way to a terminal.</summary>
public sealed class ShownTests
{
    [Theory]
    [InlineData("a.png\n1.000  good", @"a.png\n1.000  good")]
    [InlineData("a\r\n\tb", @"a\r\n\tb")]
    [InlineData("\u001b[2Jgone", @"\x1b[2Jgone")]
    [InlineData("\u0000\u0007\u007f\u0085\u009b2J", @"\x00\x07\x7f\x85\x9b2J")]
    [InlineData("a\u202egnp.b", @"a\u202egnp.b")]
    [InlineData("\u200e\u200f\u061c\u202a", @"\u200e\u200f\u061c\u202a")]
    [InlineData("\u2066\u2069\u2028\u2029", @"\u2066\u2069\u2028\u2029")]
    [InlineData("Teil №1 — 部品 \ud83d\udd29 C:\\new", "Teil №1 — 部品 \ud83d\udd29 C:\\new")]
    [InlineData("", "")]
    public void WhatSteersATerminalIsEscapedAndAllElseStays(string text, string shown)
    {
        Assert.Equal(shown, Shown.Text(text));
        Assert.Equal(shown, Shown.Text(Shown.Text(text)));
    }

    [Fact]
    public void HalfOfASurrogatePairIsEscaped()
    {
        // Not among the attributes: these are stored as UTF-8, which has no halves.
        Assert.Equal(@"half \ud83d of it \udd29", Shown.Text("half \ud83d of it \udd29"));
        Assert.Equal(@"\udd29\ud83d", Shown.Text("\udd29\ud83d"));
        Assert.Equal("\\ud83d\ud83d\udd29\\udd29", Shown.Text("\ud83d\ud83d\udd29\udd29"));
    }

    [Theory]
    [InlineData(10, "0123456789", "0123456789")]
    [InlineData(9, "0123456789", "0123…6789")]
    [InlineData(4, "0123456789", "01…9")]
    [InlineData(5, "0\ud83d\udd2934567\ud83d\udd29", "0…\ud83d\udd29")]
    public void LongTextKeepsItsBeginningAndItsEnd(int most, string text, string shown) =>
        Assert.Equal(shown, Shown.Text(text, most));

    [Theory]
    [InlineData(8, "\n\n\n\n\n\n", @"\n\n…n\n")]
    [InlineData(9, "\u001b\u001b\u001bz", @"\x1b…x1bz")]
    [InlineData(7, "ab\u202ecd", @"ab\…ecd")]
    [InlineData(8, "ab\u202e", @"ab\u202e")]
    public void WhatIsEscapedIsNoLongerThanItMayBe(int most, string text, string shown) =>
        Assert.Equal(shown, Shown.Text(text, most));

    [Fact]
    public void AMessageIsOneLineWhateverNamesItHolds()
    {
        string name = new('k', 3_000_000);
        var e = new MlffAdException(ExitCode.BadData, $"'x\n\u001b[31m.png' and '{name}'; take others.");
        Assert.StartsWith(@"'x\n\x1b[31m.png' and 'kkk", e.Message, Ordinal);
        Assert.EndsWith("kkk'; take others.", e.Message, Ordinal);
        Assert.InRange(e.Message.Length, 500, 1000);
        Assert.InRange(new MlffAdException(ExitCode.BadModel, new string('\n', 3000)).Message.Length, 500, 1000);
        var run = CommandRun.Of("show", "no\nmlffad: all good\u202e.mlffad");
        Assert.Equal(4, run.Code);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.Contains(@"no\nmlffad: all good\u202e.mlffad", run.Error, Ordinal);
    }

    [Fact]
    public void WhatAModelAndAWeightsFileSayIsShownInTheirOwnLines()
    {
        string path = Path.GetTempFileName();
        string[] names = ["a\nb: forged", new('n', 5000)];
        var tensors = names.Select(name => TensorData.Floats(name, [1], new[] { 1f }));
        var record = new TrainingRecord(1, 1, 1, "net\u001b[8m", null);
        ModelFile.Save(path, new ModelMetadata(new Config(), Preprocessing.ImageNet, 1,
            new Calibration([1], 0.5, 0.5, 1, 1), record, "part\n  image threshold   0"), tensors);
        var show = CommandRun.Of("show", path);
        Assert.Equal((0, ""), (show.Code, show.Error));
        Assert.Contains(@"part\n  image threshold   0", show.Output, Ordinal);
        Assert.Contains(@"net\x1b[8m", show.Output, Ordinal);
        string threshold = Assert.Single(show.Lines, line => line.StartsWith("  image threshold", Ordinal));
        Assert.Equal("  image threshold   1", threshold);

        var weights = CommandRun.Of("weights", "show", path);
        Assert.Equal((0, ""), (weights.Code, weights.Error));
        Assert.Contains(@"class: part\n  image", weights.Output, Ordinal);
        Assert.Contains(weights.Lines, line => line.StartsWith(@"a\nb: forged ", Ordinal));
        Assert.All(weights.Lines, line => Assert.InRange(line.Length, 0, 4100));
        Assert.InRange(weights.Lines.First(line => line.StartsWith("nnn", Ordinal)).Length, 100, 300);
        Assert.DoesNotContain('\u001b', show.Output + weights.Output);
        File.Delete(path);
    }
}
