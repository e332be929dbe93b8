using System.Buffers.Binary;

namespace MlffAd.Tests.Data;

/// <summary>Writes TIFF files entry by entry, directories before strips, in both byte orders, small and big.</summary>
/// <param name="HighFirst">Numbers begin with the highest byte.</param>
/// <param name="Big">BigTIFF.</param>
internal sealed record TiffBytes(bool HighFirst = false, bool Big = false)
{
    /// <summary>A directory of an uncompressed grey picture in one strip, to be changed at will.</summary>
    public static SortedDictionary<int, long[]> Grey(int width, int height, int subfile = 0) => new()
    {
        [254] = [subfile],
        [256] = [width],
        [257] = [height],
        [258] = [8],
        [259] = [1],
        [262] = [1],
        [277] = [1],
        [278] = [height],
    };

    /// <summary>A file of pictures: each a directory and its strips.</summary>
    public byte[] Make(params (SortedDictionary<int, long[]> Directory, byte[][] Strips)[] pages)
    {
        int pointer = Big ? 8 : 4;
        List<byte> file = [.. HighFirst ? "MM"u8 : "II"u8];
        Number(file, Big ? 43 : 42, 2);
        if (Big)
        {
            Number(file, 8, 2);
            Number(file, 0, 2);
        }
        Number(file, file.Count + pointer, pointer);
        foreach (var (directory, strips) in pages)
        {
            directory[273] = new long[strips.Length];
            directory.TryAdd(279, [.. strips.Select(s => (long)s.Length)]);
            // Numbers that do not fit into their entry follow upon the directory, strips upon them.
            long behind = file.Count + (Big ? 8 : 2) + directory.Count * (4 + 2 * pointer) + pointer;
            long next = behind + directory.Values.Sum(v => v.Length * 4 > pointer ? 4 * v.Length : 0);
            for (int i = 0; i < strips.Length; i++)
            {
                directory[273][i] = next;
                next += strips[i].Length;
            }
            Number(file, directory.Count, Big ? 8 : 2);
            List<byte> values = [];
            foreach (var (tag, numbers) in directory)
            {
                Number(file, tag, 2);
                Number(file, tag == 320 ? 3 : 4, 2);
                Number(file, numbers.Length, pointer);
                bool inside = numbers.Length * 4 <= pointer;
                var to = inside ? file : values;
                int full = file.Count + pointer;
                if (!inside) Number(file, behind + values.Count, pointer);
                foreach (long number in numbers) Number(to, number, tag == 320 ? 2 : 4);
                if (!inside && tag == 320) values.AddRange(new byte[2 * numbers.Length]);
                while (file.Count < full) file.Add(0);
            }
            Number(file, strips == pages[^1].Strips ? 0 : next, pointer);
            file.AddRange(values);
            foreach (byte[] strip in strips) file.AddRange(strip);
        }
        return [.. file];
    }

    private void Number(List<byte> to, long number, int size)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        bytes = bytes[..size];
        if (HighFirst) bytes.Reverse();
        foreach (byte b in bytes) to.Add(b);
    }
}
