namespace MlffAd;

/// <summary>Exit codes of the command line (spec §10).</summary>
public enum ExitCode
{
    /// <summary>Done; all parts good.</summary>
    Success = 0,

    /// <summary>A defect was found, or a tolerance exceeded.</summary>
    Defect = 1,

    /// <summary>The command or its options are wrong.</summary>
    Usage = 2,

    /// <summary>Input data (images, masks, folders) cannot be used.</summary>
    BadData = 3,

    /// <summary>A model or weights file cannot be used.</summary>
    BadModel = 4,

    /// <summary>A device is missing or out of memory.</summary>
    Device = 5,

    /// <summary>Training diverged.</summary>
    Diverged = 6,

    /// <summary>An output cannot be written.</summary>
    Output = 7,

    /// <summary>Interrupted; the state is saved.</summary>
    Interrupted = 130,
}

/// <summary>A failure the user can understand and mend. The message is one line: what happened, to which file, what to
/// do. Whatever foreign names it holds, it is fit for a terminal (<see cref="Shown"/>).</summary>
public sealed class MlffAdException(ExitCode code, string message, Exception? inner = null)
    : Exception(Shown.Text(message, LongestMessage), inner)
{
    /// <summary>Letters of a message: room for two long paths, and for what to do at its end.</summary>
    private const int LongestMessage = 1000;

    /// <summary>What the process exits with.</summary>
    public ExitCode Code { get; } = code;
}
