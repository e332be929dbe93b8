namespace MlffAd.Files;

/// <summary>Files that are read.</summary>
internal static class InputFile
{
    /// <summary>Whether there is nothing to read: an empty file, a pipe, a socket or a device, all of length 0. To open
    /// a pipe would wait for somebody to write into it, for ever if need be.</summary>
    public static bool IsNothing(string path) => new FileInfo(path) is { Exists: true, Length: 0 };

    /// <summary>Refuses what holds nothing, before it is opened.</summary>
    /// <exception cref="IOException">It holds nothing.</exception>
    public static void Require(string path)
    {
        if (IsNothing(path)) throw new IOException("it is empty or no file");
    }
}
