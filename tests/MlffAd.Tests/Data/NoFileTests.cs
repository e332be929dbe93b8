using System.Diagnostics;
using MlffAd.Tests.CommandLine;
using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>A pipe where a file is expected is refused; opened, it would be waited for.</summary>
[Collection(nameof(TinyModel))]
public sealed class NoFileTests(TinyModel tiny)
{
    /// <summary>Far more than a refusal takes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("a.png")]
    [InlineData("b.tif")]
    [InlineData("c.jpeg")]
    public async Task AmongImagesItIsAnErrorByName(string name)
    {
        string folder = tiny.PathOf("pipes-" + name), pipe = Pipe(Path.Combine(folder, name));
        File.Copy(Path.Combine(tiny.Data, "test", "good", "20.png"), Path.Combine(folder, "good.png"));
        var run = await InTime(() => CommandRun.Of("detect", tiny.Model, folder, "--threshold", "100"));
        Assert.Equal(3, run.Code);
        Assert.Contains($"{name}'", run.Error, Ordinal);
        Assert.Contains("it is empty or no file", run.Error, Ordinal);
        Assert.Contains(run.Lines, line => line.Contains("good ", Ordinal) && line.EndsWith("/good.png", Ordinal));
        Assert.Throws<MlffAdException>(() => ImageFile.Read(pipe));
    }

    [Theory]
    [InlineData(4, "show", "PIPE")]
    [InlineData(4, "detect", "PIPE", "DATA")]
    [InlineData(4, "weights", "import", "PIPE", "-o", "w.safetensors")]
    [InlineData(4, "weights", "import", "PIPE.json", "-o", "w.safetensors")]
    [InlineData(4, "verify", "PIPE.json")]
    [InlineData(4, "train", "DATA", "-o", "m.mlffad", "--weights", "PIPE")]
    public async Task WhereAModelOrWeightsAreExpectedItIsRefused(int code, params string[] words)
    {
        string folder = tiny.PathOf("pipes-" + string.Concat(words).GetHashCode(Ordinal));
        string[] all = [.. words.Select(w => w == "DATA" ? tiny.Data : w.StartsWith("PIPE", Ordinal)
            ? Pipe(Path.Combine(folder, "x" + w[4..]))
            : w is "w.safetensors" or "m.mlffad" ? Path.Combine(folder, w) : w)];
        var run = await InTime(() => CommandRun.Of(all));
        Assert.Equal(code, run.Code);
        Assert.Contains("it is empty or no file", run.Error, Ordinal);
    }

    private static Task<CommandRun> InTime(Func<CommandRun> run) =>
        Task.Run(run, TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);

    private static string Pipe(string path)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There are no named pipes in folders here.");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var made = Process.Start("mkfifo", [path])!;
        made.WaitForExit();
        Assert.Equal(0, made.ExitCode);
        return path;
    }
}
