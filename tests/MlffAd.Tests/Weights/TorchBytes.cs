using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace MlffAd.Tests.Weights;

/// <summary>Writes pickles opcode by opcode, as Python's protocol 2 does, and the two containers that
/// PyTorch puts them in.</summary>
internal sealed class TorchBytes
{
    private readonly MemoryStream bytes = new();

    public byte[] ToArray() => [.. bytes.ToArray(), (byte)'.'];

    public TorchBytes() => Op(0x80, 2);

    public TorchBytes Op(params ReadOnlySpan<byte> opcodes)
    {
        bytes.Write(opcodes);
        return this;
    }

    public TorchBytes Global(string module, string name) =>
        Op((byte)'c').Op(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));

    public TorchBytes Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return Op((byte)'X').Op(BitConverter.GetBytes(utf8.Length)).Op(utf8);
    }

    public TorchBytes Number(long value)
    {
        Span<byte> eight = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(eight, value);
        return Op(0x8a, 8).Op(eight);
    }

    public TorchBytes Tuple(params ReadOnlySpan<long> values)
    {
        Op((byte)'(');
        foreach (long value in values) Number(value);
        return Op((byte)'t');
    }

    /// <summary>A call of <c>_rebuild_tensor_v2</c> on the storage <paramref name="key"/>.</summary>
    public TorchBytes Tensor(string kind, string key, long count, long offset, long[] shape, long[] strides,
        bool legacy = false)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Op((byte)'(', (byte)'(').Text("storage").Global("torch", kind)
            .Text(key).Text("cpu").Number(count);
        if (legacy) Op((byte)'N');
        return Op((byte)'t', (byte)'Q').Number(offset).Tuple(shape).Tuple(strides)
            .Op(0x89).Global("collections", "OrderedDict").Op((byte)')', (byte)'R', (byte)'t', (byte)'R');
    }

    /// <summary>An ordered dictionary of float tensors, each with its own storage "0", "1", …; memo marks as
    /// Python makes them.</summary>
    public TorchBytes StateDict(IReadOnlyList<(string Name, int[] Shape, float[] Values)> tensors, bool legacy = false)
    {
        Global("collections", "OrderedDict").Op((byte)')', (byte)'R', (byte)'q', 0, (byte)'(');
        for (int i = 0; i < tensors.Count; i++)
        {
            var (name, shape, values) = tensors[i];
            Text(name)
                .Tensor("FloatStorage", $"{i}", values.Length, 0, [.. shape.Select(s => (long)s)], Contiguous(shape),
                    legacy);
        }
        // A state dictionary carries an attribute, which BUILD sets and a reader may ignore.
        return Op((byte)'u', (byte)'}').Text("_metadata").Op((byte)'}', (byte)'s', (byte)'b');
    }

    public static long[] Contiguous(int[] shape) =>
        [.. shape.Select((_, k) => shape[(k + 1)..].Aggregate(1L, (a, b) => a * b))];

    public static byte[] Zip(byte[] pickle, IEnumerable<byte[]> storages, CompressionLevel level =
        CompressionLevel.NoCompression, string byteOrder = "little")
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create))
        {
            void Entry(string name, byte[] content)
            {
                using var entry = zip.CreateEntry("archive/" + name, level).Open();
                entry.Write(content);
            }
            Entry("data.pkl", pickle);
            Entry("byteorder", Encoding.ASCII.GetBytes(byteOrder));
            foreach (var (i, storage) in storages.Index()) Entry($"data/{i}", storage);
        }
        return stream.ToArray();
    }

    public static byte[] Legacy(byte[] pickle, IReadOnlyList<byte[]> storages, int numberSize)
    {
        var keys = new TorchBytes().Op((byte)']', (byte)'(');
        for (int i = 0; i < storages.Count; i++) keys.Text($"{i}");
        keys.Op((byte)'e');
        return
        [
            0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.',
            .. new TorchBytes().Op((byte)'M', 0xe9, 0x03).ToArray(),
            .. new TorchBytes().Op((byte)'}').Text("little_endian").Op(0x88, (byte)'s').ToArray(),
            .. pickle, .. keys.ToArray(),
            .. storages.SelectMany(storage => BitConverter.GetBytes((long)(storage.Length / numberSize))
                .Concat(storage)),
        ];
    }

    public static byte[] Bytes<T>(params ReadOnlySpan<T> values)
        where T : unmanaged => MemoryMarshal.AsBytes(values).ToArray();
}
