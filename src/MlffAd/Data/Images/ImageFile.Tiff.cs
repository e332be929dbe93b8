using System.Runtime.InteropServices;
using BitMiracle.LibTiff.Classic;

namespace MlffAd.Data;

public static partial class ImageFile
{
    /// <summary>Writes a float32 TIFF of one channel, uncompressed, whole or not at all (anomaly
    /// maps, spec §9).</summary>
    /// <param name="path">The file.</param>
    /// <param name="values"><c>[height, width]</c>.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void WriteTiff(string path, float[] values, int width, int height)
    {
        using var memory = new MemoryStream();
        using (var tiff = Tiff.ClientOpen(path, "w", memory, new OpenStream()))
        {
            foreach (var (tag, value) in new (TiffTag, object)[]
            {
                (TiffTag.IMAGEWIDTH, width), (TiffTag.IMAGELENGTH, height), (TiffTag.ROWSPERSTRIP, height),
                (TiffTag.BITSPERSAMPLE, 32), (TiffTag.SAMPLESPERPIXEL, 1), (TiffTag.SAMPLEFORMAT, SampleFormat.IEEEFP),
                (TiffTag.PHOTOMETRIC, Photometric.MINISBLACK), (TiffTag.COMPRESSION, Compression.NONE),
            }) tiff.SetField(tag, value);
            byte[] bytes = MemoryMarshal.AsBytes(values.AsSpan(0, width * height)).ToArray();
            if (tiff.WriteEncodedStrip(0, bytes, bytes.Length) != bytes.Length)
                throw new InvalidOperationException($"'{path}' could not be encoded.");
        }
        AtomicFile.Write(path, memory.WriteTo);
    }

    /// <summary>Opens the one picture of a TIFF, its directory checked before the library sees it.</summary>
    private static Tiff OpenTiff(string path, FileStream stream, long maxPixels, out TiffLayout layout)
    {
        int page = OnlyPicture(path, stream, maxPixels);
        Tiff.SetErrorHandler(TiffErrors.Instance);
        TiffErrors.Last = null;
        Tiff? tiff = null;
        try
        {
            stream.Position = 0;
            tiff = Tiff.ClientOpen(path, "r", stream, new TiffStream());
            if (tiff is null || (page > 0 && !tiff.SetDirectory((short)page)))
                throw Broken(path, TiffErrors.Last ?? "its TIFF directory is damaged");
            layout = new(tiff, path);
            RefuseTooLarge(path, layout.Width, layout.Height, maxPixels);
            RefuseTooLarge(path, layout.BlockWidth, layout.BlockHeight, maxPixels);
            return tiff;
        }
        catch (Exception e)
        {
            tiff?.Dispose();
            if (e is MlffAdException or OutOfMemoryException) throw;
            throw Broken(path, "its TIFF directory is damaged", e);
        }
    }

    /// <summary>Which of a file's directories is its picture. The sides that it gives lie within the bounds, and its
    /// strips within the file.</summary>
    private static int OnlyPicture(string path, FileStream stream, long maxPixels)
    {
        TiffDirectory[] pages;
        try { pages = [.. TiffDirectory.In(stream).Take(short.MaxValue)]; }
        catch (IOException e) { throw Broken(path, e.Message, e); }
        int pictures = pages.Count(p => p.IsPicture);
        if (pictures == 0) throw Broken(path, "it holds no picture of full size that is read; save it as PNG");
        if (pictures > 1) throw Broken(path, FileWalk.Several(pictures));
        int page = Array.FindIndex(pages, p => p.IsPicture);
        RefuseTooLarge(path, pages[page].Width, pages[page].Height, maxPixels);
        RefuseTooLarge(path, pages[page].BlockWidth, pages[page].BlockHeight, maxPixels);
        return pages[page].Fault() is { } fault ? throw Broken(path, fault) : page;
    }

    private static RgbImage ReadTiff(string path, FileStream stream, long maxPixels, int bitDepth)
    {
        using var tiff = OpenTiff(path, stream, maxPixels, out var t);
        try
        {
            byte[] samples = ReadSamples(tiff, t, path, bitDepth);
            var palette = t.Photometric == Photometric.PALETTE ? Palette(tiff, path) : [];
            return Oriented(t.Width, t.Height, t.Orientation, ToRgb(samples, t, palette));
        }
        catch (Exception e) when (e is not (MlffAdException or OutOfMemoryException))
        {
            throw Broken(path, FileWalk.Damaged, e);
        }
    }

