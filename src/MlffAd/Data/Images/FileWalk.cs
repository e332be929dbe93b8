using static System.Buffers.Binary.BinaryPrimitives;

namespace MlffAd.Data;

/// <summary>What a walk through an image file's parts finds, nothing decoded: whether the file is whole and holds one
/// picture, and which way up that is. The image libraries take a file that is cut short for whole where enough of it is
/// left to draw something, and show the first picture of many.</summary>
/// <param name="Fault">Why the file is not read; null if nothing speaks against it.</param>
/// <param name="Orientation">1…8, EXIF's numbering.</param>
internal readonly record struct FileWalk(string? Fault, int Orientation = 1)
{
    /// <summary>What is said of a file that is cut short.</summary>
    public const string Cut = "the file ends before the image does";

    /// <summary>What is said of a file that no walk leads through.</summary>
    public const string Damaged = "its data are damaged";

    /// <summary>What is said of a file of a kind that is not read.</summary>
    public const string Unknown = "it is no image of a known kind (PNG, JPEG, BMP, GIF, WebP, TIFF)";

    /// <summary>A walk that ended well, unless there were several pictures; none is the library's to refuse.</summary>
    public static FileWalk Of(long pictures, int orientation = 1) =>
        new(pictures <= 1 ? null : Several(pictures), orientation);

    /// <summary>What is said of a file with several pictures.</summary>
    public static string Several(long pictures) =>
        $"it holds {pictures} pictures, and only the first would be looked at; save each as a file of its own";

    /// <summary>Walks through a file, whose kind is told by its first bytes: all that are read but TIFF.</summary>
    public static FileWalk Through(ReadOnlySpan<byte> file) =>
        file.StartsWith(PngSamples.Signature) ? Png(file)
        : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]) ? JpegFile.Walk(file)
        : file.StartsWith("GIF8"u8) ? Gif(file)
        : file.StartsWith("RIFF"u8) && file.Length >= 12 && file[8..12].SequenceEqual("WEBP"u8) ? Webp(file)
        : file.StartsWith("BM"u8) ? new(null) : new(Unknown);

    /// <summary>Chunks: length, name, data, checksum; the last is IEND.</summary>
    private static FileWalk Png(ReadOnlySpan<byte> file)
    {
        long pictures = 1;
        int orientation = 1;
        for (int at = 8; file.Length - at >= 12;)
        {
            uint length = ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - 12) break;
            ReadOnlySpan<byte> name = file.Slice(at + 4, 4), data = file.Slice(at + 8, (int)length);
            if (name.SequenceEqual("IEND"u8)) return Of(pictures, orientation);
            if (name.SequenceEqual("acTL"u8) && length >= 4) pictures = ReadUInt32BigEndian(data);
            if (name.SequenceEqual("eXIf"u8)) orientation = TiffDirectory.Orientation(data);
            at += 12 + (int)length;
        }
        return new(Cut);
    }

    /// <summary>Blocks, each a chain of at most 255 bytes at a time; the last is the trailer.</summary>
    private static FileWalk Gif(ReadOnlySpan<byte> file)
    {
        int pictures = 0;
        for (int at = file.Length > 10 ? 13 + Table(file[10]) : file.Length; at < file.Length;)
        {
            switch (file[at])
            {
                case 0x3B: return Of(pictures);
                case 0x21:
                    at += 2;
                    break;
                case 0x2C when file.Length - at > 9:
                    pictures++;
                    at += 11 + Table(file[at + 9]);
                    break;
                case 0x2C: return new(Cut);
                default: return new(Damaged);
            }
            while (at < file.Length && file[at] != 0) at += 1 + file[at];
            at++;
        }
        return new(Cut);

        static int Table(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);
    }

    /// <summary>Chunks: name, length, data, filled up to a whole number of pairs.</summary>
    private static FileWalk Webp(ReadOnlySpan<byte> file)
    {
        uint size = ReadUInt32LittleEndian(file[4..]);
        if (size > file.Length - 8) return new(Cut);
        file = file[..(8 + (int)size)];
        int pictures = 0, orientation = 1;
        for (int at = 12; file.Length - at >= 8;)
        {
            uint length = ReadUInt32LittleEndian(file[(at + 4)..]);
            if (length > file.Length - at - 8) return new(Damaged);
            ReadOnlySpan<byte> name = file.Slice(at, 4), data = file.Slice(at + 8, (int)length);
            if (name.SequenceEqual("ANMF"u8)) pictures++;
            if (name.SequenceEqual("EXIF"u8)) orientation = TiffDirectory.Orientation(data);
            at += 8 + (int)length + (int)(length & 1);
        }
        return Of(pictures, orientation);
    }
}
