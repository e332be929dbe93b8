using System.IO.Compression;
using System.Text;
using System.Text.Json;
using MlffAd.Tests.Data;
using static System.Buffers.Binary.BinaryPrimitives;

namespace MlffAd.Fuzz;

/// <summary>Checksums and lengths of broken files put right, so that what is behind them is tried. What a repair cannot
/// make sense of it leaves alone.</summary>
internal static class Repairs
{
    private const int LongestData = 1 << 20;

    /// <summary>Lengths of chunks that lead to no other, every checksum, and that of the packed rows.</summary>
    public static byte[] Png(byte[] png)
    {
        for (int at = 8; png.Length - at >= 12;)
        {
            var rest = png.AsSpan(at);
            uint length = ReadUInt32BigEndian(rest);
            if (length != rest.Length - 12 && !IsName(rest, length + 16L))
            {
                // Up to the next name that can be told.
                int next = 12;
                while (next < rest.Length && !IsName(rest, next + 4)) next++;
                length = (uint)next - 12;
                WriteUInt32BigEndian(rest, length);
            }
            var data = rest.Slice(8, (int)length);
            if (rest[4..8].SequenceEqual("IDAT"u8)) Adler(data);
            WriteUInt32BigEndian(rest[(8 + data.Length)..], PngBytes.Crc(rest[4..(8 + data.Length)]));
            at += 12 + data.Length;
        }
        return png;

        static bool IsName(ReadOnlySpan<byte> file, long at) => at <= file.Length - 8 && Encoding.ASCII.GetString(
            file.Slice((int)at, 4)) is "IDAT" or "IEND" or "PLTE" or "tRNS" or "eXIf" or "acTL";
    }

    private static void Adler(Span<byte> zlib)
    {
        if (zlib.Length < 6) return;
        uint a = 1, b = 0;
        try
        {
            using var rows = new DeflateStream(new MemoryStream(zlib[2..].ToArray()), CompressionMode.Decompress);
            for (int i = 0, v; i < LongestData && (v = rows.ReadByte()) >= 0; i++)
            {
                a = (a + (uint)v) % 65521;
                b = (a + b) % 65521;
            }
        }
        catch (InvalidDataException) { return; }
        WriteUInt32BigEndian(zlib[^4..], b << 16 | a);
    }

    /// <summary>The length of the header, where its last brace can be told, and as many bytes behind it as its tensors
    /// say.</summary>
    public static byte[] Safetensors(byte[] file)
    {
        int depth = 0, end = 8;
        for (bool inside = false; end < file.Length; end++)
        {
            if (inside && file[end] == '\\') end++;
            else if (file[end] == '"') inside = !inside;
            else if (!inside && file[end] == '{') depth++;
            else if (!inside && file[end] == '}' && --depth == 0) break;
        }
        if (end++ >= file.Length) return file;
        long last = 0;
        try
        {
            using var header = JsonDocument.Parse(file.AsMemory(8, end - 8));
            foreach (var tensor in header.RootElement.EnumerateObject())
                if (tensor.Value.TryGetProperty("data_offsets", out var offsets) && offsets[1].TryGetInt64(out long to))
                    last = Math.Max(last, to);
        }
        // Of another form than it should be.
        catch (Exception e) when (e is JsonException or InvalidOperationException or IndexOutOfRangeException)
        {
            last = LongestData + 1;
        }
        while (end < file.Length && file[end] == ' ') end++;
        byte[] repaired = last > LongestData ? file : [.. file[..end], .. Filled(file.AsSpan(end), (int)last)];
        WriteInt64LittleEndian(repaired, end - 8);
        return repaired;
    }

    private static byte[] Filled(ReadOnlySpan<byte> data, int length)
    {
        var filled = new byte[length];
        data[..Math.Min(length, data.Length)].CopyTo(filled);
        return filled;
    }

    /// <summary>The checksums of a zip archive's stored entries.</summary>
    public static byte[] Zip(byte[] zip)
    {
        for (int at = 0; at <= zip.Length - 46; at++)
        {
            var central = zip.AsSpan(at);
            if (!central.StartsWith("PK\u0001\u0002"u8)) continue;
            uint size = ReadUInt32LittleEndian(central[20..]), local = ReadUInt32LittleEndian(central[42..]);
            if (local > zip.Length - 30) continue;
            var entry = zip.AsSpan((int)local);
            int data = 30 + ReadUInt16LittleEndian(entry[26..]) + ReadUInt16LittleEndian(entry[28..]);
            if (data > entry.Length || size > entry.Length - data) continue;
            uint crc = PngBytes.Crc(entry.Slice(data, (int)size));
            WriteUInt32LittleEndian(central[16..], crc);
            WriteUInt32LittleEndian(entry[14..], crc);
        }
        return zip;
    }

    /// <summary>The length of everything behind it.</summary>
    public static byte[] Webp(byte[] webp)
    {
        if (webp.Length >= 12 && webp.AsSpan().StartsWith("RIFF"u8))
            WriteInt32LittleEndian(webp.AsSpan(4), webp.Length - 8 & ~1);
        return webp;
    }
}
