using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>A file of several pictures is refused: only its first would be looked at. A picture's copies are
/// none.</summary>
public sealed class SeveralPicturesTests : IDisposable
{
    private static readonly byte[] _grey = [1, 2, 3, 4, 5, 6];

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void TheyAreCounted(int pictures)
    {
        byte[] webp = SeedFiles.Webp(ImageFileTests.Noise(6, 4), lossless: true);
        byte[] control = [0, 0, 0, (byte)pictures, 0, 0, 0, 0];
        foreach (byte[] file in new[]
        {
            SeedFiles.Gif(6, [.. Enumerable.Range(0, pictures).Select(i => (byte)i)]),
            SeedFiles.AnimatedWebp(webp, 6, 4, pictures),
            PngBytes.Make(3, 2, 8, 0, _grey, extra: [("acTL", control)]),
            new TiffBytes().Make([.. Enumerable.Repeat(0, pictures).Select(Page)]),
            new TiffBytes(HighFirst: true).Make([.. Enumerable.Repeat(2, pictures).Select(Page)]),
            new TiffBytes(Big: true).Make([.. Enumerable.Repeat(0, pictures).Select(Page)]),
        })
        {
            string path = Save(file);
            foreach (var read in new Action[] { () => ImageFile.Read(path), () => ImageFile.ReadHeader(path) })
            {
                var e = Assert.Throws<MlffAdException>(read);
                Assert.Equal(ExitCode.BadData, e.Code);
                Assert.Contains(path, e.Message, Ordinal);
                Assert.Contains($"it holds {pictures} pictures", e.Message, Ordinal);
                Assert.Contains("save each as a file of its own", e.Message, Ordinal);
            }
        }
    }

    [Fact]
    public void OneAloneIsReadThoughItsKindMayHoldMore()
    {
        var image = ImageFileTests.Noise(6, 4);
        byte[] webp = SeedFiles.Webp(image, lossless: true);
        Assert.Equal(image.Rgb, ImageFile.Read(Save(SeedFiles.AnimatedWebp(webp, 6, 4, 1))).Rgb);
        Assert.Equal(image.Rgb, ImageFile.Read(Save(SeedFiles.ExtendedWebp(webp, 6, 4, ("XMP ", [1, 2, 3])))).Rgb);
        Assert.Equal(6, ImageFile.Read(Save(SeedFiles.Gif(6, 3))).Width);
        AssertGrey(PngBytes.Make(3, 2, 8, 0, _grey, extra: [("acTL", [0, 0, 0, 1, 0, 0, 0, 0])]));
        AssertGrey(new TiffBytes().Make(Page(2)));
    }

    [Theory]
    [InlineData(0, 1)]         // the picture, then a smaller copy
    [InlineData(0, 1, 1, 1)]   // a pyramid
    [InlineData(0, 4)]         // a mask
    [InlineData(0, 5, 1)]
    [InlineData(1, 0)]         // a copy that stands first
    [InlineData(1, 4, 2, 1)]
    public void SmallerCopiesAndMasksOfATiffAreNoPictures(params int[] kinds)
    {
        foreach (var tiff in new TiffBytes[] { new(), new(HighFirst: true), new(Big: true) })
            AssertGrey(tiff.Make([.. kinds.Select(k => (k & 5) == 0 ? Page(k) : (TiffBytes.Grey(1, 1, k), [[200]]))]));
    }

    [Fact]
    public void OldWordsForASmallerCopyCountToo()
    {
        var copy = TiffBytes.Grey(1, 1);
        copy.Remove(254);
        copy[255] = [2];
        AssertGrey(new TiffBytes().Make(Page(0), (copy, [[200]])));
    }

    [Fact]
    public void ACopyWithoutItsPictureIsNotLookedAt()
    {
        string path = Save(new TiffBytes().Make(Page(1)));
        var e = Assert.Throws<MlffAdException>(() => ImageFile.Read(path));
        Assert.Contains("no picture of full size", e.Message, Ordinal);
    }

    [Fact]
    public void ARingOfDirectoriesEnds()
    {
        byte[] tiff = new TiffBytes().Make(Page(0));
        BitConverter.GetBytes(8).CopyTo(tiff, 8 + 2 + 12 * 10);
        string path = Save(tiff);
        Assert.Contains("ring", Assert.Throws<MlffAdException>(() => ImageFile.Read(path)).Message, Ordinal);
    }

    private static (SortedDictionary<int, long[]> Directory, byte[][] Strips) Page(int subfile) =>
        (TiffBytes.Grey(3, 2, subfile), [_grey]);

    private void AssertGrey(byte[] file) => Assert.Equal(_grey, ImageFile.ReadMask(Save(file)).Values);

    private string Save(byte[] bytes)
    {
        string path = Path.Combine(_folder, "image.bin");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
