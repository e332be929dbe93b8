using System.Buffers.Binary;
using System.Text;
using static System.StringComparison;

namespace MlffAd.Fuzz;

/// <summary>Breaks files in one to four places, in one mostly.</summary>
/// <param name="random">Decides what and where.</param>
/// <param name="words">Words of the format.</param>
/// <param name="isText">Whether numbers and strings of JSON are exchanged too.</param>
internal sealed class Mutation(Random random, string[] words, bool isText)
{
    private const int Longest = 1 << 20;

    private static readonly long[] Numbers =
    [
        0, 1, 2, 3, 7, 8, 9, 15, 16, 31, 32, 63, 64, 65, 100, 127, 128, 255, 256, 1000, 4096, 32767, 32768, 65535,
        65536, 0xFFFFFF, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 0x100000000, long.MaxValue,
        long.MinValue, -1, -2,
    ];

    private static readonly string[] JsonNumbers =
    [
        "0", "-0", "1", "-1", "2", "0.5", "64", "255", "65536", "2147483647", "2147483648", "-2147483648", "4294967296",
        "9223372036854775807", "9223372036854775808", "1e10", "1e30", "3.5e38", "1e308", "-1e308", "1e999", "-1e999",
        "1e-45", "1e-320", "0.1e-999", "NaN", "Infinity", "00", "1.", "123456789012345678901234567890",
    ];

    private static readonly string[] JsonValues =
    [
        "null", "true", "[]", "{}", "[null]", "[1,2]", "[[[[[[[[1]]]]]]]]", """{"a":{"a":{"a":{"a":1}}}}""", "1", "-1",
        "\"\"", "\"a\"", "\"1\"", "\"NaN\"", "\"\\ud800\"", "\"\\u0000\"", "\"\\n\"", "\"../a\"", "\"/\"",
    ];

    private static readonly string[] JsonKeys =
        ["\"\"", "\"a\"", "\"\\ud800\"", "\"\\u0000\"", "\"__metadata__\"", "\"step\""];

    /// <summary>A mutant of a seed.</summary>
    public byte[] Of(Seed seed)
    {
        List<byte> bytes = [.. seed.Bytes];
        for (int left = 1 + random.Next(1 + random.Next(4)); left > 0 && bytes.Count > 0; left--)
        {
            int most = random.Next(2) == 0 ? Math.Min(seed.Focus, bytes.Count) : bytes.Count;
            int at = random.Next(most);
            // Of text that is broken anywhere, little is looked at.
            if (isText && at < seed.Focus && random.Next(8) > 0) Swap(bytes, at);
            else Once(bytes, at);
        }
        return [.. bytes];
    }

    private void Once(List<byte> bytes, int at)
    {
        switch (random.Next(words.Length > 0 ? 16 : 14))
        {
            case 0 or 1 or 2:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 3 or 4:
                bytes[at] = random.Next(5) switch { 0 => 0, 1 => 0x7F, 2 => 0x80, 3 => 0xFF, _ => Byte() };
                break;
            case 5 or 6 or 7 or 8:
                Number(bytes, at);
                break;
            case 9:
                bytes.InsertRange(at, Enumerable.Repeat(Byte(), Length(bytes)));
                break;
            case 10:
                bytes.RemoveRange(at, Math.Min(Length(bytes), bytes.Count - at));
                break;
            case 11:
                byte[] block = [.. bytes[at..Math.Min(at + Length(bytes), bytes.Count)]];
                Put(bytes, random.Next(bytes.Count), block, random.Next(2) == 0);
                break;
            case 12:
                if (random.Next(3) == 0) bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 13:
                (bytes[at], bytes[^1]) = (bytes[^1], bytes[at]);
                break;
            default:
                Put(bytes, at, Encoding.Latin1.GetBytes(words[random.Next(words.Length)]), random.Next(2) == 0);
                break;
        }
    }

    private byte Byte() => (byte)random.Next(256);

    /// <summary>Few bytes mostly, now and then many.</summary>
    private int Length(List<byte> bytes) =>
        bytes.Count > Longest ? 1 : 1 + random.Next(random.Next(4) switch { 0 => 1, 1 => 4, 2 => 32, _ => 1000 });

    private static void Put(List<byte> bytes, int at, byte[] block, bool over)
    {
        if (over) bytes.RemoveRange(at, Math.Min(block.Length, bytes.Count - at));
        bytes.InsertRange(at, block);
    }

    /// <summary>A number of 1, 2, 4 or 8 bytes, in either order; or what stands there, a little more or less.</summary>
    private void Number(List<byte> bytes, int at)
    {
        int size = Math.Min(1 << random.Next(4), bytes.Count - at);
        Span<byte> eight = stackalloc byte[8];
        bool highFirst = random.Next(2) == 0;
        long number = random.Next(8) switch
        {
            0 => bytes.Count + random.Next(-1, 2),
            1 => at + random.Next(-1, 2),
            2 => random.NextInt64(),
            _ => Numbers[random.Next(Numbers.Length)],
        };
        BinaryPrimitives.WriteInt64LittleEndian(eight, number);
        eight = eight[..size];
        if (highFirst) eight.Reverse();
        for (int i = 0; i < size; i++) bytes[at + i] = eight[i];
    }

    /// <summary>Puts another value where a number or a string of JSON stands, also of JSON within a string.</summary>
    private void Swap(List<byte> bytes, int at)
    {
        while (at < bytes.Count && !char.IsAsciiDigit((char)bytes[at]) && bytes[at] != '"') at++;
        if (at == bytes.Count) return;
        int end = at + 1;
        bool isNumber = bytes[at] != '"', escaped = at > 0 && bytes[at - 1] == '\\';
        if (isNumber)
        {
            while (at > 0 && "0123456789+-.eE".Contains((char)bytes[at - 1])) at--;
            while (end < bytes.Count && "0123456789+-.eE".Contains((char)bytes[end])) end++;
        }
        else
        {
            if (escaped) at--;
            while (end < bytes.Count && bytes[end] != '"') end++;
            end = Math.Min(end + 1, bytes.Count);
        }
        bool isKey = !isNumber && end < bytes.Count && bytes[end] == ':';
        string[] values = isNumber && random.Next(4) > 0 ? JsonNumbers : JsonValues;
        string value = isKey ? JsonKeys[random.Next(JsonKeys.Length)] : values[random.Next(values.Length)];
        if (escaped) value = value.Replace("\\", @"\\", Ordinal).Replace("\"", "\\\"", Ordinal);
        bytes.RemoveRange(at, end - at);
        bytes.InsertRange(at, Encoding.Latin1.GetBytes(value));
    }
}
