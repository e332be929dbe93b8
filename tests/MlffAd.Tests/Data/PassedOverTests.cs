using MlffAd.Tests.CommandLine;
using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>What looks like an image is judged, or said not to be; never passed over in silence.</summary>
[Collection(nameof(TinyModel))]
public sealed class PassedOverTests(TinyModel tiny)
{
    private string Good => Path.Combine(tiny.Data, "test", "good", "20.png");

    [Theory]
    [InlineData("jpe")]
    [InlineData("JFIF")]
    [InlineData("jif")]
    [InlineData("pjpeg")]
    [InlineData("dib")]
    [InlineData("gif")]
    [InlineData("Tiff")]
    public void EveryExtensionOfAFormatThatIsReadIsSearchedFor(string extension)
    {
        string folder = Folder($"read-{extension}", $"a.{extension}");
        Assert.Equal($"a.{extension}", Path.GetFileName(Assert.Single(DataSet.Find([folder])).Name));
        Assert.Empty(FoundImages.Of([folder]).PassedOver);
    }

    [Theory]
    [InlineData("a.heic")]
    [InlineData("b.PGM")]
    [InlineData("c.avif")]
    [InlineData("below/d.dng")]
    [InlineData("e.jxl")]
    [InlineData("f.exr")]
    public void AFormatThatIsNotReadIsAnErrorByName(string name)
    {
        string folder = Folder("passed-" + name.Replace('/', '-'), "good.png", name), csv = tiny.PathOf("passed.csv");
        var run = CommandRun.Of("detect", tiny.Model, folder, "--threshold", "100", "--csv", csv);
        Assert.Equal(3, run.Code);
        Assert.Contains(run.Lines, line => line.Contains("good ", Ordinal) && line.EndsWith("/good.png", Ordinal));
        Assert.Contains(run.Lines, line => line.Contains("unreadable ", Ordinal) && line.EndsWith($"/{name}", Ordinal));
        string extension = Path.GetExtension(name).ToLowerInvariant();
        Assert.Contains($"/{name}' was not judged: {extension} is a format that is not read; "
            + "convert it to PNG.", run.Error, Ordinal);
        Assert.Contains("mlffad: 1 of 2 images were not judged.", run.Error, Ordinal);
        Assert.Contains(File.ReadLines(csv),
            line => line.Contains(name, Ordinal) && line.Contains("unreadable", Ordinal));
        // A defect does not hide it.
        Assert.Equal(3, CommandRun.Of("detect", tiny.Model, folder, "--threshold", "-100").Code);
    }

    [Theory]
    [InlineData(new byte[] { 0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10 })]
    [InlineData(new byte[] { 0xFF, 0xD8, 0xFF, 0xE0 })]
    [InlineData(new byte[] { (byte)'P', (byte)'5', 10, (byte)'8' })]
    [InlineData(new byte[] { 0, 0, 0, 24, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'h', (byte)'e', (byte)'i',
        (byte)'c' })]
    [InlineData(new byte[] { (byte)'I', (byte)'I', 42, 0 })]
    public void AFileWithoutExtensionThatBeginsLikeAnImageIsNamed(byte[] start)
    {
        string folder = Folder($"bare-{start[0]}-{start[3]}", "good.png");
        File.WriteAllBytes(Path.Combine(folder, "part7"), [.. start, .. new byte[64]]);
        Assert.EndsWith("/part7", Assert.Single(FoundImages.Of([folder]).PassedOver).Name, Ordinal);
        var run = CommandRun.Of("detect", tiny.Model, folder, "--threshold", "100");
        Assert.Equal(3, run.Code);
        Assert.Contains("/part7' was not judged: it has no extension, but begins like an image", run.Error, Ordinal);
    }

    [Theory]
    [InlineData("part_2024.05.01-12.30.15")]
    [InlineData("frame.0001")]
    [InlineData("x.png~")]
    [InlineData("a.png.part")]
    public void AnImageOfAnyExtensionIsNamed(string name)
    {
        string folder = Folder($"odd-{name}", "good.png");
        File.Copy(Good, Path.Combine(folder, name));
        var run = CommandRun.Of("detect", tiny.Model, folder, "--threshold", "100");
        Assert.Equal(3, run.Code);
        Assert.Contains($"/{name}' was not judged: it is called {Path.GetExtension(name)}, but begins like an image",
            run.Error, Ordinal);
    }

    [Fact]
    public void ALinkThatLeadsNowhereIsNamed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "To link takes rights here.");
        string folder = Folder("dangling", "good.png");
        Directory.CreateSymbolicLink(Path.Combine(folder, "today"), "/nowhere/at/all");
        var run = CommandRun.Of("detect", tiny.Model, folder, "--threshold", "100");
        Assert.Equal(3, run.Code);
        Assert.Contains("/today' was not judged: it is a link that leads nowhere.", run.Error, Ordinal);
    }

    [Fact]
    public void FilesThatAreNoImagesAreNoMatter()
    {
        string folder = Folder("others", "good.png", "notes.txt", "list.csv", "README", ".hidden.heic");
        File.WriteAllBytes(Path.Combine(folder, "empty"), []);
        var run = CommandRun.Of("detect", tiny.Model, folder, "--threshold", "100");
        Assert.Equal((0, "mlffad: Left out: 4 that are no images, 1 hidden.\n"),
            (run.Code, run.Error.ReplaceLineEndings("\n")));
        Assert.Equal("", CommandRun.Of("detect", tiny.Model, folder, "--threshold", "100", "--quiet").Error);
    }

    [Fact]
    public void AFolderOfNothingElseIsStillNotGood()
    {
        string folder = Folder("alone", "a.heic", "b.heic");
        var run = CommandRun.Of("detect", tiny.Model, folder);
        Assert.Equal(3, run.Code);
        Assert.Equal(2, run.Lines.Count(line => line.Contains("unreadable ", Ordinal)));
        Refusing("inspect", folder);
        Refusing("threshold", tiny.Model, folder);

        void Refusing(params string[] words)
        {
            var refused = CommandRun.Of(words);
            Assert.Equal(3, refused.Code);
            Assert.Contains("2 images are passed over: 'a.heic', 'b.heic'; convert them to PNG.",
                refused.Error, Ordinal);
        }
    }

    [Fact]
    public void OtherVerbsWarn()
    {
        string data = tiny.CopyData("with-heic");
        foreach (string name in new[] { "train/good/x.heic", "test/good/y.pgm" })
            File.WriteAllText(Path.Combine(data, name), "x");
        const string said = "2 images are passed over: 'train/good/x.heic', 'test/good/y.pgm'; convert them to PNG.";
        Assert.Contains(said, CommandRun.Of("evaluate", tiny.Model, data).Error, Ordinal);
        Assert.Contains(said, CommandRun.Of("synth", data, "-o", tiny.PathOf("sheet.png")).Error, Ordinal);
        Assert.Contains("2 images are passed over", CommandRun.Of("inspect", data).Output, Ordinal);
        var train = CommandRun.Of(["train", data, "-o", tiny.PathOf("heic.mlffad"), .. TinyModel.Remembering]);
        Assert.Contains(said, train.Output, Ordinal);
    }

    /// <summary>A folder with copies of a good photograph of those names; of names of other formats, with some
    /// text.</summary>
    private string Folder(string name, params string[] files)
    {
        string folder = tiny.PathOf(name);
        foreach (string file in files)
        {
            string path = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (file.EndsWith(".png", Ordinal)) File.Copy(Good, path, overwrite: true);
            else File.WriteAllText(path, "nothing that could be read here");
        }
        return folder;
    }
}
