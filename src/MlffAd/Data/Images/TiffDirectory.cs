namespace MlffAd.Data;

/// <summary>A directory of a TIFF file, or of EXIF, which is built like one: its entries as they stand there.</summary>
internal sealed class TiffDirectory
{
    private const int NewSubfileType = 254, SubfileType = 255, ImageWidth = 256, ImageLength = 257, BitsPerSample = 258,
        StripOffsets = 273, OrientationTag = 274, Samples = 277, RowsPerStrip = 278, StripByteCounts = 279,
        Planes = 284, TileWidth = 322, TileLength = 323, TileOffsets = 324, TileByteCounts = 325;

    private readonly Dictionary<int, (int Type, ulong Count, long At)> _entries = [];
    private readonly Source _file;

    private TiffDirectory(Source file) => _file = file;

    /// <summary>Whether a file begins like a TIFF, and how.</summary>
    public static bool Begins(ReadOnlySpan<byte> magic) =>
        magic is [(byte)'I', (byte)'I', 42 or 43, 0, ..] or [(byte)'M', (byte)'M', 0, 42 or 43, ..];

    /// <summary>A file's directories in the order of their chain, each read when it is asked for.</summary>
    /// <exception cref="IOException">The chain leads out of the file, or back, or the file is a kind of BigTIFF that is
    /// not read.</exception>
    public static IEnumerable<TiffDirectory> In(Stream stream)
    {
        var file = new Source(stream);
        if (file.HighFirst && file.Pointer == 8)
            throw new IOException("it is a big-endian BigTIFF, which is not read; save it as a little-endian one");
        var seen = new HashSet<long>();
        for (long at = file.First(); at != 0;)
        {
            if (!seen.Add(at)) throw new IOException("its TIFF directories form a ring");
            var directory = new TiffDirectory(file);
            at = directory.Read(at);
            yield return directory;
        }
    }

    /// <summary>The orientation in a block of EXIF, whose name may stand before it; 1 where there is none.</summary>
    public static int Orientation(ReadOnlySpan<byte> exif)
    {
        // The name ends in 0 and a byte to fill up.
        if (exif.StartsWith("Exif\0"u8) && exif.Length > 6) exif = exif[6..];
        if (!Begins(exif)) return 1;
        try
        {
            long? said = In(new MemoryStream(exif.ToArray())).FirstOrDefault()?.Number(OrientationTag);
            return said is >= 1 and <= 8 ? (int)said : 1;
        }
        catch (IOException) { return 1; }
    }

    /// <summary>Whether it is a picture of its own: no smaller copy, no mask, no thumbnail without a size.</summary>
    public bool IsPicture => (Number(NewSubfileType) & 0b101) == 0 && Number(SubfileType) != 2 && Width > 0;

    /// <summary>Columns, up to 2⁶³ − 1.</summary>
    public long Width => Number(ImageWidth);

    /// <summary>Rows, up to 2⁶³ − 1.</summary>
    public long Height => Number(ImageLength);

    /// <summary>Bits of a sample.</summary>
    public long Bits => Number(BitsPerSample, 1);

    /// <summary>Columns of a tile or strip.</summary>
    public long BlockWidth => IsTiled ? Number(TileWidth) : Width;

    /// <summary>Rows of a tile or strip; an absent or enormous number of rows a strip means one strip.</summary>
    public long BlockHeight => IsTiled ? Number(TileLength)
        : Number(RowsPerStrip) is var rows and > 0 ? Math.Min(rows, Height) : Height;

    private bool IsTiled => _entries.ContainsKey(TileWidth) || _entries.ContainsKey(TileLength);

