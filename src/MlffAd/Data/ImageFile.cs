using System.Runtime.InteropServices;
using MlffAd.Files;
using MlffAd.Kernels;
using SkiaSharp;

namespace MlffAd.Data;

/// <summary>Reads and writes image files: the one class that touches the image libraries (SkiaSharp; LibTiff.NET for TIFF).</summary>
/// <remarks>
/// PNG, JPEG, BMP, WebP, GIF and TIFF, told apart by their first bytes, whatever the extension. Grey, RGB, palette and
/// CMYK become 8-bit RGB; of 16 bits the high byte counts; alpha is laid over white,
/// <c>⌊(c·a + 255·(255 − a))/255 + ½⌋</c>; orientation tags are applied; colour profiles are not. An image that is cut
/// short or fails a checksum is refused, not shown in part.
/// </remarks>
public static partial class ImageFile
{
    /// <summary>Most pixels an image may have unless the caller says otherwise: a decompression bomb's limit (PIL's).</summary>
    public const long MaxPixels = 178_956_970;

    /// <summary>Extensions that folders are searched for, lower case.</summary>
    public static IReadOnlyList<string> Extensions => ImageNames.Read;

    /// <summary>Width and height as the reader will see them (orientation applied), from the header alone.</summary>
    /// <exception cref="MlffAdException">The file is missing, no image, or larger than <paramref name="maxPixels"/> (exit code 3).</exception>
    public static (int Width, int Height) ReadHeader(string path, long maxPixels = MaxPixels)
    {
        if (IsTiff(path))
        {
            using var tiff = OpenTiff(path, maxPixels, out var layout);
            return layout.Orientation >= 5 ? (layout.Height, layout.Width) : (layout.Width, layout.Height);
        }
        using var codec = OpenSkia(path, maxPixels);
        return (int)codec.EncodedOrigin >= 5 ? (codec.Info.Height, codec.Info.Width) : (codec.Info.Width, codec.Info.Height);
    }

    /// <summary>Reads an image.</summary>
    /// <exception cref="MlffAdException">The file is missing, no image, broken, or larger than <paramref name="maxPixels"/> (exit code 3).</exception>
    public static RgbImage Read(string path, long maxPixels = MaxPixels)
    {
        if (IsTiff(path)) return ReadTiff(path, maxPixels);
        using var codec = OpenSkia(path, maxPixels);
        int width = codec.Info.Width, height = codec.Info.Height;
        // Not premultiplied: dark colours under low alpha would lose their bits before they reach the white.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var rgba = new byte[info.BytesSize64];
        var pin = GCHandle.Alloc(rgba, GCHandleType.Pinned);
        SKCodecResult result;
        try { result = codec.GetPixels(info, pin.AddrOfPinnedObject()); }
        finally { pin.Free(); }
        if (result != SKCodecResult.Success) throw Broken(path, Reason(result));
        return Oriented(width, height, (int)codec.EncodedOrigin, OverWhite(rgba));
    }

    /// <summary>Reads a mask: grey values (of a colour image, its luma), orientation applied.</summary>
    /// <exception cref="MlffAdException">As for <see cref="Read"/>.</exception>
    public static GreyImage ReadMask(string path, long maxPixels = MaxPixels)
    {
        var image = Read(path, maxPixels);
        var grey = new byte[image.Width * image.Height];
        for (int i = 0; i < grey.Length; i++) grey[i] = (byte)new Colour(image.Rgb[3 * i], image.Rgb[3 * i + 1], image.Rgb[3 * i + 2]).Luma;
        return new(image.Width, image.Height, grey);
    }

    /// <summary>An image as a PNG file's bytes.</summary>
    public static byte[] EncodePng(RgbImage image) => Encode(image, pixmap => pixmap.Encode(SKPngEncoderOptions.Default));

