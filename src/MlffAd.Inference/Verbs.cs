using System.CommandLine;

namespace MlffAd.Cli;

/// <summary>The verbs that this program has: the one that runs on a line.</summary>
internal static class Verbs
{
    public static Command[] Create() => [DetectCommand.Create()];
}
