using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MlffAd.Peers;

/// <summary>Tells libtorch's oneDNN the CPU's cache sizes where a hypervisor hides them.</summary>
/// <remarks>On AMD CPUs oneDNN reads the sizes from cpuid leaf 0x8000001D. If that is empty, it takes each level for
/// one byte, and its first convolution divides by zero. Its CPU record is found through the library's symbol table; the
/// offsets are those of the oneDNN in libtorch 2.10, and only wrong values are overwritten.</remarks>
internal static unsafe class OneDnn
{
    private const string Record = "_ZN4dnnl4impl3cpu3x643cpuEv";

    /// <summary>Offsets into the record, in ints: bytes of the three levels, CPUs that share each, number of
    /// levels.</summary>
    private const int Sizes = 7, Sharing = 17, Levels = 27;

    /// <summary>Last-level cache of Zen 3 to 5; other cpuid leaves give only a socket's total.</summary>
    private const int LastLevel = 32 << 20, LastLevelShared = 8;

    /// <summary>Writes the sizes if needed; the library must be loaded.</summary>
    public static void TellCaches()
    {
        const int authentic = 0x68747541;
        const int first = unchecked((int)0x80000005);
        const int second = unchecked((int)0x80000006);
        const int hidden = unchecked((int)0x8000001D);
        if (!OperatingSystem.IsLinux() || !X86Base.IsSupported || X86Base.CpuId(0, 0).Ebx != authentic
            || (X86Base.CpuId(hidden, 0).Eax & 31) != 0) return;
        string? line = File.ReadLines("/proc/self/maps")
            .FirstOrDefault(l => l.EndsWith("/libtorch_cpu.so", StringComparison.Ordinal));
        if (line is null || Symbol(line[line.IndexOf('/', StringComparison.Ordinal)..], Record) is not { } offset)
            return;
        nint begin = nint.Parse(line.AsSpan(0, line.IndexOf('-', StringComparison.Ordinal)), NumberStyles.HexNumber,
            CultureInfo.InvariantCulture);
        int* record = ((delegate* unmanaged<int*>)(begin + (nint)offset))();
        if (record[Levels] != 3 || record[Sizes] != 1 || record[Sizes + 1] != 1 || record[Sizes + 2] != 1) return;
        (record[Sizes], record[Sizes + 1], record[Sizes + 2]) =
            ((X86Base.CpuId(first, 0).Ecx >>> 24) << 10, (X86Base.CpuId(second, 0).Ecx >>> 16) << 10, LastLevel);
        record[Sharing + 2] = LastLevelShared;
    }

    /// <summary>A symbol's value in a 64-bit little-endian ELF file.</summary>
    private static ulong? Symbol(string path, string name)
    {
        const int tableOfSymbols = 2, entry = 24;
        using var file = File.OpenHandle(path);
        byte[] header = Read(file, 0, 64);
        (int size, int count) = (BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(0x3a)),
            BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(0x3c)));
        byte[] sections = Read(file, BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(0x28)), (long)size * count);
        long Field(int section, int at) => BinaryPrimitives.ReadInt64LittleEndian(sections.AsSpan(section * size + at));
        int Word(int section, int at) => BinaryPrimitives.ReadInt32LittleEndian(sections.AsSpan(section * size + at));
        byte[] wanted = Encoding.ASCII.GetBytes(name + '\0');
        for (int i = 0; i < count; i++)
        {
            if (Word(i, 4) != tableOfSymbols) continue;
            int strings = Word(i, 0x28);
            byte[] symbols = Read(file, Field(i, 0x18), Field(i, 0x20));
            byte[] names = Read(file, Field(strings, 0x18), Field(strings, 0x20));
            for (int at = 0; at < symbols.Length; at += entry)
                if (names.AsSpan(BinaryPrimitives.ReadInt32LittleEndian(symbols.AsSpan(at))).StartsWith(wanted))
                    return BinaryPrimitives.ReadUInt64LittleEndian(symbols.AsSpan(at + 8));
        }
        return null;
    }

    private static byte[] Read(SafeFileHandle file, long offset, long length)
    {
        byte[] bytes = new byte[length];
        RandomAccess.Read(file, bytes, offset);
        return bytes;
    }
}
