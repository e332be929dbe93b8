using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MlffAd.Weights;

/// <summary>Writes safetensors files. The bytes depend on names, numbers and metadata alone, not on the order
/// they are given in.</summary>
/// <remarks>Tensors are laid out by size of their numbers, largest first, then by name; the header is padded to 8
/// bytes: so every tensor lies aligned to its own numbers.</remarks>
public static class Safetensors
{
    /// <summary>Writes a file whole or not at all.</summary>
    /// <exception cref="MlffAdException">The file cannot be written (exit code 7), or a number does not fit
    /// its format (4).</exception>
    public static void Write(string path, IEnumerable<TensorData> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        var sorted = Layout(tensors);
        AtomicFile.Write(path, stream => Write(stream, sorted, metadata));
    }

    /// <summary>Writes to a stream, which need not seek.</summary>
    /// <exception cref="MlffAdException">A number does not fit its format.</exception>
    public static void Write(Stream stream, IEnumerable<TensorData> tensors,
        IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(stream, Layout(tensors), metadata);

    private static List<TensorData> Layout(IEnumerable<TensorData> tensors)
    {
        var sorted = tensors.ToList();
        sorted.Sort((a, b) => a.DType.Size() != b.DType.Size()
            ? b.DType.Size() - a.DType.Size()
            : string.CompareOrdinal(a.Name, b.Name));
        var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.MetadataKey };
        foreach (var tensor in sorted)
            if (!names.Add(tensor.Name))
                throw new ArgumentException($"Two tensors cannot have the name '{tensor.Name}'.");
        return sorted;
    }

    private static void Write(Stream stream, List<TensorData> sorted, IReadOnlyDictionary<string, string>? metadata)
    {
        stream.Write(Header(sorted, metadata));
        foreach (var tensor in sorted)
        {
            var counted = new CountingStream(stream);
            tensor.Write(counted);
            if (counted.Written != tensor.Length)
                throw new InvalidOperationException(
                    $"'{tensor.Name}' wrote {counted.Written} bytes where its shape and format need {tensor.Length}.");
        }
    }

    private static byte[] Header(List<TensorData> sorted, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(stackalloc byte[8]);
        using (var json = new Utf8JsonWriter(buffer,
            new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(entry => entry.Key,
                    StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long position = 0;
            foreach (var tensor in sorted)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType.ToString());
                json.WriteStartArray("shape");
                foreach (int extent in tensor.Shape) json.WriteNumberValue(extent);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(position);
                json.WriteNumberValue(position += tensor.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.WrittenCount % 8 != 0) buffer.Write(" "u8);
        byte[] header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    /// <summary>Passes bytes on and counts them.</summary>
    private sealed class CountingStream(Stream inner) : Stream
    {
        public long Written { get; private set; }
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => Written;
        public override long Position { get => Written; set => throw new NotSupportedException(); }
        public override void Write(ReadOnlySpan<byte> bytes) { inner.Write(bytes); Written += bytes.Length; }
        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
