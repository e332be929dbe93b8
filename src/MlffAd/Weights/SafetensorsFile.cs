using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace MlffAd.Weights;

/// <summary>A safetensors file: 8 bytes of header length, a JSON header, the tensors' bytes. Checked whole before any
/// tensor is read.</summary>
/// <remarks>Tensors are read from the file when asked for; none is kept. Every fault of a file is a
/// <see cref="MlffAdException"/> with <see cref="ExitCode.BadModel"/> that names the file and the reason. Reads may run
/// on several threads.</remarks>
public sealed class SafetensorsFile : ITensorSource
{
    private const int ChunkBytes = 1 << 16;

    private readonly SafeFileHandle? handle;
    private readonly ReadOnlyMemory<byte> memory;
    private readonly long length, dataStart;
    private readonly OrderedDictionary<string, TensorInfo> tensors;
    private readonly Dictionary<string, string> metadata;

    private SafetensorsFile(string source, SafeFileHandle? handle, ReadOnlyMemory<byte> memory)
    {
        (Source, this.handle, this.memory) = (source, handle, memory);
        length = handle is null ? memory.Length : RandomAccess.GetLength(handle);
        if (length < 8) throw Bad($"it has {length} bytes, fewer than the 8 of a header length");
        Span<byte> prefix = stackalloc byte[8];
        ReadAt(0, prefix);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > SafetensorsHeader.LongestHeader || (long)headerLength > length - 8)
            throw Bad($"it is no safetensors file, or was cut short (its header would have {headerLength} bytes)");
        dataStart = 8 + (long)headerLength;
        byte[] header = new byte[headerLength];
        ReadAt(8, header);
        try { (tensors, metadata) = SafetensorsHeader.Parse(header, length - dataStart); }
        catch (FormatException e) { throw Bad(e.Message, e); }
    }

    /// <summary>The file's path, or the name given to <see cref="Parse"/>.</summary>
    public string Source { get; }

    /// <summary>The strings under <c>__metadata__</c>; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>The tensors by name, in the order of their bytes.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>Opens and checks the file at <paramref name="path"/>; dispose to close it.</summary>
    /// <exception cref="MlffAdException">The file cannot be opened or breaks a rule of the format.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            InputFile.Require(path);
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            return new SafetensorsFile(path, handle, default);
        }
        catch (Exception e)
        {
            handle?.Dispose();
            if (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
                throw new MlffAdException(ExitCode.BadModel,
                    $"'{path}' cannot be read ({e.Message.TrimEnd('.')}); give the path of a safetensors file.", e);
            throw;
        }
    }

    /// <summary>Checks a file that is in memory; <paramref name="source"/> names it in messages.</summary>
    /// <exception cref="MlffAdException">A rule of the format is broken.</exception>
    public static SafetensorsFile Parse(ReadOnlyMemory<byte> bytes, string source) => new(source, null, bytes);

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="MlffAdException">There is none.</exception>
    public TensorInfo this[string name] =>
        tensors.TryGetValue(name, out var tensor) ? tensor : throw Bad($"it has no tensor '{name}'");

    /// <summary>A tensor's numbers as floats, from any format but 8-bit floats.</summary>
    /// <exception cref="MlffAdException">There is no such tensor, its format has no conversion, or the file cannot be
    /// read any more.</exception>
    public float[] ReadFloats(string name)
    {
        float[] values = Allocate<float>(this[name]);
        ReadFloats(name, values);
        return values;
    }

    /// <summary>A tensor's numbers as floats, into <paramref name="destination"/> of the same count.</summary>
    /// <inheritdoc cref="ReadFloats(string)" path="/exception"/>
    public void ReadFloats(string name, Span<float> destination)
    {
        var tensor = this[name];
        if (destination.Length != tensor.Count)
            throw new ArgumentException($"'{name}' has {tensor.Count} numbers, the destination {destination.Length}.");
        ReadFloats(tensor, 0, destination);
    }

    /// <summary>A tensor's numbers as floats, if it has the shape that is due and every number is finite.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="shape">The extents it must have.</param>
    /// <exception cref="MlffAdException">The tensor is missing, has another shape, or holds a number that
    /// is not finite.</exception>
    public float[] ReadFloats(string name, ReadOnlySpan<int> shape)
    {
        float[] values = Allocate<float>(this[name]);
        ReadFloats(name, shape, 0, values);
        return values;
    }

    /// <summary>A part of such a tensor: its numbers from <paramref name="first"/> on, as many as
    /// <paramref name="destination"/> holds.</summary>
    /// <inheritdoc cref="ReadFloats(string, ReadOnlySpan{int})"/>
    public void ReadFloats(string name, ReadOnlySpan<int> shape, int first, Span<float> destination)
    {
        RequireShape(name, shape);
        ReadFloats(this[name], first, destination);
        if (!AreFinite(destination)) throw Bad($"its '{name}' holds a number that is not finite");
    }

    /// <summary>Refuses a file without this tensor of this shape.</summary>
    /// <exception cref="MlffAdException">The tensor is missing, or has another shape.</exception>
    public void RequireShape(string name, ReadOnlySpan<int> shape)
    {
        var tensor = this[name];
        if (!shape.SequenceEqual(tensor.Shape))
            throw Bad($"its '{name}' is {tensor.ShapeText} where [{string.Join(',', shape.ToArray())}] belongs");
    }

    /// <summary>Refuses a file whose tensors are not exactly these.</summary>
    /// <exception cref="MlffAdException">One is missing or one too many; the message names it.</exception>
    public void RequireExactly(IEnumerable<string> names)
    {
        var due = names.ToHashSet(StringComparer.Ordinal);
        if (due.FirstOrDefault(name => !tensors.ContainsKey(name)) is { } missing)
            throw Bad($"it has no tensor '{missing}'");
        if (tensors.Keys.FirstOrDefault(name => !due.Contains(name)) is { } unknown)
            throw Bad($"it has a tensor '{unknown}' that its network has no place for");
    }

    /// <summary>A tensor's numbers as integers, from any format of integers.</summary>
    /// <exception cref="MlffAdException">There is no such tensor, it holds no integers or one too large, or the file
    /// cannot be read any more.</exception>
    public int[] ReadInts(string name)
    {
        var tensor = this[name];
        int[] values = Allocate<int>(tensor);
        Convert(tensor, 0, values.AsSpan(), DTypes.ToInts);
        return values;
    }

    /// <summary>A tensor's bytes as they are in the file.</summary>
    /// <exception cref="MlffAdException">There is no such tensor, or the file cannot be read any more.</exception>
    public byte[] ReadBytes(string name)
    {
        var tensor = this[name];
        byte[] bytes = Allocate<byte>(tensor with { DType = DType.U8 });
        ReadAt(dataStart + tensor.Begin, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] chunk = new byte[ChunkBytes];
        for (long done = 0; done < length; done += chunk.Length)
        {
            var part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, length - done));
            ReadAt(done, part);
            hash.AppendData(part);
        }
        return System.Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => handle?.Dispose();

    private delegate void Decoder<T>(DType type, ReadOnlySpan<byte> bytes, Span<T> to);

    private void ReadFloats(TensorInfo tensor, int first, Span<float> destination)
    {
        if (tensor.DType == DType.F32)
            ReadAt(dataStart + tensor.Begin + (long)first * sizeof(float), MemoryMarshal.AsBytes(destination));
        else Convert(tensor, first, destination, DTypes.ToFloats);
    }

    /// <summary>0·x is 0 for finite numbers, and not a number for all others.</summary>
    private static bool AreFinite(ReadOnlySpan<float> values)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var zeros = Vector<float>.Zero;
        foreach (var vector in vectors) zeros += vector * 0;
        float zero = Vector.Sum(zeros);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..]) zero += value * 0;
        return zero == 0;
    }

    private void Convert<T>(TensorInfo tensor, int first, Span<T> destination, Decoder<T> decode)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        int size = tensor.DType.Size(), perChunk = ChunkBytes / size;
        try
        {
            for (int done = 0; done < destination.Length; done += perChunk)
            {
                var part = destination[done..Math.Min(done + perChunk, destination.Length)];
                var bytes = chunk.AsSpan(0, part.Length * size);
                ReadAt(dataStart + tensor.Begin + ((long)first + done) * size, bytes);
                decode(tensor.DType, bytes, part);
            }
        }
        catch (Exception e) when (e is NotSupportedException
            or OverflowException)
        { throw Bad($"'{tensor.Name}': {e.Message.TrimEnd('.')}", e); }
        finally { ArrayPool<byte>.Shared.Return(chunk); }
    }

    private T[] Allocate<T>(TensorInfo tensor) =>
        tensor.Count <= Array.MaxLength
            ? new T[tensor.Count]
            : throw Bad($"'{tensor.Name}' has {tensor.Count} numbers, more than an array holds");

    private void ReadAt(long offset, Span<byte> to)
    {
        if (handle is null)
        {
            memory.Span.Slice((int)offset, to.Length).CopyTo(to);
            return;
        }
        for (int done = 0; done < to.Length;)
        {
            int read;
            try { read = RandomAccess.Read(handle, to[done..], offset + done); }
            catch (IOException e) { throw Bad($"it cannot be read ({e.Message.TrimEnd('.')})", e); }
            if (read == 0) throw Bad("it became shorter while it was read");
            done += read;
        }
    }

    private MlffAdException Bad(string reason, Exception? inner = null) =>
        new(ExitCode.BadModel, $"'{Source}' cannot be used: {reason}.", inner);
}
