using System.Text;
using MlffAd.CommandLine;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MlffAd.Cli;

/// <summary>A column of a table.</summary>
/// <param name="Head">What stands above it. On a terminal it breaks between words.</param>
/// <param name="Rank">In which order columns get a place where the terminal has not enough for all; those of rank 0
/// have theirs.</param>
/// <param name="Text">0: figures, which never break. Else words, and the width down to which they are folded before a
/// column is left out for them.</param>
internal sealed record Column(string Head, int Rank, int Text = 0)
{
    public bool IsText => Text > 0;

    /// <summary>What it is called where it is left out.</summary>
    public string Name { get; init; } = Head;
}

/// <summary>Tables and sentences, as wide as the terminal allows, or as plain text of any width where the output is a
/// file, a pipe or a test's writer.</summary>
internal static class Tables
{
    /// <summary>Between two columns; half of it before the first and behind the last.</summary>
    private const int Gap = 2;

    /// <summary>Writes a line: on a terminal it breaks between words.</summary>
    public static void WriteLine(TextWriter output, string line)
    {
        var console = Console(output);
        if (console.Profile.Out.IsTerminal) console.WriteLine(line);
        else output.WriteLine(line);
    }

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

    /// <summary>Writes a table: whole where the output is no terminal; on one with the columns that it has room for, by
    /// their ranks, and a line that names the others.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="rows">Their cells.</param>
    /// <param name="sums">Whether the last row sums up the others, and stands out.</param>
    public static void Write(TextWriter output, IReadOnlyList<Column> columns, IReadOnlyList<string[]> rows,
        bool sums = false)
    {
        var console = Console(output);
        bool isTerminal = console.Profile.Out.IsTerminal;
        string[] heads = [.. columns.Select(c => isTerminal ? c.Head.Replace(' ', '\n') : c.Head)];
        int[] widths = [.. heads.Select((head, i) => rows.Select(row => row[i]).Concat(head.Split('\n')).Max(Cells))];
        // What cannot ask how wide the output is must not be wrapped for a screen.
        if (!isTerminal) console.Profile.Width = widths.Sum(width => width + 3) + 1;
        int[] shown = isTerminal ? Fit(columns, widths, console.Profile.Width)
            : [.. Enumerable.Range(0, widths.Length)];

        var table = new Table { Border = isTerminal ? TableBorder.Horizontal : TableBorder.Ascii };
        foreach (int i in shown)
            table.AddColumn(new TableColumn(new Text(heads[i]))
            {
                Alignment = columns[i].IsText ? Justify.Left : Justify.Right,
                Width = widths[i],
                Padding = isTerminal ? new(0, 0, i == shown[^1] ? 0 : Gap - 1, 0) : new(1, 0),
            });
        var bold = new Style(decoration: Decoration.Bold);
        foreach (string[] row in rows)
            table.AddRow(shown.Select(i => new Text(row[i], sums && row == rows[^1] ? bold : Style.Plain)));
        console.Write(table);
        if (shown.Length == columns.Count) return;
        var left = columns.Where((_, i) => !shown.Contains(i)).Select(column => column.Name);
        WriteLine(output, $"Left out: {string.Join(", ", left)}. A wider terminal shows them, and so does a file.");
    }

    /// <summary>Which columns fit, in the order of their ranks; of what they leave, words take the rest.</summary>
    private static int[] Fit(IReadOnlyList<Column> columns, int[] widths, int room)
    {
        var shown = new List<int>();
        int Taken(Func<int, int> of) => shown.Sum(of) + Gap * shown.Count;
        int Least(int i) => columns[i].IsText ? Math.Min(widths[i], columns[i].Text) : widths[i];
        foreach (int i in Enumerable.Range(0, widths.Length).OrderBy(i => columns[i].Rank))
            if (columns[i].Rank == 0 || Taken(Least) + Gap + Least(i) <= room) shown.Add(i);
        while (Taken(i => widths[i]) > room && shown.FindAll(i => columns[i].IsText && widths[i] > 1) is [_, ..] words)
            widths[words.MaxBy(i => widths[i])]--;
        return [.. shown.Order()];
    }

    private static int Cells(string text) => new Segment(text).CellCount();

    /// <summary>A console over a verb's writer.</summary>
    private static IAnsiConsole Console(TextWriter output)
    {
        var terminal = new Terminal(StandardWriter.Of(output));
        return AnsiConsole.Create(new()
        {
            Out = terminal,
            Ansi = terminal.IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
        });
    }

    private sealed class Terminal(StandardWriter writer) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => writer.Width is not null;

        public int Width => writer.Width ?? 0;

        public int Height => 0;

        public void SetEncoding(Encoding encoding)
        {
        }
    }
}
