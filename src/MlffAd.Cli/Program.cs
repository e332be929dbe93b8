using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad</c>, all of it.</summary>
internal static class Program
{
    /// <summary>The verbs, in the order of help.</summary>
    private static Command[] Verbs() =>
    [
        DemoCommand.Create(DemoPlan.Default),
        TrainCommand.Create(),
        EvaluateCommand.Create(),
        DetectCommand.Create(),
        LearnCommand.Create(),
        ThresholdCommand.Create(),
        ShowCommand.Create(),
        PlanCommand.Create(),
        ExportCommand.Create(),
        ConfigCommand.Create(),
        InspectCommand.Create(),
        SynthCommand.Create(),
        WeightsCommand.Create(),
        DevicesCommand.Create(),
        ProfileCommand.Create(),
        BenchCommand.Create(),
        VerifyCommand.Create(),
    ];

    private static int Main(string[] args) => Run(args, Console.Out, Console.Error);

    /// <summary>Runs one command line; <paramref name="interrupted"/> does what Ctrl-C does.</summary>
    internal static int Run(
        string[] args, TextWriter output, TextWriter error, CancellationToken interrupted = default) =>
        CommandRunner.Run(Verbs(), args, output, error, interrupted);
}
