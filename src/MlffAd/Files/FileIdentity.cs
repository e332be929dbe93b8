namespace MlffAd.Files;

/// <summary>Which file or folder a path leads to, however it is written: two paths of one thing have equal
/// identities, through links, hard links and other cases of letters.</summary>
/// <remarks>On Linux the device and the inode; elsewhere, and for what is not there yet, the path with every link
/// in it followed, in capitals where case does not count.</remarks>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, string Path)
{
    private static bool IsCaseKept => !OperatingSystem.IsWindows() && !OperatingSystem.IsMacOS();

    /// <summary>What a path leads to; a link that leads to nothing is what it would lead to.</summary>
    public static FileIdentity Of(string path)
    {
        if (FileStatus.Of(path) is { } found) return new(found.Device, found.Inode, "");
        string real = Followed(path);
        return new(0, 0, IsCaseKept ? real : real.ToUpperInvariant());
    }

    /// <summary>The full path with every link in it followed, as far as it is there.</summary>
    public static string Followed(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        if (System.IO.Path.GetDirectoryName(full) is not { } parent) return full;
        string here = System.IO.Path.Join(Followed(parent), System.IO.Path.GetFileName(full));
        try
        {
            FileSystemInfo entry = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
            return entry.LinkTarget is null ? here
                : entry.ResolveLinkTarget(returnFinalTarget: true) is { } target ? Followed(target.FullName) : here;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return here;   // a cycle of links: opening it reports that
        }
    }
}
