using System.Runtime.InteropServices;
using SkiaSharp;

namespace MlffAd.Data;

/// <summary>Reads and writes image files: the one class that touches the image libraries (SkiaSharp;
/// LibTiff.NET for TIFF).</summary>
/// <remarks>
/// PNG, JPEG, BMP, WebP, GIF and TIFF, told apart by their first bytes, whatever the extension. Grey, RGB, palette and
/// CMYK become 8-bit RGB; of 16 bits the high byte counts; alpha is laid over white,
/// <c>⌊(c·a + 255·(255 − a))/255 + ½⌋</c>, unless it is 0 everywhere; orientation tags are applied; colour profiles are
/// not. An image that is cut short or fails a checksum is refused, not shown in part, and so is a file of several
/// pictures (smaller copies, masks and what lies behind a JPEG's end are none).
/// </remarks>
public static partial class ImageFile
{
    /// <summary>Most pixels an image may have unless the caller says otherwise: a decompression bomb's
    /// limit (PIL's).</summary>
    public const long MaxPixels = 178_956_970;

    /// <summary>Extensions that folders are searched for, lower case.</summary>
    public static IReadOnlyList<string> Extensions => ImageNames.Read;

    /// <summary>Width and height as the reader will see them (orientation applied), nothing decoded.</summary>
    /// <exception cref="MlffAdException">As for <see cref="Read"/>, as far as a header tells (exit code 3).</exception>
    public static (int Width, int Height) ReadHeader(string path, long maxPixels = MaxPixels)
    {
        var (width, height, orientation) = Header(path, maxPixels);
        return orientation is >= 5 and <= 8 ? (height, width) : (width, height);
    }

    /// <summary>Whether an orientation tag turns or mirrors the picture and leaves its size.</summary>
    /// <exception cref="MlffAdException">As for <see cref="ReadHeader"/>.</exception>
    internal static bool IsTurnedInPlace(string path, long maxPixels = MaxPixels)
    {
        var (width, height, orientation) = Header(path, maxPixels);
        return orientation is >= 2 and <= 4 || (orientation is >= 5 and <= 8 && width == height);
    }

    private static (int Width, int Height, int Orientation) Header(string path, long maxPixels) =>
        Opened(path, stream =>
    {
        if (IsTiff(stream))
        {
            using var tiff = OpenTiff(path, stream, maxPixels, out var layout);
            return (layout.Width, layout.Height, layout.Orientation);
        }
        using var file = new SkiaFile(path, stream, maxPixels);
        return (file.Codec.Info.Width, file.Codec.Info.Height, file.Orientation);
    });

    /// <summary>Bits of a sample as the file has them: 16 for PNG and TIFF of 16 bits, 8 for other kinds.</summary>
    /// <exception cref="MlffAdException">The file is missing or no image (exit code 3).</exception>
    public static int ReadBits(string path) => Opened(path, stream =>
    {
        if (IsTiff(stream)) return (int)Math.Min(64, PictureOf(stream)?.Bits ?? 8);
        Span<byte> start = stackalloc byte[25];
        start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        return start.Length == 25 && start.StartsWith(PngSamples.Signature) ? start[24] : 8;
    });

