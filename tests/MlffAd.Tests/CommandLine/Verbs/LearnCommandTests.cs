using MlffAd.Tests.Training;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>What <c>learn</c> says and refuses.</summary>
[Collection(nameof(TinyModel))]
public sealed class LearnCommandTests(TinyModel tiny, LearningFolder folder) : IClassFixture<LearningFolder>
{
    [Fact]
    public void ItSaysWhatWasLearntAndThePartIsGoodAtTheNextDetect()
    {
        string model = folder.Make(), more = folder.DrawAlarming("alarms", "part.png", seed: 40);
        Assert.Equal(1, CommandRun.Of("detect", model, more, "--device", "cpu").Code);
        var run = CommandRun.Of("learn", model, more, "--device", "cpu");
        Assert.Equal(0, run.Code);
        Assert.StartsWith("Learnt 1 image: ", run.Lines[0], Ordinal);
        Assert.StartsWith("Image threshold ", run.Lines[1], Ordinal);
        Assert.Equal(2, run.Lines.Length);
        Assert.Equal(0, CommandRun.Of("detect", model, more, "--device", "cpu").Code);
        run = CommandRun.Of("learn", model, more, "--device", "cpu");
        Assert.Equal((0, "1 image is known already: there is nothing new, and nothing changed."),
            (run.Code, Assert.Single(run.Lines)));
    }

    /// <summary>What alarms is never kept instead: it would alarm again.</summary>
    [Fact]
    public void OfFiveThatAlarmNoneIsKeptAndAllAreGoodAfterwards()
    {
        string model = folder.Make(), more = folder.In("still");
        for (int i = 0; i < 5; i++) folder.DrawAlarming("still", $"{i}.png", seed: 60 + i, times: i == 0 ? 1.15 : 1.3);
        var run = CommandRun.Of("learn", model, more, "--device", "cpu");
        Assert.Equal(0, run.Code);
        Assert.DoesNotContain(" kept ", run.Lines[0], Ordinal);
        Assert.DoesNotContain(run.Lines, line => line.Contains("above the threshold still", Ordinal));
        Assert.Equal(0, CommandRun.Of("detect", model, more, "--device", "cpu").Code);
    }

    /// <summary>The one that just passed is kept, and the threshold falls below it.</summary>
    [Fact]
    public void WhatAlarmsStillIsNamed()
    {
        string model = folder.Make(), more = folder.Draw("just", 4, seed: 60, odd: true);
        folder.DrawAlarming("just", "part.png", seed: 70);
        float least = MemoryFolder.Scores(folder.Made, DataSet.Open(more).Train).Min();
        string passing = (least * 1.001).ToString(CultureInfo.InvariantCulture);
        Assert.Equal(0, CommandRun.Of("threshold", model, "--value", passing).Code);
        var run = CommandRun.Of("learn", model, more, "--device", "cpu", "--force");
        Assert.Equal(0, run.Code);
        Assert.Contains(" 1 image is kept to set the threshold by.", run.Lines[0], Ordinal);
        Assert.Contains(run.Lines, line => line.Contains("' is above the threshold still (", Ordinal)
            && line.EndsWith("): it was kept, not learnt.", Ordinal));
        Assert.Equal(1, CommandRun.Of("detect", model, more, "--device", "cpu").Code);
    }

    [Fact]
    public void ANetworkCannotLearn() =>
        Refused(2, "is a network, which cannot learn more", "learn", tiny.Model, tiny.Data);

    [Theory]
    [InlineData]
    [InlineData("DATA", "--undo")]
    [InlineData("--undo", "--good", "DATA")]
    [InlineData("DATA", "-o", "MODEL")]
    [InlineData("DATA", "-o", "IMAGE")]
    public void OneWayIsTakenAndNoInputIsWrittenOver(params string[] words)
    {
        string Word(string word) => word switch
        {
            "DATA" => folder.In("parts"),
            "MODEL" => Path.Combine(Path.GetDirectoryName(folder.In("x"))!, ".", "made-0.mlffad"),
            "IMAGE" => Path.Combine(folder.In("parts"), "00.png"),
            _ => word,
        };
        Assert.Equal(2, CommandRun.Of(["learn", folder.In("made-0.mlffad"), .. words.Select(Word)]).Code);
    }

    [Theory]
    [InlineData("plain.png", "has one colour all over")]
    [InlineData("cut.png", "")]
    public void WhatCannotBeLearntIsNamed(string name, string said)
    {
        string model = folder.Make(), more = folder.Draw($"bad-{name}", 3, seed: 80);
        string path = Path.Combine(more, name);
        ImageFile.WritePng(path, new RgbImage(64, 64, [.. Enumerable.Repeat((byte)90, 3 * 64 * 64)]));
        if (name == "cut.png") File.WriteAllBytes(path, File.ReadAllBytes(Path.Combine(more, "80.png"))[..500]);
        byte[] before = File.ReadAllBytes(model);
        var run = CommandRun.Of("learn", model, more, "--device", "cpu");
        Assert.Equal(3, run.Code);
        Assert.Contains(name, run.Error, Ordinal);
        Assert.Contains(said, run.Error, Ordinal);
        Assert.Equal(before, File.ReadAllBytes(model));
        run = CommandRun.Of("learn", model, more, "--device", "cpu", "--max-bad", "50%");
        Assert.Equal(0, run.Code);
        Assert.StartsWith("Learnt 3 images: ", run.Lines[0], Ordinal);
    }

    private static void Refused(int code, string said, params string[] words)
    {
        var run = CommandRun.Of(words);
        Assert.Equal(code, run.Code);
        Assert.Contains(said, run.Error, Ordinal);
        Assert.Single(run.Error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }
}