    private static byte[] ToRgb(byte[] samples, TiffLayout t, ushort[][] palette)
    {
        // Some writers leave their palettes at 8 bits.
        int shift = palette.All(colours => colours.All(v => v < 256)) ? 0 : 8;
        bool opaque = t.Alpha == ExtraSample.UNSPECIFIED || AlphaIsEmpty(samples, t.Kept);
        var rgb = new byte[3 * t.Width * t.Height];
        for (int i = 0, p = 0; i < rgb.Length; i += 3, p += t.Kept)
        {
            for (int c = 0; c < 3; c++)
            {
                int v = samples[p + (t.Colours == 1 ? 0 : c)];
                int seen = t.Photometric switch
                {
                    Photometric.MINISWHITE => 255 - v * 255 / t.Largest,
                    Photometric.MINISBLACK => v * 255 / t.Largest,
                    Photometric.PALETTE => palette[c][v] >> shift,
                    Photometric.SEPARATED => ((255 - v) * (255 - samples[p + 3]) + 127) / 255,
                    _ => v,
                };
                rgb[i + c] = (opaque ? ExtraSample.UNSPECIFIED : t.Alpha) switch
                {
                    ExtraSample.UNASSALPHA => OverWhite(seen, samples[p + t.Colours]),
                    ExtraSample.ASSOCALPHA => (byte)Math.Min(255, seen + 255 - samples[p + t.Colours]),
                    _ => (byte)seen,
                };
            }
        }
        return rgb;
    }

    /// <summary>The samples that matter (colours, then alpha), a byte each, <c>[Height, Width, Kept]</c>: strips and
    /// tiles are blocks of rows.</summary>
    private static byte[] ReadSamples(Tiff tiff, TiffLayout t, string path, int bitDepth)
    {
        var kept = new byte[checked(t.Kept * t.Width * t.Height)];
        int across = (t.Width + t.BlockWidth - 1) / t.BlockWidth, down = (t.Height + t.BlockHeight - 1) / t.BlockHeight;
        int planes = t.Separate ? t.Samples : 1, perPixel = t.Separate ? 1 : t.Samples;
        int rowBytes = checked((t.BlockWidth * perPixel * t.Bits + 7) / 8);
        int shift = bitDepth - 8;
        var block = new byte[checked(rowBytes * t.BlockHeight)];
        for (int plane = 0; plane < Math.Min(planes, t.Kept); plane++)
        {
            for (int b = 0; b < across * down; b++)
            {
                int x0 = b % across * t.BlockWidth, y0 = b / across * t.BlockHeight;
                int columns = Math.Min(t.BlockWidth, t.Width - x0), rows = Math.Min(t.BlockHeight, t.Height - y0);
                int index = plane * across * down + b, wanted = t.Tiled ? block.Length : rowBytes * rows;
                int got = t.Tiled
                    ? tiff.ReadEncodedTile(index, block, 0, wanted)
                    : tiff.ReadEncodedStrip(index, block, 0, wanted);
                if (got != wanted || TiffErrors.Last is not null) throw Broken(path, TiffErrors.Last ?? FileWalk.Cut);
                for (int y = 0; y < rows; y++)
                {
                    var row = block.AsSpan(y * rowBytes, rowBytes);
                    for (int x = 0; x < columns; x++)
                    {
                        int to = ((y0 + y) * t.Width + x0 + x) * t.Kept, from = x * perPixel;
                        if (t.Separate) kept[to + plane] = Sample(row, x, t.Bits, shift);
                        else for (int s = 0; s < t.Kept; s++) kept[to + s] = Sample(row, from + s, t.Bits, shift);
                    }
                }
            }
        }
        return kept;
    }

    private static ushort[][] Palette(Tiff tiff, string path) =>
        tiff.GetField(TiffTag.COLORMAP) is [var r, var g, var b]
            ? [r.ToUShortArray(), g.ToUShortArray(), b.ToUShortArray()]
            : throw Broken(path, "its palette is missing");

    /// <summary>Sample i of a row; of 16 bits (in the host's byte order) the upper 8 of those used, of fewer than 8 the
    /// bare value.</summary>
    private static byte Sample(ReadOnlySpan<byte> row, int i, int bits, int shift) => bits switch
    {
        8 => row[i],
        16 => (byte)Math.Min(255, MemoryMarshal.Cast<byte, ushort>(row)[i] >> shift),
        _ => (byte)(row[i * bits / 8] >> (8 - bits - i * bits % 8) & ((1 << bits) - 1)),
    };

