using System.Buffers;
using System.Runtime.InteropServices;

namespace MlffAd.Weights;

/// <summary>A tensor to be written: what the header says of it, and how its bytes are made when
/// their turn comes.</summary>
/// <param name="Name">The tensor's name, unique in its file.</param>
/// <param name="DType">Number format in the file.</param>
/// <param name="Shape">Extents, slowest first.</param>
/// <param name="Write">Writes exactly the bytes that <paramref name="Shape"/> and <paramref name="DType"/> say.</param>
public sealed record TensorData(string Name, DType DType, int[] Shape, Action<Stream> Write)
{
    /// <summary>Bytes in the file.</summary>
    public long Length => Shape.Aggregate((long)DType.Size(), (bytes, extent) => checked(bytes * extent));

    /// <summary>Floats, written as F32 or F16 (rounded to nearest, ties to even).</summary>
    public static TensorData Floats(string name, int[] shape, ReadOnlyMemory<float> values, DType dtype = DType.F32) =>
        Floats(name, shape, () => values, dtype);

    /// <summary>Floats that are fetched only when they are written, so that a large model need not lie
    /// in memory twice.</summary>
    /// <exception cref="ArgumentException"><paramref name="dtype"/> is neither F32 nor F16.</exception>
    public static TensorData Floats(string name, int[] shape, Func<ReadOnlyMemory<float>> values, DType dtype =
        DType.F32) => dtype switch
        {
            DType.F32 => new(name, dtype, shape, stream => stream.Write(MemoryMarshal.AsBytes(values().Span))),
            DType.F16 => new(name, dtype, shape, stream => WriteHalves(stream, name, values().Span)),
            _ => throw new ArgumentException($"'{name}': floats are written as F32 or F16, not {dtype}."),
        };

    /// <summary>Integers, written as I32.</summary>
    public static TensorData Ints(string name, int[] shape, ReadOnlyMemory<int> values) =>
        new(name, DType.I32, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    private static void WriteHalves(Stream stream, string name, ReadOnlySpan<float> values)
    {
        Half[] chunk = ArrayPool<Half>.Shared.Rent(1 << 15);
        try
        {
            for (int done = 0; done < values.Length; done += chunk.Length)
            {
                var part = values[done..Math.Min(done + chunk.Length, values.Length)];
                for (int i = 0; i < part.Length; i++)
                {
                    chunk[i] = (Half)part[i];
                    if (Half.IsInfinity(chunk[i]) && float.IsFinite(part[i]))
                        throw new MlffAdException(ExitCode.BadModel,
                            $"Tensor '{name}' holds {part[i]}, beyond float16's 65504; write it as float32.");
                }
                stream.Write(MemoryMarshal.AsBytes(chunk.AsSpan(0, part.Length)));
            }
        }
        finally { ArrayPool<Half>.Shared.Return(chunk); }
    }
}