    /// <summary>Reads an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    /// <param name="bitDepth">How many of the 16 bits of a 16-bit file's samples are used, 8…16: of a camera's 12 bits
    /// the upper 8 are seen where it is 12. Larger values are white. It does not touch files of 8 bits.</param>
    /// <exception cref="MlffAdException">The file is missing, no image, broken, holds several pictures, is larger than
    /// <paramref name="maxPixels"/> or does not fit into memory (exit code 3).</exception>
    public static RgbImage Read(string path, long maxPixels = MaxPixels, int bitDepth = 16)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bitDepth, 8);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bitDepth, 16);
        return Opened(path, stream => IsTiff(stream)
            ? ReadTiff(path, stream, maxPixels, bitDepth) : ReadSkia(path, stream, maxPixels, bitDepth));
    }

    /// <summary>Reads a mask: grey values (of a colour image, its luma), orientation applied.</summary>
    /// <exception cref="MlffAdException">As for <see cref="Read"/>.</exception>
    public static GreyImage ReadMask(string path, long maxPixels = MaxPixels, int bitDepth = 16)
    {
        var image = Read(path, maxPixels, bitDepth);
        var grey = new byte[image.Width * image.Height];
        for (int i = 0; i < grey.Length; i++)
            grey[i] = (byte)new Colour(image.Rgb[3 * i], image.Rgb[3 * i + 1], image.Rgb[3 * i + 2]).Luma;
        return new(image.Width, image.Height, grey);
    }

    /// <summary>An image as a PNG file's bytes.</summary>
    public static byte[] EncodePng(RgbImage image) =>
        Encode(image, pixmap => pixmap.Encode(SKPngEncoderOptions.Default));

    /// <summary>An image as a JPEG file's bytes, colours not subsampled.</summary>
    /// <param name="image">The image.</param>
    /// <param name="quality">0…100.</param>
    public static byte[] EncodeJpeg(RgbImage image, int quality = 90) =>
        Encode(image,
            pixmap =>
            pixmap.Encode(new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample444,
                SKJpegEncoderAlphaOption.Ignore)));

    /// <summary>Writes a PNG file, whole or not at all.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void WritePng(string path, RgbImage image)
    {
        byte[] bytes = EncodePng(image);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>What reading an image takes in memory, about, as its header says; 0 for what is no image.</summary>
    internal static long Footprint(string path, long maxPixels)
    {
        try
        {
            return Opened(path, stream =>
            {
                long width, height;
                if (IsTiff(stream))
                {
                    var picture = PictureOf(stream);
                    (width, height) = (picture?.Width ?? 0, picture?.Height ?? 0);
                }
                else
                {
                    using var codec = SKCodec.Create(path);
                    (width, height) = (codec?.Info.Width ?? 0, codec?.Info.Height ?? 0);
                }
                // The file, four bytes a pixel decoded, and RGB before and after it is turned.
                return stream.Length + (height > 0 && width <= maxPixels / height ? 10 * width * height : 0);
            });
        }
        catch (MlffAdException) { return 0; }
    }

    /// <summary>Opens a file, and names it in whatever goes wrong with it.</summary>
    private static T Opened<T>(string path, Func<FileStream, T> read)
    {
        if (path.Length == 0 || path.Contains('\0')) throw Broken(path, "that is no name of a file");
        if (InputFile.IsNothing(path)) throw Broken(path, "it is empty or no file");
        try
        {
            using var stream = File.OpenRead(path);
            return read(stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new MlffAdException(ExitCode.BadData, $"The image '{path}' could not be read: {e.Message}", e);
        }
        catch (OutOfMemoryException e) { throw TooLargeForMemory(path, e); }
    }

    /// <summary>What is said of an image for which there was no memory.</summary>
    internal static MlffAdException TooLargeForMemory(string path, OutOfMemoryException e) =>
        Broken(path, "there is not enough memory to decode it; make it smaller, or use fewer --threads", e);

    private static TiffDirectory? PictureOf(FileStream tiff) => TiffDirectory.In(tiff).FirstOrDefault(d => d.IsPicture);

    private static bool IsTiff(FileStream stream)
    {
        Span<byte> magic = stackalloc byte[4];
        int length = stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false);
        stream.Position = 0;
        return TiffDirectory.Begins(magic[..length]);
    }

    private static void RefuseTooLarge(string path, long width, long height, long maxPixels)
    {
        if (width <= 0 || height <= 0) throw Broken(path, $"its header says {width}×{height} pixels");
        if (width > maxPixels / height)
            throw new MlffAdException(ExitCode.BadData,
                $"The image '{path}' has {width}×{height} pixels, more than the {maxPixels} allowed; raise "
                    + $"--max-pixels if that is meant.");
        // Skia hands over four bytes a pixel in one array.
        if (4 * width * height > Array.MaxLength)
            throw Broken(path, $"{width}×{height} pixels are more than one array holds");
    }

    private static string Reason(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => FileWalk.Cut,
        SKCodecResult.ErrorInInput => FileWalk.Damaged,
        SKCodecResult.Unimplemented => FileWalk.Unknown,
        _ => $"it cannot be decoded ({result})",
    };

    private static MlffAdException Broken(string path, string reason, Exception? inner = null) =>
        new(ExitCode.BadData, $"The image '{path}' is unusable: {reason}.", inner);
}
