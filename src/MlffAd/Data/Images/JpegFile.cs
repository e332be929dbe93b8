using System.Buffers.Binary;

namespace MlffAd.Data;

/// <summary>A JPEG's segments. Only an end marker between them is the file's end: thumbnails have one of their own,
/// inside a segment, and phones put a second picture behind it.</summary>
internal static class JpegFile
{
    /// <summary>Walks from the first segment to the end marker.</summary>
    public static FileWalk Walk(ReadOnlySpan<byte> file)
    {
        int orientation = 1;
        for (int at = 2; ;)
        {
            // What lies between two markers is a scan's codes, or nothing that a decoder minds.
            int next = file[at..].IndexOf((byte)0xFF);
            if (next < 0) return new(FileWalk.Cut);
            at += next;
            int length = file[at..].IndexOfAnyExcept((byte)0xFF);
            if (length < 0) return new(FileWalk.Cut);
            byte marker = file[at + length];
            at += length + 1;
            if (marker == 0xD9) return new(null, orientation);
            // A byte 255 of the codes, a restart, a start: no segments.
            if (marker is <= 0x01 or >= 0xD0 and <= 0xD8) continue;
            if (!BinaryPrimitives.TryReadUInt16BigEndian(file[at..], out ushort size) || size > file.Length - at)
                return new(FileWalk.Cut);
            if (size < 2) return new(FileWalk.Damaged);
            var segment = file.Slice(at + 2, size - 2);
            if (Refusal(marker, segment) is { } fault) return new(fault);
            if (marker == 0xE1 && orientation == 1 && segment.StartsWith("Exif\0"u8))
                orientation = TiffDirectory.Orientation(segment);
            at += size;
        }
    }

    /// <summary>Why a frame with this header is not decoded; null for all other segments too.</summary>
    private static string? Refusal(byte marker, ReadOnlySpan<byte> segment)
    {
        string? kind = marker switch
        {
            0xC3 or 0xCB => "a lossless JPEG",
            0xC9 or 0xCA => "an arithmetic-coded JPEG",
            0xC5 or 0xC6 or 0xC7 or 0xCD or 0xCE or 0xCF or 0xDE => "a hierarchical JPEG",
            0xC0 or 0xC1 or 0xC2 when segment is [not 8, ..] => $"a JPEG of {segment[0]} bits a sample",
            0xC0 or 0xC1 or 0xC2 when segment is [_, 0, 0, ..] => "a JPEG that leaves its height open",
            _ => null,
        };
        return kind is null ? null : $"it is {kind}, which is not read; save it as PNG";
    }
}
