using MlffAd.Tests.CommandLine;

namespace MlffAd.Tests.Detection;

[Collection(nameof(TinyModel))]
public sealed class DetectorTests(TinyModel tiny)
{
    private static readonly DetectorOptions OnProcessor = new() { Device = "cpu" };

    private string Test => Path.Combine(tiny.Data, "test");

    private string Photograph => Path.Combine(Test, "square", "30.png");

    [Fact]
    public void ItSaysWhatDetectWritesAndDraws()
    {
        foreach (string model in new[] { tiny.Model, tiny.Memory })
        {
            string photographs = tiny.CopyData("agree");
            string csv = tiny.PathOf("agree.csv"), maps = tiny.PathOf("agree-maps");
            File.WriteAllText(Path.Combine(photographs, "test", "good", "broken.png"), "broken");
            File.WriteAllText(Path.Combine(photographs, "test", "good", "raw.heic"), "of another format");
            string folder = Path.Combine(photographs, "test");
            var run = CommandRun.Of("detect", model, folder, "--device", "cpu", "--csv", csv, "--heatmaps", maps);
            var rows = File.ReadLines(csv).Skip(1).ToList();
            using var detector = Detector.Open(model, OnProcessor);
            var found = FoundImages.Of([folder]);
            var findings = detector.Inspect(found).Select((finding, i) =>
            {
                if (finding.Score is null) return finding;
                string drawn = Path.Combine(maps, HeatMapNames.Of(found.Images)[i]);
                Assert.Equal(ImageFile.Read(drawn).Rgb, finding.DrawHeatMap().Rgb);
                return finding;
            }).ToList();
            Assert.Equal(8, findings.Count);
            Assert.Equal(rows, findings.Select(Row));
            Assert.Equal((3, 2), (run.Code, findings.Count(finding => finding.Code == ExitCode.BadData)));
            Directory.Delete(photographs, recursive: true);
        }
    }

    [Fact]
    public void AFileItsPixelsAndASequenceGetTheSameFinding()
    {
        string[] paths = [.. Directory.GetFiles(Test, "*.png", SearchOption.AllDirectories).Order()];
        using var detector = Detector.Open(tiny.Model, OnProcessor);
        string[] rows = [.. detector.Inspect(paths).Select(Row)];
        Assert.Equal(rows, paths.Select(path => Row(detector.Inspect(path))));
        Assert.Equal(rows, paths.Select(path => Row(detector.Inspect(ImageFile.Read(path), path))));
        Assert.Equal(rows, detector.Inspect(paths.Select(path => path)).Select(Row));
        Assert.Equal(rows, detector.Inspect(FoundImages.Of(paths)).Select(Row));
        Assert.Empty(detector.Inspect(Array.Empty<string>()));
    }

    [Fact]
    public void AnEndlessSequenceIsReadOnlyAFewPhotographsAhead()
    {
        int taken = 0;
        IEnumerable<string> Endless()
        {
            for (; ; taken++) yield return Photograph;
        }
        using var detector = Detector.Open(tiny.Model, OnProcessor with { Threads = 1 });
        Assert.Equal(10, detector.Inspect(Endless()).Take(10).Count());
        Assert.InRange(taken, 10, 30);
    }

    [Fact]
    public void ThresholdsAreTheModelsUnlessGiven()
    {
        using var own = Detector.Open(tiny.Model, OnProcessor);
        Assert.Equal((own.Model.Metadata.Threshold, own.Model.Metadata.PixelThreshold),
            (own.Threshold, own.PixelThreshold));
        using var strict = new Detector(own.Model, OnProcessor with { Threshold = -1e9f, PixelThreshold = -1e9f });
        using var lax = new Detector(own.Model, OnProcessor with { Threshold = 1e9f, PixelThreshold = 1e9f });
        Finding defect = strict.Inspect(Photograph), good = lax.Inspect(Photograph);
        Assert.Equal(("defect", ExitCode.Defect, new PixelBox(0, 0, 72, 64)),
            (defect.Verdict, defect.Code, defect.Box));
        Assert.Equal(("good", ExitCode.Success, null), (good.Verdict, good.Code, good.Box));
        Assert.Equal(own.Inspect(Photograph).Score, good.Score);
    }

