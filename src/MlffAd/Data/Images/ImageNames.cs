namespace MlffAd.Data;

/// <summary>What a file's name, or its beginning where the name has no extension, says of it.</summary>
internal static class ImageNames
{
    /// <summary>Why something that <see cref="IsUnreachable"/> is not read, with what to do.</summary>
    public const string NotUtf8 = "its name is not UTF-8; rename it";

    /// <summary>Extensions of the formats that are read, lower case: folders are searched for them.</summary>
    public static readonly IReadOnlyList<string> Read =
    [
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".bmp", ".dib", ".webp", ".gif",
        ".tif", ".tiff", ".btf", ".tf8",
    ];

    /// <summary>Extensions of other images. A file with one is never passed over in silence.</summary>
    private static readonly HashSet<string> Other =
    [
        ".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".jpf", ".jpx", ".jpm", ".jxl", ".jxr", ".wdp", ".hdp",
        ".pgm", ".ppm", ".pnm", ".pbm", ".pfm", ".pam", ".psd", ".psb", ".xcf", ".dng", ".raw", ".cr2", ".cr3", ".crw",
        ".nef", ".nrw", ".arw", ".sr2", ".srf", ".orf", ".rw2", ".raf", ".pef", ".srw", ".x3f", ".3fr", ".iiq", ".erf",
        ".ico", ".cur", ".icns", ".svg", ".svgz", ".eps", ".emf", ".wmf", ".tga", ".pcx", ".dds", ".exr", ".hdr",
        ".sgi", ".rgb", ".ras", ".xbm", ".xpm", ".apng", ".mng", ".bpg", ".flif", ".qoi", ".fits", ".fit", ".fts",
            ".dcm",
        ".mpo",
    ];

    /// <summary>How files of images begin, after so many bytes.</summary>
    private static readonly (int At, byte[] Bytes)[] Beginnings =
    [
        (0, [0x89, 0x50, 0x4E, 0x47]), (0, [0xFF, 0xD8, 0xFF]), (0, "GIF8"u8.ToArray()), (8, "WEBP"u8.ToArray()),
        (0, [0x49, 0x49, 42, 0]), (0, [0x49, 0x49, 43, 0]), (0, [0x4D, 0x4D, 0, 42]), (0, [0x4D, 0x4D, 0, 43]),
        (4, "ftyphe"u8.ToArray()), (4, "ftypav"u8.ToArray()), (4, "ftypmif1"u8.ToArray()), (4, "ftypcrx"u8.ToArray()),
        (4, "jP  "u8.ToArray()), (4, "JXL "u8.ToArray()), (0, [0xFF, 0x0A]), (0, "8BPS"u8.ToArray()),
    ];

    /// <summary>Whether an image is, by its name, of a format that is read.</summary>
    public static bool IsRead(string path) => Read.Contains(Extension(path));

    /// <summary>Why a file that is an image is not read, with what to do; null for all others.</summary>
    public static string? WhyPassedOver(string path)
    {
        string extension = Extension(path);
        if (Other.Contains(extension)) return $"{extension} is a format that is not read; convert it to PNG";
        if (LeadsNowhere(path)) return "it is a link that leads nowhere";
        string called = extension.Length == 0 ? "has no extension" : $"is called {extension}";
        return BeginsLikeAnImage(path, isNamed: extension.Length > 0) switch
        {
            true => $"it {called}, but begins like an image; name it .png, .jpg or what it is",
            null => "it may not be read",
            false => null,
        };
    }

    private static bool LeadsNowhere(string path)
    {
        var link = new FileInfo(path);
        try { return link.LinkTarget is not null && link.ResolveLinkTarget(returnFinalTarget: true)?.Exists != true; }
        catch (IOException) { return true; }   // a cycle of links
    }

    /// <summary>Whether what a folder lists cannot be opened by its name: the system hands on bytes that are not UTF-8
    /// with U+FFFD in their place.</summary>
    public static bool IsUnreachable(string path) => path.Contains('\uFFFD') && !Path.Exists(path);

    /// <summary>Whether a name alone leaves it possible that the file is an image.</summary>
    public static bool MayBeImage(string path) =>
        Extension(path) is var extension
        && (extension.Length == 0 || Read.Contains(extension) || Other.Contains(extension));

    private static string Extension(string path) => Path.GetExtension(path).ToLowerInvariant();

    /// <summary>Null where it may not be read.</summary>
    private static bool? BeginsLikeAnImage(string path, bool isNamed)
    {
        Span<byte> start = stackalloc byte[16];
        try
        {
            if (InputFile.IsNothing(path)) return false;
            using var stream = File.OpenRead(path);
            start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return isNamed ? false : null;
        }
        foreach (var (at, bytes) in Beginnings)
            if (start.Length >= at + bytes.Length && start[at..].StartsWith(bytes)) return true;
        // The portable maps: P1 to P7 and white space.
        return !isNamed
            && start is [(byte)'P', >= (byte)'1' and <= (byte)'7', (byte)'\n' or (byte)'\r' or (byte)' ' or (byte)'\t',
            ..];
    }
}
