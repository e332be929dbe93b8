using System.CommandLine;
using System.CommandLine.Invocation;

namespace MlffAd.CommandLine;

/// <summary>The library's help, followed by a verb's examples, or at the root by the exit codes.</summary>
internal sealed class HelpAction(SynchronousCommandLineAction library) : SynchronousCommandLineAction
{
    private const string ExitCodes = """
        Exit codes:
          0  done; every part is good          4    a model or weights cannot be used
          1  a defect found ('detect'), or a   5    a device is missing or out of memory
             tolerance exceeded ('verify')     6    training diverged
          2  the command line is wrong         7    an output cannot be written
          3  input data cannot be used, be it  70   a fault of this program, not of its input
             one image of many                 130  interrupted: what was judged is written, a network's
                                                    training can go on, nothing else is changed

        'mlffad VERB --help' explains a verb.
        """;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parse)
    {
        int code = library.Invoke(parse);
        var output = parse.InvocationConfiguration.Output;
        switch (parse.CommandResult.Command)
        {
            case Verb { Examples.Count: > 0 } verb:
                output.WriteLine("Examples:");
                foreach (string example in verb.Examples) output.WriteLine($"  {example}");
                output.WriteLine();
                break;
            case RootCommand:
                output.WriteLine(ExitCodes);
                break;
        }
        return code;
    }
}
