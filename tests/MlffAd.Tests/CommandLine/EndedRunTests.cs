using System.Text.Json;
using MlffAd.Cli;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>Whatever ends a run, what was judged by then is written, and the run is neither good nor merely a
/// defect.</summary>
[Collection(nameof(TinyModel))]
public sealed class EndedRunTests(TinyModel tiny)
{
    [Fact]
    public void AnInterruptedDetectWritesWhatItJudged()
    {
        string csv = tiny.PathOf("ended.csv"), json = tiny.PathOf("ended.json");
        File.WriteAllText(csv, "of before");
        string data = Many("ended");
        var (code, error) =
            Stopped("/003.png", "detect", tiny.Model, data, "--csv", csv, "--json", json, "--threshold", "100");
        Assert.Equal(130, code);
        string[] rows = File.ReadAllLines(csv);
        Assert.Equal("path,score,verdict,x,y,w,h", rows[0]);
        Assert.InRange(rows.Length, 5, 20);
        Assert.Contains($"mlffad: {rows.Length - 1} of 24 judged.", error, Ordinal);
        using var whole = JsonDocument.Parse(File.ReadAllText(json));
        Assert.False(whole.RootElement.GetProperty("complete").GetBoolean());
        Assert.Equal(rows.Length - 1, whole.RootElement.GetProperty("images").GetArrayLength());
    }

    [Fact]
    public void AWholeRunSaysSo()
    {
        string json = tiny.PathOf("whole-run.json");
        Assert.Equal(0,
            CommandRun.Of("detect", tiny.Model, Path.Combine(tiny.Data, "test", "good"), "--json", json, "--threshold",
            "100").Code);
        using var whole = JsonDocument.Parse(File.ReadAllText(json));
        Assert.True(whole.RootElement.GetProperty("complete").GetBoolean());
    }

    [Fact]
    public void AHeatMapThatCannotBeWrittenLosesNoRow()
    {
        string csv = tiny.PathOf("map.csv"), maps = tiny.PathOf("maps-ended"), data = Many("ended-map");
        Directory.CreateDirectory(Path.Combine(maps, "005.png"));
        var run = CommandRun.Of("detect", tiny.Model, data, "--heatmaps", maps, "--csv", csv, "--threshold", "100");
        Assert.Equal(7, run.Code);
        Assert.Equal(6, File.ReadAllLines(csv).Length);
        Assert.Contains("mlffad: 5 of 24 judged.", run.Error, Ordinal);
    }

    [Theory]
    [InlineData("--csv")]
    [InlineData("--json")]
    public void AFullDiskIsAnOutputErrorAndTheOtherFileIsWritten(string full)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        string other = tiny.PathOf("other" + full), option = full == "--csv" ? "--json" : "--csv";
        var run = CommandRun.Of("detect", tiny.Model, Many("full" + full), full, "/dev/full", option, other,
            "--threshold", "100");
        Assert.Equal(7, run.Code);
        Assert.Contains("'/dev/full' cannot be written", run.Error, Ordinal);
        Assert.True(File.Exists(other));
    }

    [Theory]
    [InlineData("evaluate")]
    [InlineData("threshold")]
    [InlineData("learn")]
    public void OtherVerbsChangeNothingWhenTheyAreInterrupted(string verb)
    {
        string model = tiny.PathOf($"{verb}-ended.mlffad"), json = tiny.PathOf($"{verb}-ended.json");
        File.Copy(verb == "learn" ? tiny.Memory : tiny.Model, model);
        byte[] before = File.ReadAllBytes(model);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        using StringWriter output = new(), error = new();
        string[] words = verb == "evaluate" ? [verb, model, tiny.Data, "--json", json] : [verb, model, tiny.Data];
        Assert.Equal(130, Program.Run(words, output, error, stop.Token));
        Assert.Equal(before, File.ReadAllBytes(model));
        Assert.False(File.Exists(json));
        Assert.Equal("mlffad: interrupted.", error.ToString().Trim());
    }

    /// <summary>Scores that are no numbers: a model whose numbers are so large that they overflow.</summary>
    [Fact]
    public void AScoreThatIsNoNumberIsAnErrorByNameAndTheRunGoesOn()
    {
        string model = tiny.PathOf("overflowing.mlffad"), csv = tiny.PathOf("overflowing.csv");
        Scale(tiny.Model, model, "backbone.conv1.weight", 1e38f);
        var run = CommandRun.Of("detect", model, Path.Combine(tiny.Data, "test", "good"), "--csv", csv);
        Assert.Equal(4, run.Code);
        Assert.Equal(3, run.Lines.Length);
        Assert.All(run.Lines, line => Assert.DoesNotContain(" good ", line, Ordinal));
        Assert.Contains("20.png' a score that is not a finite number", run.Error, Ordinal);
        Assert.Equal(4, File.ReadAllLines(csv).Length);
        Assert.Equal(4, CommandRun.Of("threshold", model, tiny.Data).Code);
        Assert.Equal(4, CommandRun.Of("evaluate", model, tiny.Data).Code);
    }

    internal static void Scale(string from, string to, string tensor, float by)
    {
        using var file = SafetensorsFile.Open(from);
        Safetensors.Write(to,
            [.. file.Tensors.Values.Select(t => TensorData.Floats(t.Name, t.Shape, file.ReadFloats(t.Name)
            .Select(v => t.Name == tensor ? v * by : v).ToArray()))], file.Metadata.ToDictionary());
    }

    private (int Code, string Error) Stopped(string at, params string[] words)
    {
        using var stop = new CancellationTokenSource();
        using var output = new StopAt(at, stop);
        using var error = new StringWriter();
        return (Program.Run(words, output, error, stop.Token), error.ToString());
    }

    /// <summary>24 good photographs.</summary>
    private string Many(string name)
    {
        string folder = Directory.CreateDirectory(tiny.PathOf("many-" + name)).FullName;
        string[] good = Directory.GetFiles(Path.Combine(tiny.Data, "test", "good"));
        for (int i = 0; i < 24; i++) File.Copy(good[i % good.Length], Path.Combine(folder, $"{i:000}.png"),
            overwrite: true);
        return folder;
    }
}
