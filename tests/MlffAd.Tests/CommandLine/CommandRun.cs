using MlffAd.Cli;

namespace MlffAd.Tests.CommandLine;

/// <summary>What a command line printed and how it ended, run in this process with writers that
/// are no terminal.</summary>
internal sealed record CommandRun(int Code, string Output, string Error)
{
    public string[] Lines => Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    public static CommandRun Of(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = Program.Run(args, output, error);
        return new(code, output.ToString(), error.ToString());
    }
}

/// <summary>Does what Ctrl-C does when a line with a text is written.</summary>
internal sealed class StopAt(string text, CancellationTokenSource stop) : StringWriter
{
    public override void WriteLine(string? value)
    {
        base.WriteLine(value);
        if (value?.Contains(text, StringComparison.Ordinal) == true) stop.Cancel();
    }
}
