using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace MlffAd.Files;

/// <summary>What Linux knows of a file, links followed; other systems are asked through .NET alone.</summary>
/// <param name="Device">The device it lies on.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Mode">Its type and rights, as <c>st_mode</c>.</param>
/// <param name="User">Whose it is.</param>
/// <param name="Group">The group that owns it.</param>
internal readonly record struct FileStatus(ulong Device, ulong Inode, int Mode, uint User, uint Group)
{
    private const int HereFolder = -100, AsStat = 0, TypeMask = 0xF000;   // AT_FDCWD, AT_STATX_SYNC_AS_STAT, S_IFMT
    private const uint BasicStats = 0x7FF;

    private int Type => Mode & TypeMask;

    /// <summary>A pipe or a character device, such as a terminal: what is written goes on, nothing is kept.</summary>
    public bool IsStream => Type is 0x1000 or 0x2000;

    /// <summary>A disk or a socket.</summary>
    public bool IsSpecial => Type is 0x6000 or 0xC000;

    /// <summary>Of what a path leads to; null if there is nothing, or this is not Linux.</summary>
    public static FileStatus? Of(string path)
    {
        if (!OperatingSystem.IsLinux()) return null;
        // struct statx is the same on every processor.
        Span<byte> s = stackalloc byte[256];
        try
        {
            if (Statx(HereFolder, Path.GetFullPath(path), AsStat, BasicStats,
                ref MemoryMarshal.GetReference(s)) != 0) return null;
        }
        catch (TypeLoadException)
        {
            return null;   // a C library without statx, or of another name
        }
        return new(BinaryPrimitives.ReadUInt64LittleEndian(s[136..]), BinaryPrimitives.ReadUInt64LittleEndian(s[32..]),
            BinaryPrimitives.ReadUInt16LittleEndian(s[28..]), BinaryPrimitives.ReadUInt32LittleEndian(s[20..]),
            BinaryPrimitives.ReadUInt32LittleEndian(s[24..]));
    }

    /// <summary>Gives a file to this one's user and group, where that is allowed.</summary>
    public void GiveTo(string path)
    {
        if (Of(path) is { } now && (now.User, now.Group) != (User, Group)) _ = Chown(path, User, Group);
    }

    [DllImport("libc", EntryPoint = "statx")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask,
        ref byte status);

    [DllImport("libc", EntryPoint = "chown")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Chown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);
}
