using System.Globalization;
using MlffAd.Files;

namespace MlffAd.Training;

/// <summary>One training of a model at a time: <c>MODEL.lock</c>, which says whose it is, held open while it lasts.
/// What a killed process leaves of it holds nobody up.</summary>
internal sealed class TrainingLock : IDisposable
{
    private readonly FileStream _held;

    private TrainingLock(FileStream held) => _held = held;

    /// <summary>Takes the lock of a model.</summary>
    /// <exception cref="MlffAdException">Another training has it, or it cannot be written (exit code 7).</exception>
    public static TrainingLock Take(string model)
    {
        string path = model + ".lock";
        string mine =
            string.Create(CultureInfo.InvariantCulture,
            $"process {Environment.ProcessId} on {Environment.MachineName}, since "
            + $"{DateTime.UtcNow:yyyy-MM-dd HH:mm:ss} UTC ({Guid.NewGuid():N})");
        try
        {
            // Nobody can read a file that is locked for one alone. So: alone to write, then shared to be read; who
            // comes between the two has the lock instead.
            using (var alone = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None))
            {
                alone.SetLength(0);
                alone.Write(System.Text.Encoding.UTF8.GetBytes(mine));
            }
            var held = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (ReadFrom(held) is var now && now == mine) return new(held);
            held.Dispose();
            throw Taken(model, now);
        }
        catch (Exception e) when (AtomicFile.IsOfSystem(e))
        {
            throw File.Exists(path) && Read(path) is { Length: > 0 } other ? Taken(model, other)
                : AtomicFile.Failed(path, e);
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose()
    {
        try { File.Delete(_held.Name); }
        catch (Exception e) when (AtomicFile.IsOfSystem(e)) { }
        _held.Dispose();
    }

    private static MlffAdException Taken(string model, string by) => new(ExitCode.Output,
        $"'{model}' is being trained by {by.Split(" (")[0]}; wait for its end, or give another --output.");

    private static string? Read(string path)
    {
        try
        {
            using var stream =
                new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return ReadFrom(stream);
        }
        catch (Exception e) when (AtomicFile.IsOfSystem(e)) { return "another process"; }
    }

    private static string ReadFrom(FileStream stream)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        return reader.ReadToEnd();
    }
}
