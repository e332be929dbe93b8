using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>What a TIFF's directory claims is held against file and limit before memory is taken for it.</summary>
public sealed class TiffDirectoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(256, int.MaxValue)]   // width
    [InlineData(257, 3_000_000_000)]  // height, no int
    [InlineData(257, 0)]
    [InlineData(277, 65535)]          // samples
    [InlineData(277, 0)]
    [InlineData(258, 1_000_000)]      // bits
    [InlineData(279, 4_000_000_000)]  // bytes of the strip
    [InlineData(279, 7)]
    public void ANumberThatTheFileCannotHoldIsRefused(int tag, long value) =>
        AssertBroken(directory => directory[tag] = [value]);

    [Theory]
    [InlineData(1 << 20, 1 << 20)]
    [InlineData(16, int.MaxValue)]
    [InlineData(0, 16)]
    [InlineData(1, 1)]                // six tiles, one named
    public void TilesThatTheFileCannotHoldAreRefused(long width, long height) => AssertBroken(directory =>
    {
        directory.Remove(278);
        (directory[322], directory[323], directory[324], directory[325]) = ([width], [height], [100], [6]);
    });

    [Theory]
    [InlineData(273)]
    [InlineData(279)]
    [InlineData(320)]
    [InlineData(33432)]               // a copyright, which is not read
    public void AListLongerThanTheFileIsRefused(int tag)
    {
        byte[] tiff = Make(d => d.TryAdd(tag, [0]));
        int entry = tiff.AsSpan().IndexOf(BitConverter.GetBytes((ushort)tag));
        BitConverter.GetBytes(uint.MaxValue).CopyTo(tiff, entry + 4);
        AssertBroken(tiff);
    }

    [Theory]
    [InlineData(4)]                   // of 256 colours
    [InlineData(3 * 16)]
    [InlineData(3 * 255)]
    public void APaletteThatIsTooShortIsRefused(int colours) => AssertBroken(directory =>
    {
        directory[262] = [3];
        directory[320] = [.. Enumerable.Range(0, colours).Select(c => c * 257L)];
    });

    [Fact]
    public void APaletteOfEightBitsIsSeenAsOne()
    {
        byte[] tiff = Make(d => (d[262], d[320]) = ([3], [.. Enumerable.Range(0, 3 * 256).Select(c => c % 256L)]));
        Assert.Equal([1, 2, 3, 4, 5, 250], ImageFile.ReadMask(Save(tiff)).Values);
    }

    [Fact]
    public void TheChecksLetPassWhatTheLibraryReads()
    {
        Assert.Equal([1, 2, 3, 4, 5, 250], ImageFile.ReadMask(Save(Make(d => d[278] = [uint.MaxValue]))).Values);
        Assert.Equal([1, 2, 3, 4, 5, 250], ImageFile.ReadMask(Save(Make(d => d.Remove(278)))).Values);
        Assert.Equal([1, 2, 3, 4, 5, 250], ImageFile.ReadMask(Save(new TiffBytes(HighFirst: true)
            .Make((new(TiffBytes.Grey(3, 2)) { [278] = [1] }, [[1, 2, 3], [4, 5, 250]])))).Values);
    }

    [Fact]
    public void ABigTiffWithTheHighestByteFirstIsNamed()
    {
        var big = new TiffBytes(HighFirst: true, Big: true);
        foreach (int side in new[] { 1, 2, 40 })
        {
            byte[] tiff = big.Make((TiffBytes.Grey(side, side), [new byte[side * side]]));
            Assert.Contains("big-endian BigTIFF", AssertBroken(tiff), Ordinal);
        }
    }

    private static byte[] Make(Action<SortedDictionary<int, long[]>> change)
    {
        var directory = TiffBytes.Grey(3, 2);
        change(directory);
        return new TiffBytes().Make((directory, [[1, 2, 3, 4, 5, 250]]));
    }

    private void AssertBroken(Action<SortedDictionary<int, long[]>> change) => AssertBroken(Make(change));

    private string AssertBroken(byte[] tiff)
    {
        string path = Save(tiff);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<MlffAdException>(() => ImageFile.Read(path));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains(path, e.Message, Ordinal);
        return e.Message;
    }

    private string Save(byte[] bytes)
    {
        string path = Path.Combine(_folder, "image.tif");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
