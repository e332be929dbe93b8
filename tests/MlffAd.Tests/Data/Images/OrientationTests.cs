namespace MlffAd.Tests.Data;

/// <summary>EXIF turns a picture, whatever the file around it is.</summary>
public sealed class OrientationTests : IDisposable
{
    /// <summary>Two rows of three pixels.</summary>
    private static readonly byte[] _stored = [10, 20, 30, 40, 50, 60];

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 3, new byte[] { 10, 20, 30, 40, 50, 60 })]
    [InlineData(2, 3, new byte[] { 30, 20, 10, 60, 50, 40 })]
    [InlineData(3, 3, new byte[] { 60, 50, 40, 30, 20, 10 })]
    [InlineData(4, 3, new byte[] { 40, 50, 60, 10, 20, 30 })]
    [InlineData(5, 2, new byte[] { 10, 40, 20, 50, 30, 60 })]
    [InlineData(6, 2, new byte[] { 40, 10, 50, 20, 60, 30 })]
    [InlineData(7, 2, new byte[] { 60, 30, 50, 20, 40, 10 })]
    [InlineData(8, 2, new byte[] { 30, 60, 20, 50, 10, 40 })]
    [InlineData(0, 3, new byte[] { 10, 20, 30, 40, 50, 60 })]
    [InlineData(9, 3, new byte[] { 10, 20, 30, 40, 50, 60 })]
    public void PngAndWebpTurnAsJpegDoes(int orientation, int width, byte[] seen)
    {
        byte[] exif = SeedFiles.Exif(orientation);
        byte[] entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0];
        byte[] little = [(byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0, 1, 0, .. entry, 0, 0, 0, 0];
        var image = new RgbImage(3, 2, [.. _stored.SelectMany(v => new[] { v, v, v })]);
        byte[] webp = SeedFiles.Webp(image, lossless: true);
        foreach (byte[] block in new[] { exif, little, SeedFiles.Named(exif), SeedFiles.Named(little) })
        {
            foreach (byte[] file in new[]
            {
                PngBytes.Make(3, 2, 8, 0, _stored, extra: [("eXIf", block)]),
                PngBytes.Make(3, 2, 8, 0, _stored, late: [("eXIf", block)]),
                SeedFiles.ExtendedWebp(webp, 3, 2, ("EXIF", block)),
            })
            {
                string path = Save(file);
                var read = ImageFile.ReadMask(path);
                Assert.Equal(seen, read.Values);
                Assert.Equal((width, 6 / width), (read.Width, read.Height));
                Assert.Equal((width, 6 / width), ImageFile.ReadHeader(path));
            }
        }
    }

    [Fact]
    public void DamagedExifTurnsNothing()
    {
        byte[] exif = SeedFiles.Exif(3);
        for (int length = 0; length < exif.Length - 6; length++) AssertStored(exif[..length]);
        // Places outside the block, and inside themselves.
        foreach (int at in new[] { 4, 7, 9, 11, 13, 17 })
            AssertStored([.. exif[..at], (byte)(exif[at] ^ 0xFF), .. exif[(at + 1)..]]);

        void AssertStored(byte[] block)
        {
            foreach (byte[] whole in new[] { block, SeedFiles.Named(block) })
            {
                string path = Save(PngBytes.Make(3, 2, 8, 0, _stored, extra: [("eXIf", whole)]));
                Assert.Equal(_stored.Order(), ImageFile.ReadMask(path).Values.Order());
            }
        }
    }

    private string Save(byte[] bytes)
    {
        string path = Path.Combine(_folder, "image.bin");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
