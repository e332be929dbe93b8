using SkiaSharp;
using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>Pictures that show little: bits that a camera does not fill, alpha that nobody filled in, one
/// colour.</summary>
public sealed class ExposureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(8, new byte[] { 0, 255, 255, 255, 255, 255 })]
    [InlineData(10, new byte[] { 0, 63, 255, 255, 255, 255 })]
    [InlineData(12, new byte[] { 0, 15, 127, 255, 255, 255 })]
    [InlineData(15, new byte[] { 0, 1, 15, 31, 32, 255 })]
    [InlineData(16, new byte[] { 0, 0, 7, 15, 16, 255 })]
    public void TheUpperEightOfTheBitsThatAreUsedAreSeen(int bitDepth, byte[] seen)
    {
        ushort[] values = [0, 255, 2047, 4095, 4096, 65535];
        byte[] Samples(int colours, int alphas) => [.. values.SelectMany(v => Enumerable.Repeat(v, colours)
            .Concat(Enumerable.Repeat(ushort.MaxValue, alphas))).SelectMany(v => new[] { (byte)(v >> 8), (byte)v })];
        var tiff = new TiffBytes(HighFirst: true);
        var grey = new SortedDictionary<int, long[]>(TiffBytes.Grey(6, 1)) { [258] = [16] };
        var alpha = new SortedDictionary<int, long[]>(grey) { [277] = [2], [338] = [2] };
        string[] files =
        [
            Save("grey.png", PngBytes.Make(6, 1, 16, 0, Samples(1, 0))),
            Save("rgb.png", PngBytes.Make(6, 1, 16, 2, Samples(3, 0))),
            Save("rgba.png", PngBytes.Make(6, 1, 16, 6, Samples(3, 1))),
            Save("ga.png", PngBytes.Make(6, 1, 16, 4, Samples(1, 1))),
            Save("grey.tif", tiff.Make((grey, [Samples(1, 0)]))),
            Save("alpha.tif", tiff.Make((alpha, [Samples(1, 1)]))),
        ];
        Assert.All(files, f => Assert.Equal(seen, ImageFile.ReadMask(f, bitDepth: bitDepth).Values));
        Assert.All(files, f => Assert.Equal(16, ImageFile.ReadBits(f)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void OurReaderOfPngSamplesAgreesWithTheLibrary(byte filter)
    {
        foreach (var (colour, samples) in new[] { (0, 1), (2, 3), (4, 2), (6, 4) })
        {
            var rows = new byte[2 * samples * 13 * 7];
            new Random(colour).NextBytes(rows);
            byte[] file = PngBytes.Make(13, 7, 16, colour, rows, filter: filter, late: [("tEXt", [65, 0, 66])]);
            var rgba = new byte[4 * 13 * 7];
            for (int i = 3; i < rgba.Length; i += 4) rgba[i] = 255;
            Assert.True(PngSamples.Of16Bits(file)!.TryRead(rgba, 16));
            using var bitmap = SKBitmap.Decode(file, new(13, 7, SKColorType.Rgba8888, SKAlphaType.Unpremul));
            Assert.Equal(bitmap.Bytes.Where((_, i) => i % 4 != 3), rgba.Where((_, i) => i % 4 != 3));
        }
    }

    [Fact]
    public void BitDepthLeavesFilesOfEightBitsAloneAndRefusesInterlacing()
    {
        var image = ImageFileTests.Noise(4, 3);
        Assert.Equal(image.Rgb, ImageFile.Read(Save("8.png", ImageFile.EncodePng(image)), bitDepth: 12).Rgb);
        string interlaced = Save("i.png", PngBytes.Make(1, 1, 16, 0, [0x0F, 0xFF], interlaced: true));
        Assert.Equal([15, 15, 15], ImageFile.Read(interlaced).Rgb);
        var e = Assert.Throws<MlffAdException>(() => ImageFile.Read(interlaced, bitDepth: 12));
        Assert.Contains("without interlacing", e.Message, Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Read(interlaced, bitDepth: 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFile.Read(interlaced, bitDepth: 17));
    }

    [Fact]
    public void AlphaThatIsEmptyEverywhereIsNoAlpha()
    {
        byte[] rgba = [10, 20, 30, 0, 200, 100, 0, 0];
        byte[] expected = [10, 20, 30, 200, 100, 0];
        var tiff = new SortedDictionary<int, long[]>(TiffBytes.Grey(2, 1)) { [258] = [8], [262] = [2], [277] = [4] };
        foreach (byte[] file in new[]
        {
            PngBytes.Make(2, 1, 8, 6, rgba),
            PngBytes.Make(2, 1, 16, 6, [.. rgba.SelectMany(v => new[] { v, (byte)0 })]),
            PngBytes.Make(2, 1, 8, 3, [0, 1], expected, [0, 0]),
            SeedFiles.Bmp(new RgbImage(2, 1, expected), alpha: 0),
            new TiffBytes().Make((new(tiff) { [338] = [1] }, [rgba])),
            new TiffBytes().Make((new(tiff) { [338] = [2] }, [rgba])),
        }) Assert.Equal(expected, ImageFile.Read(Save("alpha.bin", file)).Rgb);
        // One pixel with alpha, and it counts.
        rgba[7] = 255;
        string seen = Save("alpha.bin", PngBytes.Make(2, 1, 8, 6, rgba));
        Assert.Equal([255, 255, 255, 200, 100, 0], ImageFile.Read(seen).Rgb);
    }

    [Theory]
    [InlineData(4095, "--bit-depth 12")]
    [InlineData(3000, "--bit-depth 12")]
    [InlineData(1023, "--bit-depth 10")]
    [InlineData(16383, "--bit-depth 14")]
    [InlineData(255, "--bit-depth 8")]
    [InlineData(65535, null)]
    public void FewBitsOfSixteenAreNoticed(int largest, string? doubt)
    {
        byte[] big = [0, 1, (byte)(largest >> 8), (byte)largest];
        foreach (string path in new[]
        {
            Save("12.png", PngBytes.Make(2, 1, 16, 0, big)),
            Save("12.tif", new TiffBytes(HighFirst: true).Make((new(TiffBytes.Grey(2, 1)) { [258] = [16] }, [big]))),
        })
        {
            string? said = Exposure.Doubt(path, ImageFile.Read(path));
            if (doubt is null) Assert.Null(said);
            else Assert.Contains(doubt, said, Ordinal);
        }
    }

    [Fact]
    public void OneColourAllOverIsNoticed()
    {
        Assert.Equal("is black all over", Doubt([0, 0, 0, 0, 0, 0]));
        Assert.Equal("has one colour all over", Doubt([255, 255, 255, 255, 255, 255]));
        Assert.Equal("has one colour all over", Doubt([1, 20, 60, 1, 20, 60]));
        Assert.Null(Doubt([1, 20, 60, 1, 20, 61]));
        Assert.Null(Doubt([0, 0, 0, 1, 0, 0]));

        string? Doubt(byte[] rgb)
        {
            var image = new RgbImage(2, 1, rgb);
            return Exposure.Doubt(Save("plain.png", ImageFile.EncodePng(image)), image);
        }
    }

    private string Save(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
