using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary>Counts images on the terminal while they are worked on, and names those that cannot be used. The count
/// vanishes at the end.</summary>
internal sealed class Counter(ParseResult parse, int total) : IDisposable
{
    private readonly TextWriter _error = parse.InvocationConfiguration.Error;
    private readonly bool _quiet = parse.GetValue(CommonOptions.Quiet);
    private readonly StatusLine _line = new(parse.InvocationConfiguration.Error, parse.GetValue(CommonOptions.Quiet));
    private int _done;

    /// <summary>One more is done.</summary>
    public void Next(MlffAdException? error = null)
    {
        if (error is not null && !_quiet)
        {
            _line.Clear();
            _error.WriteLine($"mlffad: {error.Message}");
        }
        _line.Show($"{++_done} of {total} images");
    }

    public void Dispose() => _line.Dispose();
}
