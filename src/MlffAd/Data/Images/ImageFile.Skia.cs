using System.Runtime.InteropServices;
using SkiaSharp;

namespace MlffAd.Data;

public static partial class ImageFile
{
    private static RgbImage ReadSkia(string path, FileStream stream, long maxPixels, int bitDepth)
    {
        using var file = new SkiaFile(path, stream, maxPixels);
        int width = file.Codec.Info.Width, height = file.Codec.Info.Height;
        // Not premultiplied: dark colours under low alpha would lose their bits before they reach the white.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var rgba = new byte[info.BytesSize64];
        var pin = GCHandle.Alloc(rgba, GCHandleType.Pinned);
        SKCodecResult result;
        try { result = file.Codec.GetPixels(info, pin.AddrOfPinnedObject()); }
        finally { pin.Free(); }
        if (result != SKCodecResult.Success) throw Broken(path, Reason(result));
        // The library keeps the high bytes alone. That the file is whole, it has told by now.
        if (bitDepth < 16 && PngSamples.Of16Bits(file.Bytes) is { } png && !png.TryRead(rgba, bitDepth))
            throw Broken(path, "--bit-depth is not for interlaced PNG; save it without interlacing");
        return Oriented(width, height, file.Orientation, OverWhite(rgba));
    }

    /// <summary>A file of any kind but TIFF in memory, found whole, and the library's decoder of it.</summary>
    private sealed class SkiaFile : IDisposable
    {
        private readonly GCHandle _pin;

        public SkiaFile(string path, FileStream stream, long maxPixels)
        {
            if (stream.Length > Array.MaxLength) throw Broken(path, "its bytes are more than one array holds");
            Bytes = new byte[stream.Length];
            stream.ReadExactly(Bytes);
            var walk = FileWalk.Through(Bytes);
            if (walk.Fault is { } fault) throw Broken(path, fault);
            Orientation = walk.Orientation;
            _pin = GCHandle.Alloc(Bytes, GCHandleType.Pinned);
            try
            {
                using var data = SKData.Create(_pin.AddrOfPinnedObject(), Bytes.Length);
                Codec = SKCodec.Create(new SKMemoryStream(data), out var result) ?? throw Broken(path, Reason(result));
                RefuseTooLarge(path, Codec.Info.Width, Codec.Info.Height, maxPixels);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public byte[] Bytes { get; }

        public SKCodec Codec { get; } = null!;

        public int Orientation { get; }

        public void Dispose()
        {
            Codec?.Dispose();
            _pin.Free();
        }
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
            using var pixmap = new SKPixmap(new(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque),
                (nint)p);
            using var data = encode(pixmap)
                ?? throw new InvalidOperationException(
                    $"An image of {image.Width}×{image.Height} could not be encoded.");
            return data.ToArray();
        }
    }

    private static byte[] OverWhite(byte[] rgba)
    {
        var rgb = new byte[rgba.Length / 4 * 3];
        bool opaque = AlphaIsEmpty(rgba, 4);
        for (int i = 0, o = 0; i < rgba.Length; i += 4, o += 3)
        {
            byte a = rgba[i + 3];
            for (int c = 0; c < 3; c++) rgb[o + c] = a == 255 || opaque ? rgba[i + c] : OverWhite(rgba[i + c], a);
        }
        return rgb;
    }

    /// <summary>Whether the last sample of every pixel is 0: an alpha channel that was never written, since the picture
    /// would be invisible.</summary>
    private static bool AlphaIsEmpty(byte[] samples, int perPixel)
    {
        for (int i = perPixel - 1; i < samples.Length; i += perPixel)
            if (samples[i] != 0) return false;
        return true;
    }

    private static byte OverWhite(int colour, int alpha) => (byte)((colour * alpha + 255 * (255 - alpha) + 127) / 255);

    /// <summary>Turns a stored image the way its orientation tag (1…8, EXIF's and TIFF's numbering) says it
    /// is to be seen.</summary>
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
}
