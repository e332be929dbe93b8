using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary>The line at which a terminal shows how far the work is. It fits the terminal, whatever its width, and
/// vanishes without a trace; without a terminal there is none.</summary>
/// <param name="output">Where it stands.</param>
/// <param name="quiet">There shall be none.</param>
internal sealed class StatusLine(TextWriter output, bool quiet = false) : IDisposable
{
    private readonly StandardWriter _output = StandardWriter.Of(output);
    private int _shown;

    /// <summary>Shows a text in place of what was shown before; what is too long is cut off.</summary>
    public void Show(string text)
    {
        if (Room is not { } room) return;
        if (text.Length > room) text = text[..room];
        // Where the terminal became narrower, fewer characters are enough to wipe the line.
        _output.Write($"\r{text.PadRight(Math.Min(_shown, room))}");
        _shown = text.Length;
    }

    /// <summary>Wipes it.</summary>
    public void Clear()
    {
        if (_shown == 0) return;
        Show("");
        _output.Write("\r");
    }

    /// <summary>How long a text it takes: to write into a terminal's last column may begin a new line. Null: there is
    /// no line.</summary>
    public int? Room => quiet || _output.Width is not { } width ? null : Math.Max(0, width - 1);

    public void Dispose() => Clear();
}