    /// <summary>What a TIFF's directory says, and whether we can read it.</summary>
    private sealed class TiffLayout
    {
        public TiffLayout(Tiff tiff, string path)
        {
            int Tag(TiffTag tag, int otherwise) => tiff.GetFieldDefaulted(tag)?[0].ToInt() ?? otherwise;
            (Width, Height) = (Tag(TiffTag.IMAGEWIDTH, 0), Tag(TiffTag.IMAGELENGTH, 0));
            (Bits, Samples) = (Tag(TiffTag.BITSPERSAMPLE, 1), Tag(TiffTag.SAMPLESPERPIXEL, 1));
            Orientation = Tag(TiffTag.ORIENTATION, 1);
            Separate = Tag(TiffTag.PLANARCONFIG, 1) == (int)PlanarConfig.SEPARATE;
            Photometric = (Photometric)Tag(TiffTag.PHOTOMETRIC, Samples >= 3 ? 2 : 1);
            if (Photometric == Photometric.YCBCR && Tag(TiffTag.COMPRESSION, 1) == (int)Compression.JPEG)
            {
                tiff.SetField(TiffTag.JPEGCOLORMODE, JpegColorMode.RGB);
                Photometric = Photometric.RGB;
            }
            Colours = Photometric switch
            {
                Photometric.MINISWHITE or Photometric.MINISBLACK or Photometric.PALETTE => 1,
                Photometric.RGB => 3,
                Photometric.SEPARATED => 4,
                _ => throw Broken(path, $"its TIFF colours are of the kind {Photometric}, which is not read"),
            };
            var format = (SampleFormat)Tag(TiffTag.SAMPLEFORMAT, 1);
            if (Bits is not (1 or 2 or 4 or 8 or 16) || format is not (SampleFormat.UINT or SampleFormat.VOID)
                || (Photometric == Photometric.PALETTE && Bits > 8) || (Colours > 1 && Bits < 8))
                throw Broken(path, $"its TIFF samples ({Bits} bits, {format}) are not read; save it with 8 or 16 bits");
            if (Samples < Colours) throw Broken(path, $"it has {Samples} of {Colours} colour samples");
            var extra = tiff.GetField(TiffTag.EXTRASAMPLES);
            Alpha = Samples > Colours && extra is not null && extra[1].ToShortArray() is [var first, ..]
                ? (ExtraSample)first
                : ExtraSample.UNSPECIFIED;
            Tiled = tiff.IsTiled();
            BlockWidth = Tiled ? Tag(TiffTag.TILEWIDTH, 0) : Width;
            // An absent or enormous number of rows a strip means one strip.
            int rows = Tag(Tiled ? TiffTag.TILELENGTH : TiffTag.ROWSPERSTRIP, Height);
            BlockHeight = Tiled ? rows : rows <= 0 ? Height : Math.Min(rows, Height);
            // The library divides by it.
            if (!Tiled && rows <= 0) tiff.SetField(TiffTag.ROWSPERSTRIP, Height);
        }

        public int Width { get; }

        public int Height { get; }

        public int Bits { get; }

        public int Samples { get; }

        public int Orientation { get; }

        public bool Separate { get; }

        public bool Tiled { get; }

        public int BlockWidth { get; }

        public int BlockHeight { get; }

        public Photometric Photometric { get; }

        /// <summary>Samples of a pixel that are colours or a palette's index.</summary>
        public int Colours { get; }

        public ExtraSample Alpha { get; }

        /// <summary>Colours, and alpha where there is one.</summary>
        public int Kept => Colours + (Alpha == ExtraSample.UNSPECIFIED ? 0 : 1);

        /// <summary>White: of more than 8 bits the high byte is kept.</summary>
        public int Largest => Bits >= 8 ? 255 : (1 << Bits) - 1;
    }

    /// <summary>Keeps the library's error message instead of printing it; a decode runs on one thread.</summary>
    private sealed class TiffErrors : TiffErrorHandler
    {
        public static readonly TiffErrors Instance = new();

        [ThreadStatic] public static string? Last;

        public override void ErrorHandler(Tiff? tif, string? method, string format, params object[] args) =>
            Last ??= string.Format(System.Globalization.CultureInfo.InvariantCulture, format, args).TrimEnd('.');

        public override void ErrorHandlerExt(Tiff? tif, object? clientData, string? method, string format,
            params object[] args)
        { }

        public override void WarningHandler(Tiff? tif, string? method, string format, params object[] args) { }

        public override void WarningHandlerExt(Tiff? tif, object? clientData, string? method, string format,
            params object[] args)
        { }
    }

    /// <summary>A stream that outlives the writer.</summary>
    private sealed class OpenStream : TiffStream
    {
        public override void Close(object? clientData) { }
    }
}