    /// <summary>Why the library must not see the directory, whose sides are within bounds; null: it may.</summary>
    public string? Fault()
    {
        // Every count within the file's length: the library takes memory by them.
        if (_entries.Values.Any(e => e.Count > (ulong)_file.Length / (ulong)Size(e.Type))) return FileWalk.Damaged;
        long samples = Number(Samples, 1), planes = Number(Planes) == 2 ? samples : 1, bits = Bits;
        if (samples is < 1 or > ushort.MaxValue || bits is < 1 or > 64) return FileWalk.Damaged;
        if (BlockWidth * BlockHeight * (samples / planes * bits + 7) / 8 > Array.MaxLength)
            return $"its strips or tiles of {BlockWidth}×{BlockHeight} pixels with {samples} samples are too large";
        long blocks = ((Width - 1) / BlockWidth + 1) * ((Height - 1) / BlockHeight + 1) * planes;
        long[] offsets = Numbers(TileOffsets) ?? Numbers(StripOffsets) ?? [];
        long[] counts = Numbers(TileByteCounts) ?? Numbers(StripByteCounts) ?? [];
        if (offsets.Length < blocks) return $"its TIFF directory names {offsets.Length} of {blocks} strips or tiles";
        for (int i = 0; i < blocks; i++)
            if (offsets[i] > _file.Length - (i < counts.Length ? counts[i] : 0)) return FileWalk.Cut;
        return null;
    }

    /// <summary>The first number of an entry.</summary>
    private long Number(int tag, long otherwise = 0) =>
        _entries.TryGetValue(tag, out var e) && e.Count > 0 ? _file.Number(e.At, Size(e.Type)) : otherwise;

    private long[]? Numbers(int tag)
    {
        if (!_entries.TryGetValue(tag, out var e)) return null;
        var numbers = new long[e.Count];
        int size = Size(e.Type);
        for (int i = 0; i < numbers.Length; i++) numbers[i] = _file.Number(e.At + (long)i * size, size);
        return numbers;
    }

    /// <summary>Reads the entries at a place, and says where the next directory is; 0: there is none.</summary>
    private long Read(long at)
    {
        int pointer = _file.Pointer, entry = 4 + 2 * pointer;
        long count = _file.Number(at, pointer == 8 ? 8 : 2), first = at + (pointer == 8 ? 8 : 2);
        if (count > (_file.Length - at) / entry) throw new IOException(FileWalk.Cut);
        for (long e = first; e < first + count * entry; e += entry)
        {
            int tag = (int)_file.Number(e, 2), type = (int)_file.Number(e + 2, 2);
            ulong values = (ulong)_file.Number(e + 4, pointer);
            bool inside = values <= (ulong)(pointer / Size(type));
            _entries.TryAdd(tag, (type, values, inside ? e + 4 + pointer : _file.Number(e + 4 + pointer, pointer)));
        }
        return _file.Number(first + count * entry, pointer);
    }

    /// <summary>Bytes of a value; of a type that nobody knows, 1.</summary>
    private static int Size(int type) => type switch
    {
        3 or 8 => 2,
        4 or 9 or 11 or 13 => 4,
        5 or 10 or 12 or 16 or 17 or 18 => 8,
        _ => 1,
    };

    /// <summary>A file whose numbers begin with the lowest byte or the highest, and whose places have four bytes or
    /// eight.</summary>
    private sealed class Source
    {
        private readonly Stream _stream;

        public Source(Stream stream)
        {
            _stream = stream;
            HighFirst = Number(0, 1) == 'M';
            Pointer = Number(2, 2) == 43 ? 8 : 4;
        }

        public long Length => _stream.Length;

        public bool HighFirst { get; }

        /// <summary>Bytes of a place in the file.</summary>
        public int Pointer { get; }

        public long First() => Number(Pointer, Pointer);

        /// <summary>An unsigned number; beyond 2⁶³ − 1 that.</summary>
        /// <exception cref="IOException">The file ends before it.</exception>
        public long Number(long at, int size)
        {
            if (at < 0 || at > Length - size) throw new IOException(FileWalk.Cut);
            Span<byte> bytes = stackalloc byte[size];
            _stream.Position = at;
            _stream.ReadExactly(bytes);
            if (HighFirst) bytes.Reverse();
            ulong number = 0;
            for (int i = size - 1; i >= 0; i--) number = number << 8 | bytes[i];
            return (long)Math.Min(number, long.MaxValue);
        }
    }
}
