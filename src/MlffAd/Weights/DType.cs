using System.Numerics;
using System.Runtime.InteropServices;

namespace MlffAd.Weights;

/// <summary>Number formats of tensor files, by the names that safetensors gives them. All are little-endian.</summary>
public enum DType
{
    /// <summary>One byte, 0 or 1.</summary>
    BOOL,

    /// <summary>Unsigned, 8 bits.</summary>
    U8,

    /// <summary>Signed, 8 bits.</summary>
    I8,

    /// <summary>Unsigned, 16 bits.</summary>
    U16,

    /// <summary>Signed, 16 bits.</summary>
    I16,

    /// <summary>Unsigned, 32 bits.</summary>
    U32,

    /// <summary>Signed, 32 bits.</summary>
    I32,

    /// <summary>Unsigned, 64 bits.</summary>
    U64,

    /// <summary>Signed, 64 bits.</summary>
    I64,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>The upper half of a float32.</summary>
    BF16,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>8 bits, 5 of exponent: known so that a file that holds one opens, never converted.</summary>
    F8_E5M2,

    /// <summary>8 bits, 4 of exponent: known so that a file that holds one opens, never converted.</summary>
    F8_E4M3,
}

/// <summary>Sizes and conversions of <see cref="DType"/>.</summary>
public static class DTypes
{
    /// <summary>Bytes of one number.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.U16 or DType.I16 or DType.F16 or DType.BF16 => 2,
        DType.U32 or DType.I32 or DType.F32 => 4,
        DType.U64 or DType.I64 or DType.F64 => 8,
        _ => 1,
    };

    /// <summary>Decodes <paramref name="bytes"/> into as many floats as <paramref name="to"/> holds.</summary>
    /// <exception cref="NotSupportedException">The format has no conversion (8-bit floats).</exception>
    public static void ToFloats(this DType type, ReadOnlySpan<byte> bytes, Span<float> to)
    {
        switch (type)
        {
            case DType.F32: bytes.CopyTo(MemoryMarshal.AsBytes(to)); break;
            case DType.F16: Floats<Half>(bytes, to); break;
            case DType.F64: Floats<double>(bytes, to); break;
            case DType.BOOL or DType.U8: Floats<byte>(bytes, to); break;
            case DType.I8: Floats<sbyte>(bytes, to); break;
            case DType.U16: Floats<ushort>(bytes, to); break;
            case DType.I16: Floats<short>(bytes, to); break;
            case DType.U32: Floats<uint>(bytes, to); break;
            case DType.I32: Floats<int>(bytes, to); break;
            case DType.U64: Floats<ulong>(bytes, to); break;
            case DType.I64: Floats<long>(bytes, to); break;
            case DType.BF16:
                var upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < to.Length; i++) to[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                break;
            default: throw new NotSupportedException($"{type} cannot be read as numbers");
        }
    }

    /// <summary>Decodes <paramref name="bytes"/> into as many integers as <paramref name="to"/> holds.</summary>
    /// <exception cref="OverflowException">A value is outside the range of an <see cref="int"/>.</exception>
    /// <exception cref="NotSupportedException">The format is not one of integers.</exception>
    public static void ToInts(this DType type, ReadOnlySpan<byte> bytes, Span<int> to)
    {
        switch (type)
        {
            case DType.BOOL or DType.U8: Ints<byte>(bytes, to); break;
            case DType.I8: Ints<sbyte>(bytes, to); break;
            case DType.U16: Ints<ushort>(bytes, to); break;
            case DType.I16: Ints<short>(bytes, to); break;
            case DType.U32: Ints<uint>(bytes, to); break;
            case DType.I32: Ints<int>(bytes, to); break;
            case DType.U64: Ints<ulong>(bytes, to); break;
            case DType.I64: Ints<long>(bytes, to); break;
            default: throw new NotSupportedException($"{type} cannot be read as integers");
        }
    }

    private static void Floats<T>(ReadOnlySpan<byte> bytes, Span<float> to) where T : unmanaged, INumberBase<T>
    {
        var from = MemoryMarshal.Cast<byte, T>(bytes);
        for (int i = 0; i < to.Length; i++) to[i] = float.CreateTruncating(from[i]);
    }

    private static void Ints<T>(ReadOnlySpan<byte> bytes, Span<int> to) where T : unmanaged, INumberBase<T>
    {
        var from = MemoryMarshal.Cast<byte, T>(bytes);
        for (int i = 0; i < to.Length; i++) to[i] = int.CreateChecked(from[i]);
    }
}
