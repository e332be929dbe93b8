namespace MlffAd.Data;

/// <summary>An 8-bit RGB image.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Rgb"><c>[Height, Width, 3]</c>, rows from the top.</param>
public sealed record RgbImage(int Width, int Height, byte[] Rgb)
{
    /// <summary>The image at another size (antialiased triangle filter, spec §2.2).</summary>
    public RgbImage Resize(int width, int height)
    {
        var resized = new byte[3 * width * height];
        Kernels.AntialiasResize.Forward(Rgb, Height, Width, resized, height, width);
        return new(width, height, resized);
    }
}

/// <summary>An 8-bit grey image, such as a mask.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Values"><c>[Height, Width]</c>, rows from the top.</param>
public sealed record GreyImage(int Width, int Height, byte[] Values)
{
    /// <summary>The middle of the range of 8 bits.</summary>
    internal const byte Middle = 127;

    /// <summary>A mask's pixels above it are anomalous: 127, or 0 where none is above that, as in masks of 0 and 1 or
    /// of class numbers (spec §2.2).</summary>
    public byte Limit => Values.AsSpan().ContainsAnyInRange((byte)(Middle + 1), byte.MaxValue) ? Middle : (byte)0;

    /// <summary>Whether a mask marks nothing: all is 0.</summary>
    public bool IsEmpty => !Values.AsSpan().ContainsAnyExcept((byte)0);

    /// <summary>Which pixels of the image, brought to another size, are anomalous: the nearest source pixel is above
    /// <see cref="Limit"/> (spec §2.2).</summary>
    /// <returns><c>[height, width]</c>, 1 where anomalous, else 0.</returns>
    public byte[] ToMask(int width, int height)
    {
        var mask = new byte[width * height];
        byte limit = Limit;
        for (int y = 0; y < height; y++)
        {
            int row = Nearest(y, Height, height) * Width;
            for (int x = 0; x < width; x++) mask[y * width + x] = Values[row + Nearest(x, Width, width)] > limit
                ? (byte)1 : (byte)0;
        }
        return mask;
    }

    /// <summary>⌊(i + ½)·from/to⌋ in whole numbers.</summary>
    private static int Nearest(int i, int from, int to) => (int)((2L * i + 1) * from / (2L * to));
}