    [Fact]
    public void WhatWasNotLookedAtIsNeverGood()
    {
        string broken = tiny.PathOf("broken.png");
        File.WriteAllText(broken, "broken");
        using var detector = Detector.Open(tiny.Model, OnProcessor);
        foreach (string path in new[] { broken, tiny.PathOf("nowhere.png"), tiny.Folder, "", "a\0b" })
        {
            Finding finding = detector.Inspect(path);
            Assert.Equal(("unreadable", ExitCode.BadData, null, false, null),
                (finding.Verdict, finding.Code, finding.Score, finding.IsDefect, finding.Cells));
            Assert.Contains($"'{Shown.Text(path)}'", finding.Error, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(finding.DrawHeatMap);
        }
        using var small = Detector.Open(tiny.Model, OnProcessor with { MaxPixels = 100 });
        Assert.Contains("more than the 100 allowed", small.Inspect(Photograph).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void AScoreThatIsNoNumberIsAnErrorOfTheModel()
    {
        var model = Model.Load(tiny.Model);
        model.Weights.Trained.AsSpan().Fill(float.NaN);
        using var detector = new Detector(model, OnProcessor);
        Finding finding = detector.Inspect(Photograph);
        Assert.Equal(("unreadable", ExitCode.BadModel, null), (finding.Verdict, finding.Code, finding.Score));
    }

    [Fact]
    public void APictureOfOneColourIsJudgedAsAnyOther()
    {
        string path = tiny.PathOf("grey.png");
        var grey = new RgbImage(40, 30, [.. Enumerable.Repeat((byte)110, 3 * 40 * 30)]);
        ImageFile.WritePng(path, grey);
        using var detector = Detector.Open(tiny.Memory, OnProcessor);
        Finding finding = detector.Inspect(grey, path);
        Assert.Null(finding.Error);
        Assert.Equal(Row(detector.Inspect(path)), Row(finding));
        var run = CommandRun.Of("detect", tiny.Memory, path, "--device", "cpu");
        Assert.Equal(((int)finding.Code, ""), (run.Code, run.Error));
    }

    [Fact]
    public void AHeatMapIsDrawnWhileThePhotographIsThereOrIsGivenAgain()
    {
        using var detector = Detector.Open(tiny.Model, OnProcessor);
        Finding alone = detector.Inspect(Photograph);
        var all = detector.Inspect([Photograph, Photograph]).ToList();
        var e = Assert.Throws<InvalidOperationException>(all[0].DrawHeatMap);
        Assert.Contains("before the next finding", e.Message, StringComparison.Ordinal);
        Assert.Equal(alone.DrawHeatMap().Rgb, all[0].DrawHeatMap(ImageFile.Read(Photograph)).Rgb);
        Assert.Equal((7, 5), (all[1].DrawHeatMap(new(7, 5, new byte[105])).Width, 5));
    }

    [Fact]
    public void WhatIsWrongWithTheModelOrTheCallIsThrown()
    {
        Assert.Equal(ExitCode.BadModel, Assert.Throws<MlffAdException>(() => Detector.Open("nowhere.mlffad")).Code);
        Assert.Equal(ExitCode.BadModel, Assert.Throws<MlffAdException>(() => Detector.Open(Photograph)).Code);
        Assert.Throws<DeviceException>(() => Detector.Open(tiny.Model, new() { Device = "abacus" }));
        foreach (var wrong in new[] { OnProcessor with { Threshold = float.NaN }, OnProcessor with { MaxPixels = 0 },
            OnProcessor with { PixelThreshold = float.PositiveInfinity }, OnProcessor with { Threads = -1 } })
            Assert.Throws<ArgumentOutOfRangeException>(() => Detector.Open(tiny.Model, wrong));
        using var detector = Detector.Open(tiny.Model, OnProcessor);
        foreach (var image in new RgbImage[] { new(0, 0, []), new(2, 2, new byte[11]), new(-1, -1, new byte[3]) })
            Assert.Throws<ArgumentException>(() => detector.Inspect(image));
    }

    [Fact]
    public void ADisposedDetectorSaysSo()
    {
        var detector = Detector.Open(tiny.Model, OnProcessor);
        using var findings = detector.Inspect([Photograph, Photograph]).GetEnumerator();
        Assert.True(findings.MoveNext());
        detector.Dispose();
        detector.Dispose();
        Assert.Equal(72, findings.Current.DrawHeatMap().Width);
        Assert.Throws<ObjectDisposedException>(() => findings.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => detector.Inspect(Photograph));
        Assert.Throws<ObjectDisposedException>(() => detector.Inspect(new RgbImage(1, 1, new byte[3])));
        Assert.Throws<ObjectDisposedException>(() => detector.Inspect([Photograph]));
    }

    private static string Row(Finding f) => string.Create(CultureInfo.InvariantCulture,
        $"{f.Path},{f.Score},{f.Verdict},{f.Box?.X},{f.Box?.Y},{f.Box?.Width},{f.Box?.Height}");
}
