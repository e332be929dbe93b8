using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace MlffAd.Files;

/// <summary>Which file or folder a path leads to, however it is written: two paths of one thing have equal
/// identities, through links, hard links and other cases of letters.</summary>
/// <remarks>On Linux the device and the inode; elsewhere, and for what is not there yet, the path with every link
/// in it followed, in capitals where case does not count.</remarks>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, string Path)
{
    /// <summary>AT_FDCWD, AT_STATX_SYNC_AS_STAT and the bits of STATX_BASIC_STATS; links are followed.</summary>
    private const int HereFolder = -100, AsStat = 0;
    private const uint BasicStats = 0x7FF;

    private static bool IsCaseKept => !OperatingSystem.IsWindows() && !OperatingSystem.IsMacOS();

    /// <summary>What a path leads to; a link that leads to nothing is what it would lead to.</summary>
    public static FileIdentity Of(string path)
    {
        if (OperatingSystem.IsLinux() && Stat(path) is { } found) return found;
        string real = Followed(System.IO.Path.GetFullPath(path));
        return new(0, 0, IsCaseKept ? real : real.ToUpperInvariant());
    }

    /// <summary>A full path with every link in it followed, as far as it is there.</summary>
    private static string Followed(string path)
    {
        if (System.IO.Path.GetDirectoryName(path) is not { } parent) return path;
        string here = System.IO.Path.Join(Followed(parent), System.IO.Path.GetFileName(path));
        try
        {
            FileSystemInfo entry = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
            return entry.LinkTarget is null ? here : entry.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? here;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return here;
        }
    }

    private static FileIdentity? Stat(string path)
    {
        // struct statx is the same on every processor: the inode at byte 32, the device at 136.
        Span<byte> stat = stackalloc byte[256];
        try
        {
            if (Statx(HereFolder, path, AsStat, BasicStats, ref MemoryMarshal.GetReference(stat)) != 0) return null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
        return new(BinaryPrimitives.ReadUInt64LittleEndian(stat[136..]),
            BinaryPrimitives.ReadUInt64LittleEndian(stat[32..]), "");
    }

    [DllImport("libc", EntryPoint = "statx")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask,
        ref byte stat);
}
