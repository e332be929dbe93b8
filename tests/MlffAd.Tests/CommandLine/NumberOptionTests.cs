using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>Numbers on the command line: read as they are written, or refused with what would be taken.</summary>
public sealed class NumberOptionTests
{
    [Theory]
    [InlineData("--threshold takes a number, such as 0.5, not '0,5'.", "detect", "m", "p", "--threshold", "0,5")]
    [InlineData("--threshold takes a number, such as 0.5, not '1.000,5'.", "train", "d", "-o", "m", "--threshold",
        "1.000,5")]
    [InlineData("--threshold takes a number, such as 0.5, not 'nan'.", "detect", "m", "p", "--threshold", "nan")]
    [InlineData("--threshold takes a number, such as 0.5, not 'Infinity'.", "detect", "m", "p", "--threshold",
        "Infinity")]
    [InlineData("--threshold takes a number, such as 0.5, not '1e99'.", "train", "d", "-o", "m", "--threshold", "1e99")]
    [InlineData("--threshold takes a number, such as 0.5, not '0x10'.", "detect", "m", "p", "--threshold", "0x10")]
    [InlineData("--pro-limit takes a number, such as 0.5, not '0,3'.", "evaluate", "m", "d", "--pro-limit", "0,3")]
    [InlineData("--pro-limit must be at least 0.000001, not 0.", "evaluate", "m", "d", "--pro-limit", "0")]
    [InlineData("--max-bad takes a share such as 5% or 0.05, not '0,5%'.", "evaluate", "m", "d", "--max-bad", "0,5%")]
    [InlineData("--max-bad takes a share such as 5% or 0.05, not '5%%'.", "evaluate", "m", "d", "--max-bad", "5%%")]
    [InlineData("--threads must be at most 1024, not 100000000.", "plan", "m", "--threads", "100000000")]
    [InlineData("--threads takes a whole number, such as 12, not '1,5'.", "plan", "m", "--threads", "1,5")]
    [InlineData("--threads must be at least 0, not -1.", "plan", "m", "--threads", "-1")]
    [InlineData("--batch takes a whole number, such as 12, not '99999999999'.", "plan", "m", "--batch", "99999999999")]
    [InlineData("--count must be at most 1000, not 2000000000.", "synth", "d", "-o", "s", "--count", "2000000000")]
    [InlineData("--max-pixels must be at least 1, not -1.", "detect", "m", "p", "--max-pixels", "-1")]
    [InlineData("--max-pixels must be at most 2147483647, not 2147483648.", "detect", "m", "p", "--max-pixels",
        "2147483648")]
    [InlineData("--max-images must be at least 1, not 0.", "train", "d", "-o", "m", "--max-images", "0")]
    [InlineData("'train.lr' cannot be '0,5'", "config", "--set", "train.lr=0,5")]
    public void WhatIsNoNumberOfTheRangeIsRefusedInOneLine(string said, params string[] words)
    {
        var run = CommandRun.Of(words);
        Assert.Equal((int)ExitCode.Usage, run.Code);
        Assert.Contains(said, run.Error, Ordinal);
        Assert.Equal("", run.Output);
    }

    [Theory]
    [InlineData("0.5", 0.5f)]
    [InlineData("-1e-3", -0.001f)]
    [InlineData("+2", 2f)]
    [InlineData(".25", 0.25f)]
    public void ANumberIsReadAsItIsWritten(string text, float value)
    {
        Assert.True(MlffAd.CommandLine.NumberOption.TryRead(text, out float read));
        Assert.Equal(value, read);
    }
}
