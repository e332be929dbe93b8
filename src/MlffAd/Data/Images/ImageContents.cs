using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MlffAd.Data;

/// <summary>An image by what it shows, wherever it lies and whatever it is called.</summary>
internal static class ImageContents
{
    extension(RgbImage image)
    {
        /// <summary>The first 64 bits of its pixels' SHA-256.</summary>
        public ulong Contents => Of(SHA256.HashData(image.Rgb));
    }

    /// <summary>The first 64 bits of a hash.</summary>
    public static ulong Of(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadUInt64BigEndian(hash);

    /// <summary>The bytes of those bits, as the hash has them.</summary>
    public static byte[] ToBytes(ulong contents)
    {
        byte[] bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, contents);
        return bytes;
    }
}
