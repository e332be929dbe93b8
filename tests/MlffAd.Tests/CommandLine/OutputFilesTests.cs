using System.Diagnostics;
using MlffAd.Reporting;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>Nothing that a run reads is written over by it, under whatever name, and no two results share a
/// file.</summary>
[Collection(nameof(TinyModel))]
public sealed class OutputFilesTests(TinyModel tiny)
{
    /// <summary>IMAGE, MASK and MODEL stand for copies of such files; LINK and HARD for links to the image.</summary>
    [Theory]
    [InlineData("detect MODEL IMAGE --csv MODEL")]
    [InlineData("detect MODEL IMAGE --csv IMAGE")]
    [InlineData("detect MODEL IMAGE --json LINK")]
    [InlineData("detect MODEL IMAGE --json HARD")]
    [InlineData("detect MODEL LINK --csv IMAGE")]
    [InlineData("detect MODEL DATA/test/good --heatmaps DATA/test/good")]
    [InlineData("detect MODEL IMAGE --csv out.csv --json ./out.csv")]
    [InlineData("detect MODEL IMAGE --csv FOLDER/x --json FOLDER/sub/../x")]
    [InlineData("evaluate MODEL DATA --json MASK")]
    [InlineData("evaluate MODEL DATA --json MODEL")]
    [InlineData("evaluate MODEL DATA --json IMAGE")]
    [InlineData("train DATA -o IMAGE --preset tiny --weights none")]
    [InlineData("train DATA -o x.mlffad --preset tiny --weights x.mlffad.log.jsonl", "x.mlffad.log.jsonl")]
    [InlineData("train DATA -o MODEL --preset tiny --weights MODEL")]
    [InlineData("export onnx MODEL -o MODEL")]
    [InlineData("weights import MODEL -o MODEL")]
    [InlineData("profile --json out.csv --trace ./out.csv")]
    [InlineData("synth DATA/train/good -o DATA/train/good/00.png")]
    [InlineData("synth DATA/train/good -o DATA/train/good/new.png")]
    public void WhatIsReadIsNotWritten(string line, string? made = null)
    {
        string folder = tiny.PathOf("over-" + line.GetHashCode(Ordinal)),
            data = tiny.CopyData(Path.GetFileName(folder) + "/data");
        string image = Path.Combine(data, "test", "good", "20.png"), link = Path.Combine(folder, "link.png"),
            hard = Path.Combine(folder, "hard.png");
        string model = Path.Combine(folder, "m.mlffad"),
            mask = Directory.GetFiles(Path.Combine(data, "ground_truth", "square"))[0];
        File.Copy(tiny.Model, model);
        Directory.CreateDirectory(Path.Combine(folder, "sub"));
        if (made is not null) File.WriteAllText(Path.Combine(folder, made), "x");
        if (OperatingSystem.IsLinux())
        {
            File.CreateSymbolicLink(link, image);
            using var run = Process.Start("ln", [image, hard]);
            run.WaitForExit();
        }
        Assert.SkipUnless(OperatingSystem.IsLinux() || !(line + link)
            .Contains("HARD", Ordinal), "No links are made here.");
        var before = Contents(folder);
        string[] words = [.. line.Split(' ').Select(word => word
            .Replace("MODEL", model, Ordinal).Replace("IMAGE", image, Ordinal).Replace("MASK", mask, Ordinal)
                .Replace("LINK", link, Ordinal)
            .Replace("HARD", hard, Ordinal).Replace("DATA", data, Ordinal).Replace("FOLDER", folder, Ordinal))
            .Select(word => word.StartsWith("x.", Ordinal) || word.Contains("out.csv", Ordinal)
                ? Path.Combine(folder, word) : word)];
        var refused = CommandRun.Of(words);
        Assert.Equal((2, ""), (refused.Code, line.StartsWith("train", Ordinal) ? "" : refused.Output));
        Assert.Single(refused.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(before, Contents(folder));
    }

    [Fact]
    public void TiffMapsDoNotReplaceTestImages()
    {
        string data = tiny.CopyData("tiffs/squares"), image = Path.Combine(data, "test", "good", "20.tiff");
        File.Move(Path.Combine(data, "test", "good", "20.png"), image);
        var refused = CommandRun.Of("evaluate", tiny.Model, data, "--tiff", tiny.PathOf("tiffs"));
        Assert.Equal(2, refused.Code);
        Assert.Contains("20.tiff", refused.Error, Ordinal);
        Assert.True(ImageFile.Read(image).Width > 0);
    }

    [Fact]
    public void TwoImagesOfOneStemHaveTiffMapsOfTheirOwn()
    {
        var paths = TiffMaps.PathsOf("d", "c",
        [("test/dent/x.png", "dent"), ("test/dent/x.jpg", "dent"), ("test/dent/in/x.png", "dent"),
            ("test/ok/1.png", "good")]);
        Assert.Equal(
            ["d/c/test/dent/x.tiff", "d/c/test/dent/x.jpg.tiff", "d/c/test/dent/in/x.tiff", "d/c/test/good/1.tiff"],
            paths.Select(path => path.Replace('\\', '/')));
    }

    [Theory]
    [InlineData("x.jpg", "x.png/1.png")]
    [InlineData("X.jpg", "x.PNG/1.png")]
    [InlineData("a/b.tif", "a/b.png/c/1.png")]
    public void NoHeatMapIsCalledAsAFolderOfThemIs(params string[] names)
    {
        var maps = HeatMapNames.Of([.. names.Select(name => new ImageItem("/in/" + name, name, DataSet.Good))]);
        Assert.Equal(Path.GetFileName(names[0]) + ".png", Path.GetFileName(maps[0]));
        Assert.DoesNotContain(maps, map => maps.Any(other => other.StartsWith(map + "/", OrdinalIgnoreCase)));
    }

    [Fact]
    public void HeatMapsAmongThePhotographsAreNotJudgedTheNextTime()
    {
        string today = tiny.CopyData("today"), good = Path.Combine(today, "test", "good"),
            maps = Path.Combine(good, "maps");
        for (int run = 0; run < 2; run++)
        {
            var said = CommandRun.Of("detect", tiny.Model, good, "--heatmaps", maps, "--threshold", "100");
            Assert.Equal((0, 3), (said.Code, said.Lines.Length));
            if (run == 1) Assert.Contains("Left out: 1 folder of results.", said.Error, Ordinal);
        }
        Assert.Equal(3, Directory.GetFiles(maps, "*.png").Length);
        // Where they are asked for, they are.
        Assert.Equal(3, CommandRun.Of("detect", tiny.Model, maps, "--threshold", "100").Lines.Length);
    }

    [Fact]
    public void AFolderWithPhotographsIsNoPlaceForHeatMaps()
    {
        string today = tiny.CopyData("places"), good = Path.Combine(today, "test", "good"),
            sub = Path.Combine(good, "sub");
        Directory.CreateDirectory(sub);
        File.Copy(Path.Combine(good, "20.png"), Path.Combine(sub, "29.png"));
        var refused = CommandRun.Of("detect", tiny.Model, Path.Combine(good, "20.png"), "--heatmaps", sub);
        Assert.Equal(2, refused.Code);
        Assert.Contains("holds photographs that are looked at", refused.Error, Ordinal);
        Assert.Equal(2, CommandRun.Of("detect", tiny.Model, good, "--heatmaps", good).Code);
        Assert.Equal(2, CommandRun.Of("evaluate", tiny.Model, today, "--tiff", good).Code);
        // Where files were named, their folder is searched the next time.
        string file = Path.Combine(sub, "29.png");
        Assert.Equal(0,
            CommandRun.Of("detect", tiny.Model, file, "--heatmaps", Path.Combine(sub, "maps"), "--threshold", "100")
            .Code);
        Assert.Equal(4, CommandRun.Of("detect", tiny.Model, good, "--threshold", "100").Lines.Length);
    }

    [Fact]
    public void ALinkAndDotsLeadWhereTheFileIs()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "No links are made here.");
        string folder = tiny.PathOf("dots"), photos = Directory.CreateDirectory(Path.Combine(folder, "photos"))
            .FullName;
        string image = Path.Combine(photos, "0.png");
        File.Copy(Path.Combine(tiny.Data, "test", "good", "20.png"), image);
        Directory.CreateDirectory(Path.Combine(folder, "elsewhere", "deep"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "link"), Path.Combine(folder, "elsewhere", "deep"));
        var refused =
            CommandRun.Of("detect", tiny.Model, photos, "--csv", Path.Combine(folder, "link") + "/../photos/0.png");
        Assert.Equal(2, refused.Code);
        Assert.True(ImageFile.Read(image).Width > 0);
    }

    private static string[] Contents(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(path =>
            $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}")];
}
