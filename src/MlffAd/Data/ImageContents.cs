using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MlffAd.Data;

/// <summary>An image by what it shows, wherever it lies and whatever it is called.</summary>
internal static class ImageContents
{
    extension(RgbImage image)
    {
        /// <summary>The first 64 bits of its pixels' SHA-256.</summary>
        public ulong Contents => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(image.Rgb));
    }
}
