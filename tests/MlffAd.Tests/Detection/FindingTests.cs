namespace MlffAd.Tests.Detection;

public sealed class FindingTests
{
    [Fact]
    public void TheBoxIsInPixelsOfThePhotographWhateverTheVerdict()
    {
        var cells = new ScoreMap(4, 4, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0]);
        var photograph = new RgbImage(400, 200, new byte[3 * 400 * 200]);
        Finding Of(float threshold, float pixelThreshold) =>
            Finding.Of(new(Item("a.png"), photograph, 9, cells, null), threshold, pixelThreshold, new(pixelThreshold));
        Assert.Equal(("defect", new PixelBox(200, 100, 100, 50)),
            (Of(5, 4.5f * 4.5f / 9).Verdict, Shrunk(Of(5, 4.4f).Box!.Value)));
        Assert.Equal(("good", null), (Of(9, 9).Verdict, Of(9, 9).Box)); // at the threshold is good
        Assert.NotNull(Of(9, 3).Box);

        // Half of the peak is reached halfway to the next cell's centre: the cell's own pixels, in each direction.
        static PixelBox Shrunk(PixelBox box) =>
            new((box.X + 1) / 100 * 100, (box.Y + 1) / 50 * 50, box.Width / 100 * 100, box.Height / 50 * 50);
    }

    [Fact]
    public void AScoreThatIsNoNumberIsTheModelsFaultAndNotAGoodPart()
    {
        foreach (float score in new[] { float.NaN, float.PositiveInfinity })
        {
            var finding = Finding.Of(new(Item("a.png"), null, score, new(1, 1, [score]), null), 1, 1, new(1));
            Assert.Equal((ExitCode.BadModel, "unreadable", null), (finding.Code, finding.Verdict, finding.Score));
            Assert.Equal(Finding.NotFinite("a.png").Message, finding.Error);
        }
    }

    [Fact]
    public void EqualNamesGetPathsOfTheirOwn()
    {
        string[] Names(params string[] paths) =>
            [.. HeatMapNames.Of([.. paths.Select(Item)]).Select(name => name.Replace('\\', '/'))];
        Assert.Equal(["a.png", "b.png"], Names("x/a.png", "x/b.jpg"));
        Assert.Equal(["x/a.png", "y/z/a.png"], Names("x/a.png", "y/z/a.tif"));
        Assert.Equal(["x/a.png", "xy/a.png"], Names("x/a.png", "xy/a.png"));
        Assert.Equal(["x/a.png", "a.png"], Names("x/a.png", "a.png"));
        Assert.Equal(["a.png", "a.jpg.png", "A.bmp.png"], Names("x/a.png", "x/a.jpg", "x/A.bmp"));
        Assert.Equal(["a.png", "a.png.png", "a.png-2.png"], Names("x/a.png", "x/a.png", "x/../x/a.png"));
        Assert.Equal(["in/a.png", "out/a.png"], Names("../in/a.png", "../out/a.png"));
        Assert.Empty(Names());
    }

    [Theory]
    [InlineData("=1+1.png", "./=1+1.png"), InlineData("-2.png", "./-2.png")]
    [InlineData("+cmd|' /C calc'!A0.png", "./+cmd|' /C calc'!A0.png")]
    [InlineData("@SUM(A1,A2)/a.png", "\"./@SUM(A1,A2)/a.png\""), InlineData("=\"x\".png", "\"./=\"\"x\"\".png\"")]
    [InlineData("\t=1.png", "./\t=1.png"), InlineData("\r=1.png", "\"./\r=1.png\"")]
    [InlineData("/abs/=a.png", "/abs/=a.png"), InlineData("a=b-c+d@e.png", "a=b-c+d@e.png")]
    public void NoFieldOfTheTableIsAFormula(string path, string field)
    {
        string table = Path.GetTempFileName();
        using (var files = new FindingFiles(table, null, 0, 0))
        {
            files.Add(Finding.Of(new(Item(path), null, -1.5f, new(1, 1, [-1.5f]), null), 0, 0, new(0)));
            files.Finish(complete: true);
        }
        Assert.Equal($"path,score,verdict,x,y,w,h\n{field},-1.5,good,,,,\n", File.ReadAllText(table));
        File.Delete(table);
    }

    private static ImageItem Item(string path) => new(path, path, DataSet.Good);
}
