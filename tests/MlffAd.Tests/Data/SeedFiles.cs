using System.Reflection;
using System.Text;
using BitMiracle.LibTiff.Classic;
using SkiaSharp;

namespace MlffAd.Tests.Data;

/// <summary>Small whole files of every kind that is read, made by code.</summary>
internal static class SeedFiles
{
    /// <summary>A block of EXIF that holds the orientation alone, its highest byte first.</summary>
    public static byte[] Exif(int orientation) =>
        [.. "MM"u8, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];

    /// <summary>The name that JPEG puts before it, and some writers of WebP.</summary>
    public static byte[] Named(byte[] exif) => [.. "Exif\0\0"u8, .. exif];

    /// <summary>A JPEG by the port of libjpeg that the TIFF library keeps to itself.</summary>
    public static byte[] Jpeg(RgbImage image, bool progressive, int restart = 0, int quality = 90)
    {
        var type = typeof(Tiff).Assembly.GetType("BitMiracle.LibJpeg.Classic.jpeg_compress_struct", true)!;
        object jpeg = Activator.CreateInstance(type, nonPublic: true)!;
        void Set(string name, object value) => type.GetProperty(name)!.SetValue(jpeg, value);
        void Call(string name, params object[] arguments) => type.InvokeMember(name,
            BindingFlags.InvokeMethod | BindingFlags.Public | BindingFlags.Instance, null, jpeg, arguments,
            CultureInfo.InvariantCulture);
        Set("Image_width", image.Width);
        Set("Image_height", image.Height);
        Set("Input_components", 3);
        Set("In_color_space", Enum.ToObject(type.GetProperty("In_color_space")!.PropertyType, 2));
        Call("jpeg_set_defaults");
        Call("jpeg_set_quality", quality, true);
        if (progressive) Call("jpeg_simple_progression");
        Set("Restart_interval", restart);
        Set("Optimize_coding", true);
        using var stream = new MemoryStream();
        Call("jpeg_stdio_dest", stream);
        Call("jpeg_start_compress", true);
        foreach (byte[] row in image.Rgb.Chunk(3 * image.Width)) Call("jpeg_write_scanlines", new[] { row }, 1);
        Call("jpeg_finish_compress");
        return stream.ToArray();
    }

    /// <summary>A JPEG with a segment behind its start.</summary>
    public static byte[] WithSegment(byte[] jpeg, byte marker, byte[] data) =>
        [0xFF, 0xD8, 0xFF, marker, (byte)((data.Length + 2) >> 8), (byte)(data.Length + 2), .. data, .. jpeg[2..]];

    /// <summary>A GIF of so many pictures, each in stripes of two of its 128 colours.</summary>
    /// <param name="side">Rows and columns, 10 at most: each pixel is a code of its own.</param>
    /// <param name="colours">Each picture's first colour.</param>
    public static byte[] Gif(int side, params byte[] colours)
    {
        // 7 bits a colour: codes of 8 bits, 128 clears the table, 129 ends.
        List<byte> gif = [.. "GIF89a"u8, (byte)side, 0, (byte)side, 0, 0x86, 0, 0];
        for (int i = 0; i < 128; i++) gif.AddRange([(byte)(60 * i), (byte)(40 * i), (byte)(200 - 30 * i)]);
        foreach (byte colour in colours)
        {
            gif.AddRange([0x21, 0xF9, 4, 0, 1, 0, 0, 0, 0x2C, 0, 0, 0, 0, (byte)side, 0, (byte)side, 0, 0, 7]);
            var pixels = Enumerable.Range(0, side * side).Select(i => i % 3 == 0 ? (byte)(colour + 1) : colour);
            gif.AddRange([(byte)(side * side + 2), 128, .. pixels, 129, 0]);
        }
        return [.. gif, 0x3B];
    }

