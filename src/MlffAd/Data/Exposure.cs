using System.Numerics;

namespace MlffAd.Data;

/// <summary>Whether there is anything to see in an image.</summary>
public static class Exposure
{
    /// <summary>White of a camera's 14 bits where 16 are expected: what is no brighter may be such a picture.</summary>
    private const byte Dark = 63;

    /// <summary>What is strange about an image that was read: one colour all over, or a 16-bit file of whose bits few
    /// are used.</summary>
    /// <param name="path">The file.</param>
    /// <param name="image">What was read of it.</param>
    /// <returns>What follows upon the image's name in a sentence, with what to do; null: nothing is strange.</returns>
    /// <exception cref="MlffAdException">The image is dark, and its file is gone (exit code 3).</exception>
    public static string? Doubt(string path, RgbImage image)
    {
        if (image.Rgb.AsSpan().ContainsAnyInRange((byte)(Dark + 1), (byte)255))
            return IsPlain(image) ? "has one colour all over" : null;
        byte largest = image.Rgb.Max();
        if (ImageFile.ReadBits(path) == 16)
        {
            // Cameras have 8, 10, 12 or 14 bits.
            int bits = 8 + (BitOperations.Log2((uint)largest) + (largest > 0 ? 2 : 0)) / 2 * 2;
            return $"uses {bits} of its file's 16 bits at most, and is seen nearly black; " +
                $"give --bit-depth {bits} if that is the camera's";
        }
        return !IsPlain(image) ? null : largest == 0 ? "is black all over" : "has one colour all over";
    }

    /// <summary>Whether every pixel is as the one before it.</summary>
    internal static bool IsPlain(RgbImage image) => image.Rgb.AsSpan(3).SequenceEqual(image.Rgb.AsSpan()[..^3]);
}
