using MlffAd.Cli;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>An output that cannot be written: files are written all the same, and the exit code is 7.</summary>
[Collection(nameof(TinyModel))]
public sealed class StandardWriterTests(TinyModel tiny)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void DetectWritesItsFilesWhenTheOutputIsFullAfterSomeLines(int lines)
    {
        string csv = tiny.PathOf($"full-{lines}.csv"), maps = tiny.PathOf($"full-{lines}");
        var (code, output, error) = Run(new Refusing(lines), "detect", tiny.Model, Path.Combine(tiny.Data, "test"),
            "--device", "cpu", "--csv", csv, "--heatmaps", maps);
        Assert.Equal(7, code);
        Assert.Equal(lines, output.Split('\n').Length - 1);
        Assert.Equal(7, File.ReadAllLines(csv).Length);
        Assert.Equal(6, Directory.GetFiles(maps, "*.png", SearchOption.AllDirectories).Length);
        Assert.Equal("mlffad: the standard output took only a part of what was written (No space left on device).\n",
            error.ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("devices")]
    [InlineData("config", "--keys")]
    [InlineData("config", "--presets")]
    [InlineData("--help")]
    [InlineData("inspect", "DATA")]
    [InlineData("evaluate", "MODEL", "DATA", "--device", "cpu")]
    public void EveryVerbGoesOnAndEndsWith7(params string[] args) =>
        Assert.Equal(7, Run(new Refusing(0), Named(args)).Code);

    [Fact]
    public void AClosedOutputIsOneThatCannotBeWritten()
    {
        var (code, _, error) = Run(new Refusing(0, new UnauthorizedAccessException()), "devices");
        Assert.Equal(7, code);
        Assert.Contains("(it is closed)", error, Ordinal);
    }

    [Fact]
    public void WhatWentWrongBeforeKeepsItsCode() =>
        Assert.Equal(4, Run(new Refusing(0), "show", tiny.PathOf("none.mlffad")).Code);

    [Fact]
    public void ErrorsThatCannotBeWrittenEndNothing()
    {
        using StringWriter output = new();
        using var error = new Refusing(0);
        string path = tiny.PathOf("text.png");
        File.WriteAllText(path, "no image");
        Assert.Equal(3, Run(output, error, "detect", tiny.Model, path, "--device", "cpu"));
        Assert.Single(output.ToString().TrimEnd().Split('\n'));
        Assert.Equal(2, Run(output, error, "devcies"));
    }

    [Fact]
    public void AReaderThatIsGoneIsSeen()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not tell.");
        string program = Path.Combine(AppContext.BaseDirectory, "MlffAd.Cli.dll");
        using var shell = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("sh",
            ["-c", $"{{ sleep 1; dotnet '{program}' config --keys; echo $? >&2; }} | :"])
        { RedirectStandardError = true })!;
        string said = shell.StandardError.ReadToEnd();
        Assert.EndsWith("(its reader is gone).\n7\n", said, Ordinal);
    }

    private string[] Named(string[] args) =>
        [.. args.Select(arg => arg switch { "MODEL" => tiny.Model, "DATA" => tiny.Data, _ => arg })];

    private static (int Code, string Output, string Error) Run(Refusing output, params string[] args)
    {
        using var error = new StringWriter();
        using (output) return (Program.Run(args, output, error), output.ToString(), error.ToString());
    }

    private static int Run(TextWriter output, TextWriter error, params string[] args) =>
        Program.Run(args, output, error);

    /// <summary>Takes some lines, as a disk with room for them does.</summary>
    private sealed class Refusing(int lines, Exception? why = null) : StringWriter
    {
        private int _left = lines;

        public override void Write(char value) => throw Why;

        public override void Write(string? value) => throw Why;

        public override void Write(char[] buffer, int index, int count) => throw Why;

        public override void WriteLine(string? value)
        {
            if (_left-- <= 0) throw Why;
            GetStringBuilder().Append(value).Append('\n');
        }

        private Exception Why => why ?? new IOException("No space left on device");
    }
}
