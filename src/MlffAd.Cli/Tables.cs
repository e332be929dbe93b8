using Spectre.Console;

namespace MlffAd.Cli;

/// <summary>Tables on a terminal, or as plain text where the output is a file, a pipe or a test's writer.</summary>
internal static class Tables
{
    /// <summary>A console over a verb's writer; it knows whether that is a terminal.</summary>
    public static IAnsiConsole Console(TextWriter output) => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });

    /// <summary>Writes a text beside its head: on a terminal in lines that break between words, elsewhere in one
    /// line.</summary>
    public static void WriteBeside(TextWriter output, string head, int width, string text)
    {
        var console = Console(output);
        if (!console.Profile.Out.IsTerminal)
        {
            output.WriteLine(head.PadRight(width) + text);
            return;
        }
        var none = new Padding(0, 0);
        console.Write(new Grid().AddColumns(new() { Width = width, Padding = none }, new() { Padding = none })
            .AddRow(new Text(head), new Text(text)));
    }

    public static void Write(TextWriter output, Table table)
    {
        var console = Console(output);
        bool terminal = console.Profile.Out.IsTerminal;
        // A table that cannot ask how wide the output is must not be wrapped for a screen.
        if (!terminal) console.Profile.Width = 500;
        console.Write(terminal ? table.RoundedBorder() : table.Border(TableBorder.Ascii));
    }
}
