using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>Words that mean nothing: one line that says what was meant, and exit code 2.</summary>
public sealed class CommandWordsTests
{
    [Theory]
    [InlineData("MODEL is empty: say what it is, or leave it out.", "detect", "", "x")]
    [InlineData("PATH is empty: say what it is, or leave it out.", "detect", "m", "")]
    [InlineData("--csv is empty: say what it is, or leave it out.", "detect", "m", "x", "--csv", "")]
    [InlineData("-o is empty: say what it is, or leave it out.", "train", "d", "-o", "")]
    [InlineData("DIR is empty: say what it is, or leave it out.", "evaluate", "m", "")]
    [InlineData("DIR is empty: say what it is, or leave it out.", "inspect", "")]
    [InlineData("--weights is empty: say what it is, or leave it out.", "train", "d", "-o", "m", "--weights", "")]
    public void AnEmptyNameIsRefused(string why, params string[] args) => Refuses(why, args);

    [Theory]
    [InlineData("'--csv=' has no value: give --csv one, or leave it out.", "detect", "m", "--csv=", "today")]
    [InlineData("'--csv:' has no value: give --csv one, or leave it out.", "detect", "m", "--csv:", "today")]
    [InlineData("'--heatmaps=' has no value: give --heatmaps one, or leave it out.", "detect", "m", "x", "--heatmaps=")]
    [InlineData("'-o=' has no value: give -o one, or leave it out.", "train", "-o=", "d", "m")]
    [InlineData("'--threads=' has no value: give --threads one, or leave it out.", "inspect", "--threads=", "3")]
    [InlineData("'--quiet=' has no value: give --quiet one, or leave it out.", "detect", "m", "--quiet=", "x")]
    public void AnEmptyValueDoesNotTakeTheNextWord(string why, params string[] args) => Refuses(why, args);

    [Theory]
    [InlineData("--quiet is given or left out, or takes true or false, not '0'.", "detect", "m", "--quiet=0", "x")]
    [InlineData("--quiet is given or left out, or takes true or false, not 'no'.", "devices", "--quiet=no")]
    [InlineData("-q is given or left out, or takes true or false, not '1'.", "detect", "m", "-q:1", "x")]
    [InlineData("-q is given or left out, or takes true or false, not '0'.", "detect", "m", "-q0", "x")]
    [InlineData("--keys is given or left out, or takes true or false, not 'yes'.", "config", "--keys=yes")]
    public void AFlagsValueIsTrueOrFalse(string why, params string[] args) => Refuses(why, args);

    [Theory]
    [InlineData("There is no verb 'detct'; did you mean 'detect'?", "detct", "x")]
    [InlineData("There is no verb 'devcies'; did you mean 'devices'?", "devcies")]
    [InlineData("There is no verb 'Train'; did you mean 'train'?", "Train", "d", "-o", "m", "--epochs", "3")]
    [InlineData("There is no verb 'evalute'; did you mean 'evaluate'?", "evalute", "m", "d")]
    [InlineData("There is no verb 'shw'; did you mean 'show'?", "weights", "shw", "x")]
    [InlineData("There is no verb 'opps'; did you mean 'ops'?", "bench", "opps")]
    [InlineData("There is no verb 'onx'; did you mean 'onnx'?", "export", "onx", "m")]
    [InlineData("There is no verb 'photographs'.", "photographs")]
    [InlineData("There is no verb 'nope.mlffad', and no file of that name.", "nope.mlffad")]
    [InlineData("There is no verb 'nope.safetensors', and no file of that name.", "weights", "nope.safetensors")]
    [InlineData("There is no verb './today', and no file of that name.", "./today", "x")]
    public void AMistypedVerbIsAnsweredWithTheNearest(string why, params string[] args) => Refuses(why, args);

    [Fact]
    public void AFileInAVerbsPlaceIsCalledOne()
    {
        string file = Path.GetTempFileName();
        try
        {
            Refuses($"'{file}' is no verb: say what to do with it, 'mlffad VERB {file}'.", file);
            Refuses($"'{file}' is no verb: say what to do with it, 'mlffad weights VERB {file}'.", "weights", file);
        }
        finally { File.Delete(file); }
    }

    [Theory]
    [InlineData("There is no option '--heatmap'; the nearest is '--heatmaps'.", "detect", "m", "x", "--heatmap", "h")]
    [InlineData("There is no option '--thresold'; the nearest is '--threshold'.", "detect", "m", "x", "--thresold=5")]
    [InlineData("There is no option '--bacth'; the nearest is '--batch'.", "train", "d", "-o", "m", "--bacth", "4")]
    [InlineData("There is no option '--quite'; the nearest is '--quiet'.", "devices", "--quite")]
    public void AMistypedOptionIsNoFile(string why, params string[] args) => Refuses(why, args);

    [Theory]
    [InlineData("detect", "m\uFFFD.mlffad", "x")]
    [InlineData("detect", "m", "caf\uFFFD.png")]
    [InlineData("train", "d\uFFFD", "-o", "m")]
    [InlineData("train", "d", "-o", "m\uFFFD")]
    public void AWordThatIsNotUtf8IsSaidToBe(params string[] args)
    {
        string word = args.Single(arg => arg.Contains('\uFFFD'));
        Refuses($"'{word}': its name is not UTF-8; rename it, or take another.", args);
    }

    [Theory]
    [InlineData("devices", "--quiet=false")]
    [InlineData("devices", "-q:TRUE")]
    [InlineData("config", "--preset=fast", "--set=train.lr=0.002")]
    [InlineData("config", "--preset", "fast", "--set", "synth.confetti.offsets=-255,-1", "-q")]
    public void WhatMeansSomethingIsTaken(params string[] args) => Assert.Equal(0, CommandRun.Of(args).Code);

    [Fact]
    public void BehindTwoDashesEverythingIsAName()
    {
        var run = CommandRun.Of("detect", "--", "m", "--csv=");
        Assert.Equal(3, run.Code);
        Assert.Contains("no file or folder '--csv='", run.Error, Ordinal);
    }

    private static void Refuses(string why, params string[] args)
    {
        var run = CommandRun.Of(args);
        Assert.Equal(2, run.Code);
        Assert.Empty(run.Output);
        Assert.StartsWith($"mlffad: {why} '", run.Error, Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }
}
