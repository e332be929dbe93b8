using BitMiracle.LibTiff.Classic;
using MlffAd.Reporting;

namespace MlffAd.Tests.Reporting;

public sealed class TiffMapsTests
{
    [Fact]
    public void MapsLieWhereTheBenchmarksScriptLooksAtThePhotographsSize()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        var image = new TestImage("/photos/bottle/test/hole/007.png", "hole", 4, new ScoreMap(2, 1, [0, 4]), 4, 2,
            null);
        TiffMaps.Write(folder, "bottle", EvaluationResult.Of([image], 1, 1, new(2)));
        using (Tiff tiff = Tiff.Open(Path.Combine(folder, "bottle", "test", "hole", "007.tiff"), "r"))
        {
            Assert.Equal((4, 2, 32, 1), (Field(tiff, TiffTag.IMAGEWIDTH), Field(tiff, TiffTag.IMAGELENGTH),
                Field(tiff, TiffTag.BITSPERSAMPLE), Field(tiff, TiffTag.SAMPLESPERPIXEL)));
            Assert.Equal((int)SampleFormat.IEEEFP, Field(tiff, TiffTag.SAMPLEFORMAT));
            var strip = new byte[32];
            Assert.Equal(32, tiff.ReadEncodedStrip(0, strip, 0, 32));
            Assert.Equal([0, 1, 3, 4, 0, 1, 3, 4], strip.Chunk(4).Select(bytes => BitConverter.ToSingle(bytes)));
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsAnOutputError()
    {
        string file = Path.GetTempFileName();
        EvaluationResult result =
            EvaluationResult.Of([new("a.png", "good", 1, new ScoreMap(1, 1, [1]), 1, 1, null)], 1, 1, new(2));
        Assert.Equal(ExitCode.Output,
            Assert.Throws<MlffAdException>(() => TiffMaps.Write(file, "bottle", result)).Code);
        File.Delete(file);
    }

    private static int Field(Tiff tiff, TiffTag tag) => tiff.GetField(tag)[0].ToInt();
}
