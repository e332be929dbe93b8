using System.Text;

namespace MlffAd.Tests.Data;

public sealed class ImageFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, "top", "left")]
    [InlineData(2, "top", "right")]
    [InlineData(3, "bottom", "right")]
    [InlineData(4, "bottom", "left")]
    [InlineData(5, "left", "top")]
    [InlineData(6, "right", "top")]
    [InlineData(7, "right", "bottom")]
    [InlineData(8, "left", "bottom")]
    public void ExifOrientationPutsTheFirstRowAndColumnWhereTheStandardSays(int orientation, string firstRow,
        string firstColumn)
    {
        // Stored: red at the start of the first row, green at its end, blue at the start of the last row.
        var stored = new RgbImage(32, 16, new byte[3 * 32 * 16]);
        Fill(stored, 0, 0, 0);
        Fill(stored, 16, 0, 1);
        Fill(stored, 0, 8, 2);
        byte[] exif = SeedFiles.Named(SeedFiles.Exif(orientation));
        string path = Save("turned.jpg", SeedFiles.WithSegment(ImageFile.EncodeJpeg(stored, 100), 0xE1, exif));

        var seen = ImageFile.Read(path);

        bool sideways = orientation >= 5;
        Assert.Equal(sideways ? (16, 32) : (32, 16), (seen.Width, seen.Height));
        Assert.Equal((seen.Width, seen.Height), ImageFile.ReadHeader(path));
        string lastRow = Opposite(firstRow), lastColumn = Opposite(firstColumn);
        Assert.Equal(0, Strongest(seen, firstRow, firstColumn));
        Assert.Equal(1, Strongest(seen, firstRow, lastColumn));
        Assert.Equal(2, Strongest(seen, lastRow, firstColumn));
        Assert.Equal(-1, Strongest(seen, lastRow, lastColumn));
    }

    [Fact]
    public void SixteenBitsCountByTheirHighByte()
    {
        // Just below the next high byte: scaling or rounding would give 1, 128, 255.
        byte[] grey = [0x00, 0xFF, 0x7F, 0xFF, 0xFE, 0xFF];
        Assert.Equal([0, 0, 0, 0x7F, 0x7F, 0x7F, 0xFE, 0xFE, 0xFE],
            ImageFile.Read(Save("grey.png", PngBytes.Make(3, 1, 16, 0, grey))).Rgb);
        byte[] rgb = [0x01, 0xFF, 0x02, 0xFF, 0x03, 0xFF];
        Assert.Equal([1, 2, 3], ImageFile.Read(Save("rgb.png", PngBytes.Make(1, 1, 16, 2, rgb))).Rgb);
        byte[] rgba = [0x01, 0xFF, 0x02, 0xFF, 0x03, 0xFF, 0xFF, 0xFF];
        Assert.Equal([1, 2, 3], ImageFile.Read(Save("rgba.png", PngBytes.Make(1, 1, 16, 6, rgba))).Rgb);
    }

    [Theory]
    [InlineData(1, new byte[] { 0b0110_0000 }, new byte[] { 0, 255, 255, 0 })]
    [InlineData(2, new byte[] { 0b0001_1011 }, new byte[] { 0, 85, 170, 255 })]
    [InlineData(4, new byte[] { 0x0F, 0x73 }, new byte[] { 0, 255, 119, 51 })]
    [InlineData(8, new byte[] { 9, 8, 7, 6 }, new byte[] { 9, 8, 7, 6 })]
    public void GreyOfFewBitsFillsTheRange(int depth, byte[] row, byte[] expected)
    {
        var image = ImageFile.Read(Save("grey.png", PngBytes.Make(4, 1, depth, 0, row)));
        Assert.Equal(expected.SelectMany(v => new[] { v, v, v }), image.Rgb);
    }

    [Fact]
    public void PaletteEntriesAreLookedUpAndTheirAlphaLiesOverWhite()
    {
        byte[] palette = [10, 20, 30, 200, 100, 0];
        var image = ImageFile.Read(Save("palette.png", PngBytes.Make(2, 1, 8, 3, [0, 1], palette, [255, 51])));
        Assert.Equal([10, 20, 30, 244, 224, 204], image.Rgb);   // 255 − (255 − c)/5
    }

    [Fact]
    public void AlphaLiesOverWhiteWithoutLosingTheColoursBits()
    {
        // Premultiplied, alpha 1 would leave one bit of a colour.
        var pixels = new List<byte>();
        var expected = new List<byte>();
        foreach (int alpha in new[] { 0, 1, 2, 77, 128, 254, 255 })
        {
            foreach (int c in new[] { 0, 1, 100, 254, 255 })
            {
                pixels.AddRange([(byte)c, (byte)c, (byte)(255 - c), (byte)alpha]);
                foreach (int v in new[] { c, c, 255 - c })
                    expected.Add((byte)Math.Floor((v * alpha + 255.0 * (255 - alpha)) / 255 + 0.5));
            }
        }
        Assert.Equal(expected, ImageFile.Read(Save("alpha.png", PngBytes.Make(35, 1, 8, 6, [.. pixels]))).Rgb);
    }

    [Fact]
    public void BmpAndLosslessWebpRoundTripAndJpegComesClose()
    {
        var image = Noise(37, 21);
        Assert.Equal(image.Rgb, ImageFile.Read(Save("a.png", ImageFile.EncodePng(image))).Rgb);
        Assert.Equal(image.Rgb, ImageFile.Read(Save("a.bmp", SeedFiles.Bmp(image))).Rgb);
        Assert.Equal(image.Rgb, ImageFile.Read(Save("a.webp", SeedFiles.Webp(image, lossless: true))).Rgb);
        var smooth = new RgbImage(64, 64,
            [.. Enumerable.Range(0, 64 * 64)
                .SelectMany(i => new[] { (byte)(i % 64 * 4), (byte)(i / 64 * 4), (byte)128 })]);
        var jpeg = ImageFile.Read(Save("a.jpg", ImageFile.EncodeJpeg(smooth, 95)));
        Assert.True(jpeg.Rgb.Zip(smooth.Rgb, (a, b) => Math.Abs(a - b)).Max() <= 6);
    }

    [Fact]
    public void TheKindIsToldByTheBytesNotTheExtension()
    {
        var image = Noise(5, 4);
        Assert.Equal(image.Rgb, ImageFile.Read(Save("really-a-png.tif", ImageFile.EncodePng(image))).Rgb);
    }

    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    [InlineData("bmp")]
    [InlineData("webp")]
    public void ATruncatedImageIsRefusedByName(string kind)
    {
        var image = Noise(64, 64);
        byte[] whole = kind switch
        {
            "png" => ImageFile.EncodePng(image),
            "jpg" => ImageFile.EncodeJpeg(image),
            "bmp" => SeedFiles.Bmp(image),
            _ => SeedFiles.Webp(image, lossless: true),
        };
        foreach (double share in new[] { 0.0, 0.001, 0.1, 0.5, 0.9 })
        {
            string path = Save($"cut-{share.ToString(System.Globalization.CultureInfo.InvariantCulture)}.{kind}",
                whole[..(int)(whole.Length * share)]);
            AssertBroken(() => ImageFile.Read(path), path);
        }
    }

    [Fact]
    public void AChecksumThatDoesNotMatchIsRefused()
    {
        byte[] png = ImageFile.EncodePng(Noise(64, 64));
        png[png.Length / 2] ^= 0x10;
        string path = Save("crc.png", png);
        AssertBroken(() => ImageFile.Read(path), path);
    }

    [Theory]
    [InlineData(60000, 60000)]
    [InlineData(65537, 65535)]   // 2³² − 1: a product in 32 bits would be −1
    [InlineData(65536, 65536)]   // 2³²: it would be 0
    public void ABombIsRefusedFromItsHeader(int width, int height)
    {
        string path = Save("bomb.png", PngBytes.Make(width, height, 8, 0, [0]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        AssertBroken(() => ImageFile.ReadHeader(path), path);
        AssertBroken(() => ImageFile.Read(path), path);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void TheCapIsInclusive()
    {
        string path = Save("small.png", ImageFile.EncodePng(Noise(10, 10)));
        Assert.Equal(10, ImageFile.Read(path, maxPixels: 100).Width);
        AssertBroken(() => ImageFile.Read(path, maxPixels: 99), path);
    }

    [Fact]
    public void WhatIsNoImageOrIsNotThereIsRefusedByName()
    {
        string text = Save("notes.png", Encoding.ASCII.GetBytes("not an image at all"));
        AssertBroken(() => ImageFile.Read(text), text);
        string nowhere = Path.Combine(_folder, "nowhere.png");
        AssertBroken(() => ImageFile.Read(nowhere), nowhere);
    }

    [Fact]
    public void MasksAreTakenFromTheNearestPixelAndSplitAbove127()
    {
        string path = Save("mask.png", PngBytes.Make(4, 1, 8, 0, [127, 128, 255, 0]));
        var mask = ImageFile.ReadMask(path);
        Assert.Equal([0, 1, 1, 0], mask.ToMask(4, 1));
        Assert.Equal([1, 0], mask.ToMask(2, 1));                      // ⌊½·2⌋ = 1, ⌊3/2·2⌋ = 3
        Assert.Equal([0, 0, 1, 1, 1, 1, 0, 0], mask.ToMask(8, 1));
    }

    private string Save(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static void AssertBroken(Action read, string path)
    {
        var e = Assert.Throws<MlffAdException>(read);
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    internal static RgbImage Noise(int width, int height, int seed = 1)
    {
        var rgb = new byte[3 * width * height];
        new Random(seed).NextBytes(rgb);
        return new(width, height, rgb);
    }

    private static void Fill(RgbImage image, int x0, int y0, int channel)
    {
        for (int y = y0; y < y0 + 8; y++)
            for (int x = x0; x < x0 + 16; x++) image.Rgb[3 * (y * image.Width + x) + channel] = 255;
    }

    private static string Opposite(string side) =>
        side switch { "top" => "bottom", "bottom" => "top", "left" => "right", _ => "left" };

    /// <summary>The channel that is bright in the middle of a quarter; −1 if none.</summary>
    private static int Strongest(RgbImage image, string side, string otherSide)
    {
        bool top = side == "top" || otherSide == "top", left = side == "left" || otherSide == "left";
        int x = left ? image.Width / 4 : image.Width * 3 / 4, y = top ? image.Height / 4 : image.Height * 3 / 4;
        var pixel = image.Rgb.AsSpan(3 * (y * image.Width + x), 3);
        return pixel.IndexOfAnyInRange((byte)200, (byte)255);
    }
}
