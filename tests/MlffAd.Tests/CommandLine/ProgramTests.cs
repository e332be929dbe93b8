using MlffAd.Cli;

namespace MlffAd.Tests.CommandLine;

public sealed class ProgramTests
{
    [Theory]
    [InlineData]
    [InlineData("devcies")]
    [InlineData("devices", "--colour")]
    [InlineData("weights", "import")]
    public void AWrongCommandLineIsCode2AndPointsToTheHelp(params string[] args)
    {
        var (code, output, error) = Run(args);
        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.StartsWith("mlffad: ", error, StringComparison.Ordinal);
        string verb =
            string.Concat(args.Where(arg => arg is "devices" or "weights" or "import").Select(arg => $" {arg}"));
        Assert.Contains($"'mlffad{verb} --help' says what can be given.", error, StringComparison.Ordinal);
    }

    [Fact]
    public void DevicesListsTheProcessorFirst()
    {
        var (code, output, error) = Run("devices");
        Assert.Equal(0, code);
        Assert.StartsWith("cpu ", output, StringComparison.Ordinal);
        Assert.Empty(error);
    }

    [Fact]
    public void HelpNamesTheExitCodesAndAVerbsExamples()
    {
        Assert.Contains("130  interrupted", Run("--help").Output, StringComparison.Ordinal);
        Assert.Contains("Examples:\n  mlffad devices", Run("devices", "--help").Output.ReplaceLineEndings("\n"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void EveryFailureIsOneLineAndItsOwnCode()
    {
        Assert.Equal((4, "mlffad: 'a.mlffad' is cut short.\n"),
            Report(new MlffAdException(ExitCode.BadModel, "'a.mlffad' is cut short.")));
        Assert.Equal((5, "mlffad: No card.\n"), Report(new DeviceException("No card.")));
        Assert.Equal(5, Report(new OutOfMemoryException()).Code);
        Assert.Equal((130, "mlffad: interrupted.\n"), Report(new OperationCanceledException(), interrupted: true));
        var (code, line) = Report(new InvalidOperationException("two\nlines"));
        Assert.Equal(70, code);
        Assert.Single(line.TrimEnd().Split('\n'));
    }

    private static (int Code, string Error) Report(Exception e, bool interrupted = false)
    {
        using var error = new StringWriter { NewLine = "\n" };
        return (CommandRunner.Report(e, error, interrupted), error.ToString());
    }

    private static (int Code, string Output, string Error) Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (Program.Run(args, output, error), output.ToString(), error.ToString());
    }
}
