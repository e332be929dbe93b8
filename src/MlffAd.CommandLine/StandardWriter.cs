using System.Runtime.InteropServices;
using System.Text;

namespace MlffAd.CommandLine;

/// <summary>The standard output or error as verbs see it: it knows whether it is a terminal and how wide, and writing
/// to it never fails. Once a write was refused, as when the disk is full or nobody reads any more, all that follows is
/// dropped and the run goes on: files that were asked for are written all the same.</summary>
/// <param name="inner">What is written to.</param>
/// <param name="width">The width of a terminal; null asks the console, if it is that.</param>
internal sealed partial class StandardWriter(TextWriter inner, int? width = null) : TextWriter
{
    private const int UsualWidth = 80;

    private readonly bool _isOutput = inner == Console.Out, _isError = inner == Console.Error;

    /// <summary>Why nothing is written any more; null while all is well.</summary>
    public string? Lost { get; private set; }

    /// <summary>How many characters a line of the terminal holds; null if this is none.</summary>
    public int? Width =>
        width ?? ((_isOutput && !Console.IsOutputRedirected) || (_isError && !Console.IsErrorRedirected)
            ? Console.WindowWidth is > 0 and var columns ? columns : UsualWidth
            : null);

    public override Encoding Encoding => inner.Encoding;

    /// <summary>A writer as one of these.</summary>
    public static StandardWriter Of(TextWriter writer) => writer as StandardWriter ?? new(writer);

    public override void Write(char value) => Try(() => inner.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => inner.Write(buffer, index, count));

    public override void Write(string? value) => Try(() => inner.Write(value));

    public override void WriteLine() => Try(inner.WriteLine);

    public override void WriteLine(string? value) => Try(() => inner.WriteLine(value));

    public override void Flush() => Try(inner.Flush);

    private void Try(Action write)
    {
        if (Lost is not null) return;
        try
        {
            // .NET drops, in silence, what is written to a pipe without a reader.
            if (_isOutput && IsGone()) Lost = "its reader is gone";
            else write();
        }
        catch (UnauthorizedAccessException)
        {
            Lost = "it is closed";
        }
        catch (IOException e)
        {
            Lost = e.Message.TrimEnd('.');
        }
    }

    private static bool IsGone()
    {
        const short Error = 8, HungUp = 16;
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected) return false;
        var output = new Polled { Descriptor = 1 };
        try { return Poll(ref output, 1, 0) > 0 && (output.Happened & (Error | HungUp)) != 0; }
        catch (TypeLoadException) { return false; }   // a C library of another name
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref Polled file, nuint count, int milliseconds);

    /// <summary>The system's <c>pollfd</c>.</summary>
    private struct Polled
    {
        public int Descriptor;
        public short Asked, Happened;
    }
}
