using BitMiracle.LibTiff.Classic;
using MlffAd.Tests.Data;

namespace MlffAd.Fuzz;

/// <summary>The images that are read.</summary>
internal static class ImageFormats
{
    /// <summary>Sixteen million: of the most that are read unless the user says otherwise, one image is more than a
    /// gigabyte.</summary>
    private const long MostPixels = 1 << 24;

    private static readonly RgbImage Picture = Draw(19, 13);

    public static FileFormat[] All =>
    [
        Of("png", Pngs(), "IHDR", "IDAT", "IEND", "PLTE", "tRNS", "eXIf", "acTL", "fcTL", "fdAT", "iCCP", "gAMA",
            "sBIT", "zTXt", "\0\0\0\0IEND") with { Repair = Repairs.Png },
        Of("jpeg", Jpegs(), "\xFF\xC0", "\xFF\xC2", "\xFF\xC4", "\xFF\xD8", "\xFF\xD9", "\xFF\xDA", "\xFF\xDB",
            "\xFF\xDD", "\xFF\xD0", "\xFF\xE1", "\xFF\xEE", "Exif\0\0II*\0", "\xFF\xFF", "\xFF\0"),
        Of("bmp", [SeedFiles.Bmp(Picture), SeedFiles.Bmp(Picture, 200), SeedFiles.PaletteBmp(19, 13, false),
            SeedFiles.PaletteBmp(19, 13, true)], "BM", "\0\0", "\0\x01", "\0\x02\xFF\xFF", "\x7C\0\0\0", "\x6C\0\0\0"),
        Of("webp", Webps(), "RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "EXIF", "ICCP")
            with { Repair = Repairs.Webp },
        Of("gif", [SeedFiles.Gif(10, 3), SeedFiles.Gif(4, 1), SeedFiles.Gif(4, 1, 2)], "GIF87a", "GIF89a", "\x2C",
            "\x21\xF9\x04", "\x21\xFF\x0BNETSCAPE2.0", "\x21\xFE", "\x3B"),
        Of("tiff", Tiffs(), "II*\0", "MM\0*", "II+\0", "\0\x01", "\x01\x01", "\x3D\x01", "\x5B\x01", "\x11\x01\x04\0")
            with { FirstCheck = HasDirectories },
    ];

    private static FileFormat Of(string name, IEnumerable<byte[]> seeds, params string[] words) =>
        new(name, [.. seeds.Select(bytes => new Seed(bytes, 64))], ExitCode.BadData, Read)
        {
            FirstCheck = bytes => FileWalk.Through(bytes).Fault is null,
            Words = words,
        };

    private static void Read(string path)
    {
        MlffAdException? refused = null;
        try { ImageFile.ReadHeader(path, MostPixels); }
        catch (MlffAdException e) { refused = e; }
        int bits = refused is null ? ImageFile.ReadBits(path) : 8;
        ImageFile.Footprint(path, MostPixels);
        var image = ImageFile.Read(path, MostPixels, bits == 16 ? 12 : 16);
        if (refused is not null) throw new InvalidOperationException("What has no header was read.", refused);
        if (image.Rgb.Length != 3 * image.Width * image.Height)
            throw new InvalidOperationException("It has other bytes than pixels.");
    }

    private static bool HasDirectories(byte[] bytes) =>
        TiffDirectory.Begins(bytes) && TiffDirectory.In(new MemoryStream(bytes)).Take(100).Any(d => d.IsPicture);

    private static IEnumerable<byte[]> Pngs()
    {
        byte[] noise = [.. Enumerable.Range(0, 2000).Select(i => (byte)(i * 37 + i / 7))];
        yield return ImageFile.EncodePng(Picture);
        yield return PngBytes.Make(9, 7, 16, 2, noise[..(9 * 7 * 6)], filter: 4);
        yield return PngBytes.Make(9, 7, 16, 0, noise[..(9 * 7 * 2)], filter: 1, extra: [("eXIf", SeedFiles.Exif(6))]);
        yield return PngBytes.Make(9, 7, 8, 6, noise[..(9 * 7 * 4)], filter: 3,
            extra: [("acTL", [0, 0, 0, 1, 0, 0, 0, 0])]);
        yield return PngBytes.Make(16, 7, 4, 3, noise[..(8 * 7)], palette: noise[..48], alpha: noise[..5]);
        yield return PngBytes.Make(16, 7, 1, 0, noise[..(2 * 7)], late: [("tEXt", noise[..9])]);
    }

    private static IEnumerable<byte[]> Jpegs()
    {
        byte[] jpeg = ImageFile.EncodeJpeg(Picture);
        yield return jpeg;
        yield return SeedFiles.Jpeg(Picture, progressive: true);
        yield return SeedFiles.Jpeg(Picture, progressive: false, restart: 2);
        yield return SeedFiles.WithSegment(jpeg, 0xE1, SeedFiles.Named(SeedFiles.Exif(7)));
    }

    private static IEnumerable<byte[]> Webps()
    {
        byte[] lossy = SeedFiles.Webp(Picture, lossless: false);
        yield return lossy;
        yield return SeedFiles.Webp(Picture, lossless: true);
        yield return SeedFiles.ExtendedWebp(lossy, 19, 13, ("EXIF", SeedFiles.Exif(5)));
        yield return SeedFiles.AnimatedWebp(lossy, 19, 13, 1);
    }

    private static IEnumerable<byte[]> Tiffs()
    {
        byte[] grey = [.. Enumerable.Range(0, 12 * 8).Select(i => (byte)(i * 5))];
        foreach (bool highFirst in new[] { false, true })
            yield return new TiffBytes(highFirst).Make((TiffBytes.Grey(12, 8), [grey]));
        yield return new TiffBytes(Big: true).Make((TiffBytes.Grey(12, 8), [grey]));
        yield return new TiffBytes().Make((TiffBytes.Grey(12, 8), [grey]),
            (TiffBytes.Grey(6, 4, subfile: 1), [grey[..24]]));
        foreach (var packing in new[]
        {
            Compression.LZW, Compression.ADOBE_DEFLATE, Compression.PACKBITS, Compression.JPEG, Compression.CCITTFAX3,
            Compression.CCITTFAX4,
        })
            foreach (bool tiled in new[] { false, true })
                yield return Packed(packing, tiled);
    }

    /// <summary>The picture as the TIFF library packs it: in colours, or for fax machines in black and white.</summary>
    private static byte[] Packed(Compression packing, bool tiled)
    {
        bool isFax = packing is Compression.CCITTFAX3 or Compression.CCITTFAX4;
        const int side = 16;
        using var memory = new MemoryStream();
        using (var tiff = Tiff.ClientOpen("seed", "w", memory, new TiffStream()))
        {
            foreach (var (tag, value) in new (TiffTag, object)[]
            {
                (TiffTag.IMAGEWIDTH, side), (TiffTag.IMAGELENGTH, side), (TiffTag.COMPRESSION, packing),
                (TiffTag.BITSPERSAMPLE, isFax ? 1 : 8), (TiffTag.SAMPLESPERPIXEL, isFax ? 1 : 3),
                (TiffTag.PHOTOMETRIC, isFax ? Photometric.MINISWHITE : Photometric.RGB),
                (TiffTag.PLANARCONFIG, PlanarConfig.CONTIG),
            }) tiff.SetField(tag, value);
            foreach (var tag in tiled ? new[] { TiffTag.TILEWIDTH, TiffTag.TILELENGTH } : [TiffTag.ROWSPERSTRIP])
                tiff.SetField(tag, side);
            if (packing == Compression.LZW) tiff.SetField(TiffTag.PREDICTOR, 2);
            byte[] bytes = isFax ? [.. Enumerable.Range(0, 2 * side).Select(i => (byte)(i * 29))]
                : Draw(side, side).Rgb;
            int written = tiled ? tiff.WriteEncodedTile(0, bytes, bytes.Length)
                : tiff.WriteEncodedStrip(0, bytes, bytes.Length);
            if (written < 0) throw new InvalidOperationException($"No seed could be packed by {packing}.");
        }
        return memory.ToArray();
    }

    /// <summary>A bow of colours with grain.</summary>
    private static RgbImage Draw(int width, int height)
    {
        var random = new Random(1);
        return new(width, height, [.. Enumerable.Range(0, 3 * width * height).Select(i =>
            (byte)(i / 3 % width * 12 + i % 3 * 40 + random.Next(9)))]);
    }
}
