using System.IO.Compression;
using static System.Buffers.Binary.BinaryPrimitives;

namespace MlffAd.Data;

/// <summary>The 16-bit samples of a PNG file; the image library keeps their high bytes alone.</summary>
internal sealed class PngSamples
{
    private readonly byte[] _file;
    private readonly int _width, _height, _samples;
    private readonly bool _interlaced;

    private PngSamples(byte[] file)
    {
        _file = file;
        (_width, _height) = (ReadInt32BigEndian(file.AsSpan(16)), ReadInt32BigEndian(file.AsSpan(20)));
        _samples = file[25] switch { 0 => 1, 2 => 3, 4 => 2, _ => 4 };
        _interlaced = file[28] != 0;
    }

    /// <summary>How every PNG begins.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>A file that is whole, if it is a PNG of 16 bits; else null.</summary>
    public static PngSamples? Of16Bits(byte[] file) =>
        file.AsSpan().StartsWith(Signature) && file[24] == 16 ? new(file) : null;

    /// <summary>Writes the upper 8 of so many bits of each colour over what the library made of it; alpha stays as
    /// it is.</summary>
    /// <returns>False, and nothing is written, if the file is interlaced.</returns>
    public bool TryRead(byte[] rgba, int bits)
    {
        if (_interlaced) return false;
        using var packed = new MemoryStream();
        for (int at = 8, length; !_file.AsSpan(at + 4, 4).SequenceEqual("IEND"u8); at += 12 + length)
        {
            length = ReadInt32BigEndian(_file.AsSpan(at));
            if (_file.AsSpan(at + 4, 4).SequenceEqual("IDAT"u8)) packed.Write(_file, at + 8, length);
        }
        packed.Position = 0;
        using var rows = new ZLibStream(packed, CompressionMode.Decompress);
        int step = 2 * _samples;
        byte[] above = new byte[_width * step], row = new byte[_width * step];
        for (int y = 0; y < _height; y++, (above, row) = (row, above))
        {
            int filter = rows.ReadByte();
            rows.ReadExactly(row);
            Unfilter(filter, row, above, step);
            for (int x = 0; x < _width; x++)
            {
                for (int c = 0; c < 3; c++)
                {
                    int value = ReadUInt16BigEndian(row.AsSpan(x * step + (_samples < 3 ? 0 : 2 * c)));
                    rgba[4 * (y * _width + x) + c] = (byte)Math.Min(255, value >> (bits - 8));
                }
            }
        }
        return true;
    }

    private static void Unfilter(int filter, byte[] row, byte[] above, int step)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i < step ? 0 : row[i - step], up = above[i], corner = i < step ? 0 : above[i - step];
            row[i] += (byte)(filter switch
            {
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                4 => Paeth(left, up, corner),
                _ => 0,
            });
        }
    }

    /// <summary>Whichever of left, up and corner is nearest to left + up − corner.</summary>
    private static int Paeth(int left, int up, int corner)
    {
        int toLeft = Math.Abs(up - corner), toUp = Math.Abs(left - corner), toCorner = Math.Abs(left + up - 2 * corner);
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
}
