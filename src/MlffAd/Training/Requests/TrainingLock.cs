namespace MlffAd.Training;

/// <summary>Allows one training of a model at a time: <c>MODEL.lock</c> names its process and is held open meanwhile. A
/// file that a killed process leaves does not block.</summary>
internal sealed class TrainingLock : IDisposable
{
    private const string Begins = "process ", Unknown = "another process";

    private readonly FileStream _held;

    private TrainingLock(FileStream held) => _held = held;

    /// <summary>Takes the lock of a model.</summary>
    /// <param name="model">The model's file.</param>
    /// <param name="again">Whether to try again where another gives it back meanwhile.</param>
    /// <exception cref="MlffAdException">Another training has it, or it cannot be written (exit code 7).</exception>
    public static TrainingLock Take(string model, bool again = true)
    {
        string path = model + ".lock";
        RequireOurs(path);
        string mine =
            string.Create(CultureInfo.InvariantCulture,
            $"{Begins}{Environment.ProcessId} on {Environment.MachineName}, since "
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
        catch (FileNotFoundException) when (again) { return Take(model, again: false); }   // it was just given back
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

    /// <summary>Refuses a file of that name that no training wrote: it would be lost.</summary>
    private static void RequireOurs(string path)
    {
        var file = new FileInfo(path);
        bool isOurs = file.LinkTarget is null && FileStatus.Of(path) is not ({ IsStream: true } or { IsSpecial: true })
            && (!file.Exists || file.Length == 0 || Read(path) is { } text
            && (text == Unknown || text.StartsWith(Begins, StringComparison.Ordinal)));
        if (!isOurs)
            throw new MlffAdException(ExitCode.Output,
                $"'{path}' is no lock of a training, and would be written over; move it away, or "
                + "give another --output.");
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
        catch (Exception e) when (AtomicFile.IsOfSystem(e)) { return Unknown; }
    }

    private static string ReadFrom(FileStream stream)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        return reader.ReadToEnd();
    }
}
