using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace MlffAd.Tests.Data;

/// <summary>Writes PNG files chunk by chunk, so that tests can have any bit depth, and can break them.</summary>
internal static class PngBytes
{
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="depth">Bits a sample.</param>
    /// <param name="colour">PNG's colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.</param>
    /// <param name="rows">The rows' bytes, without filter bytes.</param>
    /// <param name="palette">RGB triples.</param>
    /// <param name="alpha">Alpha of the palette's entries.</param>
    /// <param name="filter">The filter that every row says it has; the bytes stay as they are.</param>
    /// <param name="interlaced">Whether its header says so; the bytes stay as they are.</param>
    /// <param name="extra">Chunks before the pixels.</param>
    /// <param name="late">Chunks behind them.</param>
    public static byte[] Make(int width, int height, int depth, int colour, byte[] rows, byte[]? palette = null,
        byte[]? alpha = null, byte filter = 0, bool interlaced = false,
        (string Type, byte[] Data)[]? extra = null, (string Type, byte[] Data)[]? late = null)
    {
        using var png = new MemoryStream();
        png.Write([137, 80, 78, 71, 13, 10, 26, 10]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)colour, interlaced ? (byte)1 : (byte)0);
        Chunk(png, "IHDR", header);
        if (palette is not null) Chunk(png, "PLTE", palette);
        if (alpha is not null) Chunk(png, "tRNS", alpha);
        foreach (var (type, data) in extra ?? []) Chunk(png, type, data);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            int rowBytes = rows.Length / Math.Min(height, Math.Max(1, rows.Length));
            for (int at = 0; at < rows.Length; at += rowBytes)
            {
                zlib.WriteByte(filter);
                zlib.Write(rows.AsSpan(at, rowBytes));
            }
        }
        Chunk(png, "IDAT", packed.ToArray());
        foreach (var (type, data) in late ?? []) Chunk(png, type, data);
        Chunk(png, "IEND", []);
        return png.ToArray();
    }

    private static void Chunk(Stream png, string type, byte[] data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        png.Write(number);
        byte[] named = [.. Encoding.ASCII.GetBytes(type), .. data];
        png.Write(named);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(named));
        png.Write(number);
    }

    /// <summary>The checksum of PNG's chunks and of zip's entries.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
        }
        return ~crc;
    }
}