    /// <summary>An image as a JPEG file's bytes, colours not subsampled.</summary>
    /// <param name="image">The image.</param>
    /// <param name="quality">0…100.</param>
    public static byte[] EncodeJpeg(RgbImage image, int quality = 90) => Encode(image, pixmap =>
        pixmap.Encode(new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample444, SKJpegEncoderAlphaOption.Ignore)));

    /// <summary>Writes a PNG file, whole or not at all.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void WritePng(string path, RgbImage image)
    {
        byte[] bytes = EncodePng(image);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    private static SKCodec OpenSkia(string path, long maxPixels)
    {
        var codec = SKCodec.Create(path, out var result) ?? throw Broken(path, Reason(result));
        try { RefuseTooLarge(path, codec.Info.Width, codec.Info.Height, maxPixels); }
        catch
        {
            codec.Dispose();
            throw;
        }
        return codec;
    }

    private static unsafe byte[] Encode(RgbImage image, Func<SKPixmap, SKData?> encode)
    {
        var rgba = new byte[checked(4 * image.Width * image.Height)];
        for (int i = 0; i < image.Width * image.Height; i++)
        {
            image.Rgb.AsSpan(3 * i, 3).CopyTo(rgba.AsSpan(4 * i));
            rgba[4 * i + 3] = 255;
        }
        fixed (byte* p = rgba)
        {
            using var pixmap = new SKPixmap(new(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), (nint)p);
            using var data = encode(pixmap) ?? throw new InvalidOperationException($"An image of {image.Width}×{image.Height} could not be encoded.");
            return data.ToArray();
        }
    }

    private static byte[] OverWhite(byte[] rgba)
    {
        var rgb = new byte[rgba.Length / 4 * 3];
        for (int i = 0, o = 0; i < rgba.Length; i += 4, o += 3)
        {
            byte a = rgba[i + 3];
            for (int c = 0; c < 3; c++) rgb[o + c] = a == 255 ? rgba[i + c] : OverWhite(rgba[i + c], a);
        }
        return rgb;
    }

    private static byte OverWhite(int colour, int alpha) => (byte)((colour * alpha + 255 * (255 - alpha) + 127) / 255);

    /// <summary>Turns a stored image the way its orientation tag (1…8, EXIF's and TIFF's numbering) says it is to be seen.</summary>
    private static RgbImage Oriented(int width, int height, int orientation, byte[] rgb)
    {
        if (orientation is < 2 or > 8) return new(width, height, rgb);
        var (w, h) = orientation >= 5 ? (height, width) : (width, height);
        var turned = new byte[rgb.Length];
        for (int y = 0, o = 0; y < h; y++)
        {
            for (int x = 0; x < w; x++, o += 3)
            {
                var (sx, sy) = orientation switch
                {
                    2 => (w - 1 - x, y),
                    3 => (w - 1 - x, h - 1 - y),
                    4 => (x, h - 1 - y),
                    5 => (y, x),
                    6 => (y, w - 1 - x),
                    7 => (h - 1 - y, w - 1 - x),
                    _ => (h - 1 - y, x),
                };
                rgb.AsSpan(3 * (sy * width + sx), 3).CopyTo(turned.AsSpan(o));
            }
        }
        return new(w, h, turned);
    }

    private static bool IsTiff(string path)
    {
        if (InputFile.IsNothing(path)) throw Broken(path, "it is empty or no file");
        Span<byte> magic = stackalloc byte[4];
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) < 4) throw Broken(path, "it is nearly empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.BadData, $"The image '{path}' could not be opened: {e.Message}", e);
        }
        return magic is [(byte)'I', (byte)'I', 42 or 43, 0] or [(byte)'M', (byte)'M', 0, 42 or 43];
    }

    private static void RefuseTooLarge(string path, int width, int height, long maxPixels)
    {
        if (width <= 0 || height <= 0) throw Broken(path, $"its header says {width}×{height} pixels");
        if ((long)width * height > maxPixels)
            throw new MlffAdException(ExitCode.BadData, $"The image '{path}' has {width}×{height} pixels, more than the {maxPixels} allowed; raise --max-pixels if that is meant.");
        // Skia hands over four bytes a pixel in one array.
        if (4L * width * height > Array.MaxLength) throw Broken(path, $"{width}×{height} pixels are more than one array holds");
    }

    private static string Reason(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "the file ends before the image does",
        SKCodecResult.ErrorInInput => "its data are damaged",
        SKCodecResult.Unimplemented => "it is no image of a known kind (PNG, JPEG, BMP, WebP, TIFF)",
        _ => $"it cannot be decoded ({result})",
    };

    private static MlffAdException Broken(string path, string reason, Exception? inner = null) =>
        new(ExitCode.BadData, $"The image '{path}' is unusable: {reason}.", inner);
}
