namespace MlffAd.Files;

/// <summary>Writes a file whole or not at all: into a temporary file of the same folder, flushed to the disk, then renamed.</summary>
/// <remarks>A crash, a full disk or Ctrl-C leaves what was there before; the half-written temporary file is removed when possible.</remarks>
public static class AtomicFile
{
    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>.</summary>
    /// <exception cref="MlffAdException">The folder is missing or read-only, or the disk is full (exit code 7).</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        string temporary = $"{full}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.Output, $"'{path}' could not be written ({e.Message.TrimEnd('.')}); choose another place or free some space.", e);
        }
        finally
        {
            try { File.Delete(temporary); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        }
    }

    /// <summary>Finds out, before hours are spent, whether a file can be written: its folder is there and takes new files.</summary>
    /// <exception cref="MlffAdException">It cannot (exit code 7).</exception>
    public static void RequireWritable(string path)
    {
        string probe = $"{Path.GetFullPath(path)}.{Environment.ProcessId}.tmp";
        try
        {
            if (Directory.Exists(path)) throw new IOException("It is a folder");
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.Output, $"'{path}' cannot be written ({e.Message.TrimEnd('.')}); choose another place.", e);
        }
    }

    /// <summary>Writes text (UTF-8, no byte-order mark).</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
