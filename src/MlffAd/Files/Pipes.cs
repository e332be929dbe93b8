using System.Runtime.InteropServices;

namespace MlffAd.Files;

/// <summary>Pipes and character devices that are written to.</summary>
internal static class Pipes
{
    private const int BufferBytes = 1 << 16, WriteOnly = 1, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Opens what <see cref="FileStatus.IsStream"/> for writing. A pipe's reader may come within some
    /// seconds.</summary>
    /// <exception cref="IOException">Nobody reads the pipe.</exception>
    public static FileStream Open(string path)
    {
        // To open a pipe for writing waits for its reader, for ever if need be: whether there is one is asked first.
        int probe = Probe(path);
        var end = DateTime.UtcNow + Patience;
        for (; probe < 0 && DateTime.UtcNow < end; probe = Probe(path)) Thread.Sleep(Pause);
        if (probe < 0) throw new IOException("Nobody reads this pipe");
        try { return new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, BufferBytes); }
        finally { _ = Close(probe); }
    }

    private static int Probe(string path) => OpenFile(Path.GetFullPath(path), WriteOnly | NonBlocking | CloseOnExec);

    [DllImport("libc", EntryPoint = "open")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int OpenFile([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
