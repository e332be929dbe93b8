using MlffAd.Cli;

namespace MlffAd.Tests.CommandLine;

public sealed class ConfigCommandTests
{
    [Fact]
    public void TheJsonIsTheConfigurationInEffect()
    {
        Assert.Equal(new Config(), Config.FromJson(CommandRun.Of("config").Output));
        var fast = Config.FromJson(CommandRun.Of("config", "--preset", "fast", "--set", "lr=0.25", "--image-size",
            "128").Output);
        Assert.Equal(Preset.Find("fast").With("train.lr", "0.25").With("imageSize", "128"), fast);
    }

    [Theory]
    [InlineData("--bn", "train")]
    [InlineData("--freeze", "none")]
    [InlineData("--memory.size", "0")]
    public void ANetworkWhoseBackboneTrainsHasNoMemory(string key, string value)
    {
        var config = Config.FromJson(CommandRun.Of("config", "--preset", "fast", key, value).Output);
        Assert.False(config.HasMemory);
        Assert.Equal(Preset.Find("fast").NetworkAlone.With(Config.Resolve(key[2..]), value), config);
    }

    [Fact]
    public void EveryKeyIsListedWithWhatItTakesAndItsValue()
    {
        string[] lines = CommandRun.Of("config", "--keys", "--preset", "tiny").Lines;
        Assert.Equal(Config.Keys.Select(key => $"{key.Name} {Preset.Find("tiny").Get(key.Name)}"),
            lines.Where(line => line[0] != ' '));
        Assert.Contains("    Learning rate. Takes a number above 0.", lines);
    }

    [Fact]
    public void EveryPresetIsListed() =>
        Assert.Equal(Preset.All.Select(preset => preset.Name),
            CommandRun.Of("config", "--presets").Lines.Select(line => line.Split(' ')[0]));

    [Theory]
    [InlineData("--set", "train.lrr=1")]
    [InlineData("--preset", "nothing")]
    [InlineData("--set", "loss.patch=5")]
    public void WhatDoesNotFitIsCode2(params string[] options)
    {
        var run = CommandRun.Of(["config", .. options]);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.StartsWith("mlffad: ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("25m", 1500)]
    [InlineData("1h30m", 5400)]
    [InlineData("90s", 90)]
    [InlineData("0.5h", 1800)]
    [InlineData("1h0m1s", 3601)]
    [InlineData("", null)]
    [InlineData("25", null)]
    [InlineData("0s", null)]
    [InlineData("-5m", null)]
    [InlineData("30m1h", null)]
    [InlineData("99999999999999999h", null)]
    public void TimesAreReadAsPeopleWriteThem(string text, int? seconds) =>
    Assert.Equal(seconds, (int?)Duration.Parse(text)?.TotalSeconds);

    [Theory]
    [InlineData(7.4, "7 s")]
    [InlineData(59.6, "1 min 0 s")]
    [InlineData(754, "13 min")]
    [InlineData(754 - 600, "2 min 34 s")]
    [InlineData(5400, "1 h 30 min")]
    [InlineData(360000, "100 h 0 min")]
    public void TimesAreWrittenAsExactlyAsAnybodyWantsToKnow(double seconds, string text) =>
    Assert.Equal(text, Duration.Text(TimeSpan.FromSeconds(seconds)));
}
