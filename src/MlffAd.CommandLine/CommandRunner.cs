using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;

namespace MlffAd.CommandLine;

/// <summary>The command line: parses, runs a verb, and turns what goes wrong into one line and an exit
/// code (spec §10).</summary>
internal static class CommandRunner
{
    /// <summary>A fault of the program itself; apart from the codes of <see cref="ExitCode"/>, whose 1
    /// means a defect.</summary>
    private const int InternalFault = 70;

    /// <summary>Letters of a message, whatever foreign text it holds.</summary>
    private const int LongestMessage = 1000;

    /// <summary>Runs one command line of a program; returns its exit code.</summary>
    /// <param name="verbs">The program's verbs, in the order of its help. They write to their
    /// <see cref="ParseResult.InvocationConfiguration"/>'s writers.</param>
    /// <param name="args">What was typed.</param>
    /// <param name="output">Takes results.</param>
    /// <param name="error">Takes remarks.</param>
    /// <param name="interrupted">Does what Ctrl-C does.</param>
    public static int Run(
        IEnumerable<Command> verbs, string[] args, TextWriter output, TextWriter error, CancellationToken interrupted)
    {
        var parse = Root(verbs).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        StandardWriter results = StandardWriter.Of(output), remarks = StandardWriter.Of(error);
        if (parse.Action is not (HelpAction or null) && CommandWords.Refusal(parse, args) is { } refusal)
            return Usage(parse, [refusal], remarks);
        if (parse.Action is ParseErrorAction)
            return Usage(parse, parse.Errors.Select(e => e.Message).Distinct(), remarks);

        // A verb that takes a cancellation token ends by itself, its state saved; a second Ctrl-C, or Ctrl-C in any
        // other verb, ends it at once.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        bool isStoppable = parse.Action is AsynchronousCommandLineAction;
        using var interrupt = isStoppable ? OnSignal(PosixSignal.SIGINT, stop) : null;
        using var terminate = isStoppable ? OnSignal(PosixSignal.SIGTERM, stop) : null;
        using var hangUp = isStoppable ? OnSignal(PosixSignal.SIGHUP, stop) : null;
        var configuration = new InvocationConfiguration
        {
            Output = results,
            Error = remarks,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        int code;
        try { code = parse.InvokeAsync(configuration, stop.Token).GetAwaiter().GetResult(); }
        catch (Exception e) { return Report(e, remarks, stop.IsCancellationRequested, parse.CommandResult.Command); }
        if (results.Lost is not { } why || code is not ((int)ExitCode.Success or (int)ExitCode.Defect)) return code;
        remarks.WriteLine($"mlffad: the standard output took only a part of what was written ({why}).");
        return (int)ExitCode.Output;
    }

    private static RootCommand Root(IEnumerable<Command> verbs)
    {
        var root = new RootCommand(
            "mlffad finds defects in photographs of manufactured parts, learning from good parts alone.")
        { CommonOptions.Quiet };
        foreach (var verb in verbs) root.Add(verb);
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpAction((SynchronousCommandLineAction)help.Action!);
        return root;
    }

    private static int Usage(ParseResult parse, IEnumerable<string> faults, TextWriter error)
    {
        string command = "mlffad";
        if (parse.CommandResult is
            {
                Command: not RootCommand,
                Parent: CommandResult { Command: not RootCommand } group
            }) command += $" {group.Command.Name}";
        if (parse.CommandResult.Command is not RootCommand and var verb) command += $" {verb.Name}";
        string fault = Shown.Text(string.Join(" ", faults), LongestMessage);
        error.WriteLine($"mlffad: {fault} '{command} --help' says what can be given.");
        return (int)ExitCode.Usage;
    }

    /// <summary>One line on what went wrong, and the code for it.</summary>
    public static int Report(Exception e, TextWriter error, bool interrupted, Command? verb = null)
    {
        var (code, message) = e switch
        {
            MlffAdException ours => ((int)ours.Code, ours.Message),
            DeviceException => ((int)ExitCode.Device, e.Message),
            OutOfMemoryException => ((int)ExitCode.Device, $"there is not enough memory{Remedy(verb)}."),
            OperationCanceledException when interrupted => ((int)ExitCode.Interrupted, "interrupted."),
            _ => (InternalFault,
                $"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")} (a fault of mlffad; MLFFAD_DEBUG=1 "
                    + "shows where)"),
        };
        error.WriteLine($"mlffad: {Shown.Text(message, LongestMessage)}");
        if (Environment.GetEnvironmentVariable("MLFFAD_DEBUG") == "1") error.WriteLine(e);
        return code;
    }

    /// <summary>What takes less memory, of the options that a verb has.</summary>
    private static string Remedy(Command? verb)
    {
        string[] less =
        [
            .. new[] { ("--batch", "a smaller --batch"), ("--image-size", "a smaller --image-size"),
                ("--resolution", "--resolution network"), ("--threads", "fewer --threads") }
                .Where(remedy => verb?.Options.Any(option =>
                    option.Name == remedy.Item1 || option.Aliases.Contains(remedy.Item1)) == true)
                .Select(remedy => remedy.Item2),
        ];
        return less.Length == 0 ? "" : $"; try {string.Join(" or ", less)}";
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, CancellationTokenSource stop) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        });
}
