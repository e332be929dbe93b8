using BitMiracle.LibTiff.Classic;
using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>A file that is cut short is refused, wherever the cut is, or gives the picture of the whole one.</summary>
public sealed class CutFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public static TheoryData<string> Seeds =>
    [
        "png", "png of a palette", "jpeg", "jpeg, progressive", "jpeg, restarts", "jpeg, progressive, restarts",
        "jpeg, thumbnail", "bmp", "bmp of a palette", "bmp, packed", "bmp of 32 bits", "gif",
        "webp", "webp, lossless", "webp, extended",
        "tiff", "tiff, directory first", "tiff, highest byte first", "bigtiff", "tiff of a palette",
        nameof(Compression.LZW), nameof(Compression.ADOBE_DEFLATE), nameof(Compression.PACKBITS),
        nameof(Compression.JPEG),
    ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void CutAtAnyByteItIsRefusedOrTheSamePicture(string kind)
    {
        byte[] whole = Seed(kind);
        var picture = ImageFile.Read(Save(whole));
        int refused = 0;
        string path = Save(whole);
        for (int length = whole.Length - 1; length >= 0; length--)
        {
            using (var file = File.OpenWrite(path)) file.SetLength(length);
            var cut = Read(path);
            if (cut is null) refused++;
            else Assert.True(cut.Rgb.AsSpan().SequenceEqual(picture.Rgb), $"{kind}: {length} of {whole.Length} bytes");
        }
        // What may be missing: rows' filling, codes that say nothing more, a last number that is 0.
        Assert.InRange(refused, whole.Length - 8, whole.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AJpegWhoseEndIsZerosIsRefused(bool progressive)
    {
        byte[] jpeg = SeedFiles.Jpeg(ImageFileTests.Noise(24, 16), progressive);
        Array.Clear(jpeg, jpeg.Length / 2, jpeg.Length - jpeg.Length / 2);
        Assert.Contains(FileWalk.Cut, Refusal(jpeg), Ordinal);
    }

    [Fact]
    public void WhatABrokenDownloadHoldsOfAJpegIsRefusedThoughItsThumbnailHasAnEnd()
    {
        byte[] jpeg = Seed("jpeg, thumbnail");
        foreach (int percent in new[] { 20, 35, 50, 75, 99 })
            Assert.Contains(FileWalk.Cut, Refusal(jpeg[..(jpeg.Length * percent / 100)]), Ordinal);
    }

    [Fact]
    public void BytesBehindTheEndAndBetweenSegmentsAreNoFault()
    {
        var image = ImageFileTests.Noise(24, 16);
        foreach (bool progressive in new[] { false, true })
        {
            byte[] jpeg = SeedFiles.Jpeg(image, progressive, restart: 1);
            var picture = ImageFile.Read(Save(jpeg));
            // What phones, cameras and mailers put there: a second picture, a film, zeros, a line's end.
            foreach (byte[] tail in new byte[][] { jpeg, [.. "....ftypmp42"u8], new byte[100], [0xFF], [13, 10] })
                Assert.Equal(picture.Rgb, ImageFile.Read(Save([.. jpeg, .. tail])).Rgb);
            Assert.Equal(picture.Rgb, ImageFile.Read(Save([0xFF, 0xD8, 0xFF, 0xFF, 0xFF, .. jpeg[2..]])).Rgb);
            Assert.Equal(picture.Rgb, ImageFile.Read(Save([.. jpeg[..^2], 0xFF, 0xFF, 0xFF, 0xFF, 0xD9])).Rgb);
            Assert.Equal(picture.Rgb, ImageFile.Read(Save(SeedFiles.WithSegment(jpeg, 0xFE, new byte[65533]))).Rgb);
        }
        foreach (string kind in new[] { "png", "gif", "webp", "bmp" })
        {
            byte[] seed = Seed(kind), picture = ImageFile.Read(Save(seed)).Rgb;
            Assert.Equal(picture, ImageFile.Read(Save([.. seed, .. "behind the end"u8])).Rgb);
        }
    }

    [Theory]
    [InlineData(0xC3, "lossless")]
    [InlineData(0xCB, "lossless")]
    [InlineData(0xC9, "arithmetic-coded")]
    [InlineData(0xCA, "arithmetic-coded")]
    [InlineData(0xC5, "hierarchical")]
    [InlineData(0xDE, "hierarchical")]
    public void AKindOfJpegThatIsNotDecodedIsNamed(byte frame, string kind)
    {
        byte[] jpeg = SeedFiles.Jpeg(ImageFileTests.Noise(8, 8), progressive: false);
        int at = jpeg.AsSpan().IndexOf([(byte)0xFF, (byte)0xC0]);
        jpeg[at + 1] = frame;
        string refusal = Refusal(jpeg);
        Assert.Contains(kind, refusal, Ordinal);
        Assert.Contains("save it as PNG", refusal, Ordinal);
        Assert.DoesNotContain("damaged", refusal, Ordinal);
    }

    [Theory]
    [InlineData(4, 12, "12 bits")]
    [InlineData(6, 0, "leaves its height open")]
    public void AFrameThatIsNotDecodedIsNamed(int offset, byte value, string why)
    {
        byte[] jpeg = SeedFiles.Jpeg(ImageFileTests.Noise(8, 8), progressive: false);
        jpeg[jpeg.AsSpan().IndexOf([(byte)0xFF, (byte)0xC0]) + offset] = value;
        Assert.Contains(why, Refusal(jpeg), Ordinal);
    }

    [Fact]
    public void OnlyKindsThatAreNamedAreDecoded()
    {
        byte[] bitmap = SeedFiles.Bmp(ImageFileTests.Noise(4, 4))[14..];
        byte[] length = BitConverter.GetBytes(bitmap.Length);
        byte[] icon = [0, 0, 1, 0, 1, 0, 4, 4, 0, 0, 1, 0, 24, 0, .. length, 22, 0, 0, 0, .. bitmap];
        foreach (byte[] file in new byte[][] { icon, [0, 0, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8], [.. "P6 1 1 255 abc"u8] })
            Assert.Contains("(PNG, JPEG, BMP, GIF, WebP, TIFF)", Refusal(file), Ordinal);
    }

    private byte[] Seed(string kind)
    {
        RgbImage image = ImageFileTests.Noise(9, 7), wide = ImageFileTests.Noise(40, 16);
        byte[] grey = [.. image.Rgb.Where((_, i) => i % 3 == 0)], exif = SeedFiles.Named(SeedFiles.Exif(3));
        return kind switch
        {
            "png" => ImageFile.EncodePng(image),
            "png of a palette" => PngBytes.Make(2, 1, 8, 3, [0, 1], [10, 20, 30, 200, 100, 0], [255, 51]),
            "jpeg" => SeedFiles.Jpeg(image, progressive: false),
            "jpeg, progressive" => SeedFiles.Jpeg(ImageFileTests.Noise(24, 16), progressive: true),
            "jpeg, restarts" => SeedFiles.Jpeg(wide, progressive: false, restart: 1),
            "jpeg, progressive, restarts" => SeedFiles.Jpeg(wide, progressive: true, restart: 1),
            "jpeg, thumbnail" => SeedFiles.WithSegment(SeedFiles.Jpeg(image, progressive: true), 0xE1,
                [.. exif, .. SeedFiles.Jpeg(image, progressive: false, quality: 20)]),
            "bmp" => SeedFiles.Bmp(image),
            "bmp of a palette" => SeedFiles.PaletteBmp(9, 7, packed: false),
            "bmp, packed" => SeedFiles.PaletteBmp(9, 7, packed: true),
            "bmp of 32 bits" => SeedFiles.Bmp(image, alpha: 255),
            "gif" => SeedFiles.Gif(10, 1),
            "webp" => SeedFiles.Webp(image, lossless: false),
            "webp, lossless" => SeedFiles.Webp(image, lossless: true),
            "webp, extended" => SeedFiles.ExtendedWebp(SeedFiles.Webp(image, lossless: false), 9, 7, ("EXIF", exif)),
            "tiff" => File.ReadAllBytes(WriteTiff(image, Compression.NONE)),
            "tiff, directory first" => new TiffBytes().Make((TiffBytes.Grey(9, 7), [grey])),
            "tiff, highest byte first" => new TiffBytes(HighFirst: true).Make((TiffBytes.Grey(9, 7), [grey])),
            "bigtiff" => new TiffBytes(Big: true).Make((TiffBytes.Grey(9, 7), [grey])),
            "tiff of a palette" => new TiffBytes().Make((new(TiffBytes.Grey(9, 7))
            {
                [258] = [4],
                [262] = [3],
                [320] = [.. Enumerable.Range(0, 48).Select(v => v * 1365L)],
            }, [grey[..35]])),
            _ => File.ReadAllBytes(WriteTiff(image, Enum.Parse<Compression>(kind))),
        };
    }

    private string WriteTiff(RgbImage image, Compression compression)
    {
        string path = Path.Combine(_folder, "seed.tif");
        using var tiff = Tiff.Open(path, "w");
        foreach (var (tag, value) in new (TiffTag, object)[]
        {
            (TiffTag.IMAGEWIDTH, image.Width), (TiffTag.IMAGELENGTH, image.Height), (TiffTag.ROWSPERSTRIP, 8),
            (TiffTag.BITSPERSAMPLE, 8), (TiffTag.SAMPLESPERPIXEL, 3), (TiffTag.PLANARCONFIG, PlanarConfig.CONTIG),
            (TiffTag.PHOTOMETRIC, Photometric.RGB), (TiffTag.COMPRESSION, compression),
        }) tiff.SetField(tag, value);
        for (int y = 0; y < image.Height; y += 8)
        {
            byte[] strip = image.Rgb[(3 * y * image.Width)..(3 * Math.Min(y + 8, image.Height) * image.Width)];
            Assert.Equal(strip.Length, tiff.WriteEncodedStrip(y / 8, strip, strip.Length));
        }
        return path;
    }

    private string Save(byte[] bytes)
    {
        string path = Path.Combine(_folder, "image.bin");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static RgbImage? Read(string path)
    {
        try { return ImageFile.Read(path); }
        catch (MlffAdException e)
        {
            Assert.Equal(ExitCode.BadData, e.Code);
            return null;
        }
    }

    private string Refusal(byte[] bytes)
    {
        string path = Save(bytes);
        var e = Assert.Throws<MlffAdException>(() => ImageFile.Read(path));
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains(path, e.Message, Ordinal);
        Assert.DoesNotContain('\n', e.Message);
        return e.Message;
    }
}
