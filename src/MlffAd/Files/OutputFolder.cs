namespace MlffAd.Files;

/// <summary>Folders that results are written to.</summary>
public static class OutputFolder
{
    /// <summary>Makes a folder, and those above it, where they are missing, and checks that files can be made in it.</summary>
    /// <returns>Its full path.</returns>
    /// <exception cref="MlffAdException">It cannot be made or written to (exit code 7).</exception>
    public static string Make(string path)
    {
        string full;
        try { full = Directory.CreateDirectory(path).FullName; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.Output, $"The folder '{path}' could not be made ({e.Message.TrimEnd('.')}); choose another place.", e);
        }
        AtomicFile.RequireWritable(Path.Combine(full, "probe"));
        return full;
    }
}
