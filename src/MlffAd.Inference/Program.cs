using MlffAd.CommandLine;

namespace MlffAd.Inference;

/// <summary><c>mlffad</c> with the one verb that runs on a line.</summary>
internal static class Program
{
    private static int Main(string[] args) => Run(args, Console.Out, Console.Error);

    /// <summary>Runs one command line; <paramref name="interrupted"/> does what Ctrl-C does.</summary>
    internal static int Run(
        string[] args, TextWriter output, TextWriter error, CancellationToken interrupted = default) =>
        CommandRunner.Run([DetectCommand.Create()], args, output, error, interrupted);
}
