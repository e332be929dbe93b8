using System.Buffers.Binary;
using System.Text;

namespace MlffAd.Peers;

/// <summary>Marks a symbol version required by a Linux library as weak, so that it loads where that version is
/// missing.</summary>
/// <remarks>TorchSharp's library requires the symbol version of a libstdc++ newer than Debian 12's, although it uses no
/// symbol of it. The loader refuses a library whose required version is missing, unless it is weak. Where it exists the
/// mark has no effect.</remarks>
internal static class WeakSymbols
{
    private const int VersionNeeds = 0x6ffffffe, Weak = 2;

    /// <summary>Marks the version in a 64-bit little-endian ELF file, if the file requires it.</summary>
    public static void Mark(string path, string version)
    {
        byte[] file = File.ReadAllBytes(path), name = Encoding.ASCII.GetBytes(version + '\0');
        int Word(int at) => BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at));
        int Half(int at) => BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at));
        (int sections, int size, int count) = (Word(0x28), Half(0x3a), Half(0x3c));
        for (int i = 0; i < count; i++)
        {
            int section = sections + i * size;
            if (Word(section + 0x04) != VersionNeeds) continue;
            int strings = Word(sections + Word(section + 0x28) * size + 0x18), need = Word(section + 0x18);
            // A need names a library and heads a list of versions; both lists link by byte offsets and end with 0.
            for (int next = -1; next != 0; need += next = Word(need + 12))
            {
                int one = need + Word(need + 8);
                for (int step = -1; step != 0; one += step = Word(one + 12))
                {
                    if (!file.AsSpan(strings + Word(one + 8)).StartsWith(name) || (file[one + 4] & Weak) != 0) continue;
                    using var stream = File.OpenWrite(path);
                    stream.Position = one + 4;
                    stream.WriteByte((byte)(file[one + 4] | Weak));
                }
            }
        }
    }
}