    /// <summary>A WebP file by Skia.</summary>
    public static byte[] Webp(RgbImage image, bool lossless)
    {
        var (width, height, rgb) = image;
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int i = 0; i < width * height; i++)
            bitmap.SetPixel(i % width, i / width, new SKColor(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]));
        using var pixmap = bitmap.PeekPixels();
        var kind = lossless ? SKWebpEncoderCompression.Lossless : SKWebpEncoderCompression.Lossy;
        using var data = pixmap!.Encode(new SKWebpEncoderOptions(kind, 75));
        return data!.ToArray();
    }

    /// <summary>The same picture in WebP's extended form, with further chunks.</summary>
    public static byte[] ExtendedWebp(byte[] webp, int width, int height, params (string Name, byte[] Data)[] chunks) =>
        Riff([Header(width, height, (byte)(chunks.Any(c => c.Name == "EXIF") ? 8 : 0))], webp[12..], chunks);

    /// <summary>A WebP file of so many pictures one after another.</summary>
    public static byte[] AnimatedWebp(byte[] webp, int width, int height, int pictures)
    {
        byte[] frame = [.. new byte[6], .. Sides(width, height), 100, 0, 0, 0, .. webp[12..]];
        var frames = Enumerable.Repeat(("ANMF", frame), pictures);
        return Riff([Header(width, height, 2), ("ANIM", new byte[6]), .. frames], [], []);
    }

    /// <summary>An uncompressed BMP, from the bottom up.</summary>
    /// <param name="image">The image.</param>
    /// <param name="alpha">Where given, pixels have four bytes, the last this.</param>
    public static byte[] Bmp(RgbImage image, byte? alpha = null)
    {
        int bytes = alpha is null ? 3 : 4, stride = (bytes * image.Width + 3) / 4 * 4;
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("BM"u8);
        writer.Write(54 + stride * image.Height);
        foreach (int v in new[] { 0, 54, 40, image.Width, image.Height, 1 | 8 * bytes << 16, 0, 0, 2835, 2835, 0, 0 })
            writer.Write(v);
        foreach (byte[] row in image.Rgb.Chunk(3 * image.Width).Reverse())
        {
            byte[] turned = [.. row.Chunk(3).SelectMany(p => alpha is { } a ? [p[2], p[1], p[0], a] : p.Reverse())];
            writer.Write([.. turned, .. new byte[stride - turned.Length]]);
        }
        return stream.ToArray();
    }

    /// <summary>A BMP of a palette of 16 colours, run by run, or row by row where it is not packed.</summary>
    public static byte[] PaletteBmp(int width, int height, bool packed)
    {
        byte[] palette = [.. Enumerable.Range(0, 64).Select(v => (byte)(v % 4 == 3 ? 0 : v * (v % 4 + 1)))];
        byte[] row = packed ? [(byte)width, 7, 0, 0]
            : [.. Enumerable.Range(0, (width + 3) / 4 * 4).Select(x => (byte)(x % 16))];
        byte[] data = [.. Enumerable.Repeat(row, height).SelectMany(r => r), .. packed ? [0, 1] : Array.Empty<byte>()];
        int[] header =
        [
            118 + data.Length, 0, 118, 40, width, height, 1 | 8 << 16, packed ? 1 : 0, data.Length, 2835, 2835, 16, 0,
        ];
        return [.. "BM"u8, .. header.SelectMany(BitConverter.GetBytes), .. palette, .. data];
    }

    private static (string Name, byte[] Data) Header(int width, int height, byte flags) =>
        ("VP8X", [flags, 0, 0, 0, .. Sides(width, height)]);

    private static byte[] Sides(int width, int height) => [(byte)(width - 1), 0, 0, (byte)(height - 1), 0, 0];

    private static byte[] Riff((string Name, byte[] Data)[] first, byte[] picture, (string Name, byte[] Data)[] last)
    {
        static byte[] Chunk((string Name, byte[] Data) c) =>
        [
            .. Encoding.ASCII.GetBytes(c.Name), .. BitConverter.GetBytes(c.Data.Length), .. c.Data,
            .. new byte[c.Data.Length % 2],
        ];
        byte[] all = [.. "WEBP"u8, .. first.SelectMany(Chunk), .. picture, .. last.SelectMany(Chunk)];
        return [.. "RIFF"u8, .. BitConverter.GetBytes(all.Length), .. all];
    }
}
