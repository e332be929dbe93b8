using BitMiracle.LibTiff.Classic;

namespace MlffAd.Tests.Data;

public sealed class TiffFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Compression.NONE)]
    [InlineData(Compression.LZW)]
    [InlineData(Compression.ADOBE_DEFLATE)]
    [InlineData(Compression.PACKBITS)]
    public void RgbIsReadWhateverTheLayout(Compression compression)
    {
        var image = ImageFileTests.Noise(37, 21);
        foreach (var planes in new[] { PlanarConfig.CONTIG, PlanarConfig.SEPARATE })
        {
            foreach (bool tiled in new[] { false, true })
            {
                string path = Write(37, 21, 8, 3, Photometric.RGB, image.Rgb, compression, planes, tiled);
                var read = ImageFile.Read(path);
                Assert.Equal((37, 21), (read.Width, read.Height));
                Assert.Equal(image.Rgb, read.Rgb);
                Assert.Equal((37, 21), ImageFile.ReadHeader(path));
            }
        }
    }

    [Theory]
    [InlineData("I")]
    [InlineData("M")]
    public void SixteenBitsCountByTheirHighByteInBothByteOrders(string order)
    {
        ushort[] values = [0x00FF, 0x7FFF, 0xFEFF, 0x0100];
        byte[] bytes = [.. values.SelectMany(BitConverter.GetBytes)];
        string path =
            Write(2, 2, 16, 1, Photometric.MINISBLACK, bytes, Compression.LZW, mode: order == "I" ? "wl" : "wb");
        Assert.Equal([0, 0x7F, 0xFE, 1], ImageFile.Read(path).Rgb.Where((_, i) => i % 3 == 0));
    }

    [Fact]
    public void GreyPaletteAndWhiteIsZeroAreRead()
    {
        Assert.Equal([9, 9, 9, 250, 250, 250], ImageFile.Read(Write(2, 1, 8, 1, Photometric.MINISBLACK, [9, 250])).Rgb);
        Assert.Equal([246, 246, 246, 5, 5, 5], ImageFile.Read(Write(2, 1, 8, 1, Photometric.MINISWHITE, [9, 250])).Rgb);
        Assert.Equal([255, 255, 255, 0, 0, 0],
            ImageFile.Read(Write(2, 1, 1, 1, Photometric.MINISBLACK, [0b1000_0000])).Rgb);
        var map = new ushort[256];
        (map[3], map[4]) = (0x1234, 0xFFFF);
        Assert.Equal([0x12, 0x12, 0x12, 0xFF, 0xFF, 0xFF],
            ImageFile.Read(Write(2, 1, 8, 1, Photometric.PALETTE, [3, 4], map: map)).Rgb);
    }

    [Fact]
    public void AlphaLiesOverWhitePremultipliedOrNot()
    {
        byte[] pixel = [200, 100, 0, 51];
        Assert.Equal([244, 224, 204],
            ImageFile.Read(Write(1, 1, 8, 4, Photometric.RGB, pixel, extra: ExtraSample.UNASSALPHA)).Rgb);
        byte[] premultiplied = [40, 20, 0, 51];
        Assert.Equal([244, 224, 204],
            ImageFile.Read(Write(1, 1, 8, 4, Photometric.RGB, premultiplied, extra: ExtraSample.ASSOCALPHA)).Rgb);
    }

    [Theory]
    [InlineData(Orientation.TOPRIGHT, new byte[] { 2, 1, 4, 3 })]
    [InlineData(Orientation.BOTLEFT, new byte[] { 3, 4, 1, 2 })]
    [InlineData(Orientation.RIGHTTOP, new byte[] { 3, 1, 4, 2 })]
    [InlineData(Orientation.LEFTBOT, new byte[] { 2, 4, 1, 3 })]
    public void TheOrientationTagIsApplied(Orientation orientation, byte[] seen)
    {
        string path = Write(2, 2, 8, 1, Photometric.MINISBLACK, [1, 2, 3, 4], orientation: orientation);
        Assert.Equal(seen, ImageFile.ReadMask(path).Values);
    }

    [Fact]
    public void JpegInTiffComesClose()
    {
        byte[] smooth = [.. Enumerable.Range(0, 64 * 64)
            .SelectMany(i => new[] { (byte)(i % 64 * 4), (byte)(i / 64 * 4), (byte)128 })];
        foreach (var photometric in new[] { Photometric.RGB, Photometric.YCBCR })
        {
            var read = ImageFile.Read(Write(64, 64, 8, 3, photometric, smooth, Compression.JPEG));
            Assert.True(read.Rgb.Zip(smooth, (a, b) => Math.Abs(a - b)).Max() <= 30, $"{photometric}");
            Assert.True(read.Rgb.Zip(smooth, (a, b) => Math.Abs(a - b)).Average() <= 4, $"{photometric}");
        }
    }

    [Theory]
    [InlineData(Compression.NONE)]
    [InlineData(Compression.LZW)]
    [InlineData(Compression.ADOBE_DEFLATE)]
    [InlineData(Compression.JPEG)]
    public void ACutOrDamagedTiffIsRefusedByName(Compression compression)
    {
        // The directory lies behind the strips: cutting the middle out keeps it readable.
        byte[] whole =
            File.ReadAllBytes(Write(64, 64, 8, 3, Photometric.RGB, ImageFileTests.Noise(64, 64).Rgb, compression));
        string path = Path.Combine(_folder, "cut.tif");
        foreach (int length in new[] { 6, 100, whole.Length / 2, whole.Length - 20 })
        {
            File.WriteAllBytes(path, whole[..length]);
            AssertBroken(path);
        }
    }

    [Fact]
    public void AnyDamagedByteGivesAnImageOrOneClearError()
    {
        byte[] whole =
            File.ReadAllBytes(Write(8, 8, 8, 3, Photometric.RGB, ImageFileTests.Noise(8, 8).Rgb, Compression.LZW));
        string path = Path.Combine(_folder, "damaged.tif");
        for (int i = 4; i < whole.Length; i++)
        {
            byte[] damaged = [.. whole];
            damaged[i] ^= 0xFF;
            File.WriteAllBytes(path, damaged);
            try { ImageFile.Read(path, maxPixels: 1 << 20); }
            catch (MlffAdException e) { Assert.Contains(path, e.Message, StringComparison.Ordinal); }
        }
    }

    [Fact]
    public void ABombIsRefusedFromItsHeader()
    {
        byte[] whole = File.ReadAllBytes(Write(300, 8, 8, 1, Photometric.MINISBLACK, new byte[2400]));
        for (int i = 0; i + 12 <= whole.Length; i++)
        {
            // Width and height entries: tag 256 or 257, count 1. Their values become 60000.
            if (BitConverter.ToUInt16(whole, i) is 256 or 257 && BitConverter.ToUInt32(whole, i + 4) == 1
                && whole[i + 2] is 3 or 4)
                BitConverter.GetBytes((uint)60000).CopyTo(whole, i + 8);
        }
        string path = Path.Combine(_folder, "bomb.tif");
        File.WriteAllBytes(path, whole);
        long before = GC.GetAllocatedBytesForCurrentThread();
        AssertBroken(path);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void FloatMapsAreWrittenExactly()
    {
        float[] values = [0, -1.5f, float.MaxValue, 1e-30f, 7, 8];
        string path = Path.Combine(_folder, "map.tiff");
        ImageFile.WriteTiff(path, values, 3, 2);
        using var tiff = Tiff.Open(path, "r");
        Assert.Equal((3, 2),
            (tiff.GetField(TiffTag.IMAGEWIDTH)[0].ToInt(), tiff.GetField(TiffTag.IMAGELENGTH)[0].ToInt()));
        var bytes = new byte[24];
        Assert.Equal(24, tiff.ReadEncodedStrip(0, bytes, 0, 24));
        Assert.Equal(values, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray());
        var e = Assert.Throws<MlffAdException>(() => ImageFile.Read(path));
        Assert.Contains("32 bits", e.Message, StringComparison.Ordinal);
    }

    private static void AssertBroken(string path)
    {
        var e = Assert.Throws<MlffAdException>(() => ImageFile.Read(path));
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
    }

    /// <summary>Writes interleaved samples as a TIFF: strips of 5 rows (JPEG: 16), or tiles of 16×16.</summary>
    private string Write(int width, int height, int bits, int samples, Photometric photometric, byte[] data,
        Compression compression = Compression.NONE, PlanarConfig planes = PlanarConfig.CONTIG, bool tiled = false,
        Orientation orientation = Orientation.TOPLEFT, ExtraSample? extra = null, ushort[]? map = null, string mode =
        "w")
    {
        string path = Path.Combine(_folder, "image.tif");
        using var tiff = Tiff.Open(path, mode);
        tiff.SetField(TiffTag.IMAGEWIDTH, width);
        tiff.SetField(TiffTag.IMAGELENGTH, height);
        tiff.SetField(TiffTag.BITSPERSAMPLE, bits);
        tiff.SetField(TiffTag.SAMPLESPERPIXEL, samples);
        tiff.SetField(TiffTag.PHOTOMETRIC, photometric);
        tiff.SetField(TiffTag.COMPRESSION, compression);
        tiff.SetField(TiffTag.PLANARCONFIG, planes);
        tiff.SetField(TiffTag.ORIENTATION, orientation);
        if (photometric == Photometric.YCBCR) tiff.SetField(TiffTag.JPEGCOLORMODE, JpegColorMode.RGB);
        if (extra is { } alpha) tiff.SetField(TiffTag.EXTRASAMPLES, 1, new[] { (short)alpha });
        if (map is not null) tiff.SetField(TiffTag.COLORMAP, map, map, map);
        int blockWidth = tiled ? 16 : width, blockHeight = tiled ? 16 : compression == Compression.JPEG ? 16 : 5;
        if (tiled)
        {
            tiff.SetField(TiffTag.TILEWIDTH, 16);
            tiff.SetField(TiffTag.TILELENGTH, 16);
        }
        else tiff.SetField(TiffTag.ROWSPERSTRIP, blockHeight);
        int index = 0, separate = planes == PlanarConfig.SEPARATE ? samples : 1;
        for (int plane = 0; plane < separate; plane++)
        {
            for (int y0 = 0; y0 < height; y0 += blockHeight)
            {
                for (int x0 = 0; x0 < width; x0 += blockWidth, index++)
                {
                    int rows = tiled ? blockHeight : Math.Min(blockHeight, height - y0);
                    byte[] block = Block(x0, y0, rows, plane);
                    int done = tiled
                        ? tiff.WriteEncodedTile(index, block, block.Length)
                        : tiff.WriteEncodedStrip(index, block, block.Length);
                    Assert.Equal(block.Length, done);
                }
            }
        }
        return path;

        byte[] Block(int x0, int y0, int rows, int plane)
        {
            if (bits != 8) return data;
            int perPixel = samples / separate;
            var block = new byte[rows * blockWidth * perPixel];
            for (int y = 0; y < rows && y0 + y < height; y++)
                for (int x = 0; x < blockWidth && x0 + x < width; x++)
                    for (int s = 0; s < perPixel; s++)
                        block[(y * blockWidth + x) * perPixel + s] =
                            data[((y0 + y) * width + x0 + x) * samples + plane + s];
            return block;
        }
    }
}
