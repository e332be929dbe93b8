using System.CommandLine;

namespace MlffAd.Cli;

/// <summary>Counts images on the terminal while they are worked on, and names those that cannot be used. The count vanishes at the end.</summary>
internal sealed class Counter(ParseResult parse, int total) : IDisposable
{
    private readonly TextWriter _error = parse.InvocationConfiguration.Error;
    private readonly bool _quiet = parse.GetValue(CommonOptions.Quiet);
    private readonly bool _counting = !parse.GetValue(CommonOptions.Quiet) && !Console.IsErrorRedirected && parse.InvocationConfiguration.Error == Console.Error;
    private int _done;

    /// <summary>One more is done.</summary>
    public void Next(MlffAdException? error = null)
    {
        if (error is not null && !_quiet)
        {
            Clear();
            _error.WriteLine($"mlffad: {error.Message}");
        }
        if (_counting) _error.Write($"\r{++_done} of {total} images");
    }

    public void Dispose() => Clear();

    private void Clear()
    {
        if (_counting) _error.Write($"\r{new string(' ', 40)}\r");
    }
}
