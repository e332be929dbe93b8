using System.Diagnostics;

namespace MlffAd.Tests.CommandLine;

/// <summary>The program for inference alone is the command line with one verb. Where MLFFAD_INFERENCE names its native
/// executable (as in CI), that is what runs; its vectors are as wide as this process's, or the last
/// digits differ.</summary>
[Collection(nameof(TinyModel))]
public sealed class InferenceTests(TinyModel tiny)
{
    [Fact]
    public void ItWritesTheSameBytesAsTheCommandLine()
    {
        string photographs = tiny.CopyData("photographs");
        File.WriteAllText(Path.Combine(photographs, "test", "good", "broken.png"), "broken");
        var (theirs, ours) = Both("detect", tiny.Model, Path.Combine(photographs, "test"), "--device", "cpu",
            "--threshold", "0.5", "--csv", tiny.PathOf("result.csv"), "--json", tiny.PathOf("result.json"),
            "--heatmaps", tiny.PathOf("result"));
        Assert.Equal((3, 7), (theirs.Run.Code, theirs.Run.Lines.Length));
        Assert.Equal(theirs.Run, ours.Run);
        Assert.Equal(8, theirs.Files.Count);
        Assert.Equal(theirs.Files, ours.Files);
    }

    [Fact]
    public void MistakesHaveTheSameWords()
    {
        foreach (string[] mistake in new string[][] { [], ["train"], ["detect", tiny.Model],
            ["detect", "nowhere.mlffad", tiny.Data], ["detect", tiny.Model, "nowhere"],
                ["detect", tiny.Model, tiny.Data, "--threshold", "high"] })
        {
            var run = Inference(mistake);
            if (mistake is ["detect", ..]) Assert.Equal(CommandRun.Of(mistake), run);
            Assert.StartsWith("mlffad: ", run.Error, StringComparison.Ordinal);
        }
        Assert.Contains("  detect ", Inference("--help").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ItNeedsTheLibraryAndACommandLineParserAlone()
    {
        var needed = new[] { typeof(MlffAd.Inference.Program), typeof(CommandRunner) }
            .SelectMany(type => type.Assembly.GetReferencedAssemblies()).Select(name => name.Name!)
            .Where(name => name == "System.CommandLine" || !name.StartsWith("System.", StringComparison.Ordinal));
        Assert.Equal(["MlffAd", "MlffAd.CommandLine", "MlffAd.Kernels", "System.CommandLine"],
            needed.Distinct().Order(StringComparer.Ordinal));
    }

    private ((CommandRun Run, Dictionary<string, string> Files) Theirs,
        (CommandRun Run, Dictionary<string, string> Files) Ours) Both(params string[] args)
    {
        var theirs = CommandRun.Of(args);
        var files = Written();
        return ((theirs, files), (Inference(args), Written()));
    }

    /// <summary>Takes what a run wrote.</summary>
    private Dictionary<string, string> Written()
    {
        string[] paths =
        [
            tiny.PathOf("result.csv"),
            tiny.PathOf("result.json"),
            .. Directory.GetFiles(tiny.PathOf("result"), "*", SearchOption.AllDirectories),
        ];
        var files = paths.ToDictionary(path => path, path => Convert.ToBase64String(File.ReadAllBytes(path)));
        foreach (string path in paths) File.Delete(path);
        return files;
    }

    private static CommandRun Inference(params string[] args)
    {
        if (Environment.GetEnvironmentVariable("MLFFAD_INFERENCE") is not { Length: > 0 } executable)
        {
            using StringWriter output = new(), error = new();
            int code = MlffAd.Inference.Program.Run(args, output, error);
            return new(code, output.ToString(), error.ToString());
        }
        using var process = Process.Start(new ProcessStartInfo(executable, args)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, text, errors.GetAwaiter().GetResult());
    }
}
