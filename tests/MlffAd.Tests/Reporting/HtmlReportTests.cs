using System.Text.RegularExpressions;
using MlffAd.Reporting;

namespace MlffAd.Tests.Reporting;

public sealed partial class HtmlReportTests
{
    private static readonly byte[] Hole = [1, 0, 0, 0];

    private static readonly EvaluationResult Mixed = EvaluationResult.Of(
    [
        Image("good/fine.png", 1), Image("good/alarm.png", 4), Image("hole/found.png", 9, Hole),
            Image("hole/missed<1>.png", 2, Hole),
        Image("hole/nearly.png", 3.1f, Hole),
    ], threshold: 3, pixelThreshold: 2, new(2));

    [Fact]
    public void ThePageNeedsNothingButItself()
    {
        string page = Page(new Report("cloth & thread", Mixed, _ => Photo));
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.DoesNotContain("url(", page, StringComparison.Ordinal);
        Assert.All(Sources().Matches(page),
            source => Assert.StartsWith("data:image/", source.Groups[1].Value, StringComparison.Ordinal));
        Assert.Equal(3 * 5 + 3, Sources().Count(page)); // three pictures each, and the masks of the defects
        Assert.Contains("prefers-color-scheme: dark", page, StringComparison.Ordinal);
        foreach (string tag in new[] { "section", "article", "figure", "figcaption", "svg", "table", "tr", "td", "div",
            "p", "span", "header", "dl" })
            Assert.Equal(Regex.Count(page, $"<{tag}[ >]"), Regex.Count(page, $"</{tag}>"));
    }

    [Fact]
    public void TheWorstErrorsComeFirstAndNamesAreEscaped()
    {
        string page = Page(new Report("cloth & thread", Mixed, _ => Photo));
        int[] at = [.. new[] { "missed&lt;1&gt;.png", "alarm.png", "nearly.png", "fine.png",
            "found.png" }.Select(name =>
                page.IndexOf($"'path'>{(name[0] is 'a' or 'f' && name != "found.png" ? "good" : "hole")}/{name}",
                    StringComparison.Ordinal))];
        Assert.All(at, position => Assert.True(position > 0));
        Assert.Equal(at.Order(), at);
        Assert.Contains("<h1>cloth &amp; thread</h1>", page, StringComparison.Ordinal);
        Assert.Contains("finds <b>2 of 3 defective parts</b> and flags <b>1 of 2 good parts</b>", page,
            StringComparison.Ordinal);
    }

    [Fact]
    public void TheGalleryKeepsToItsLimitAndSaysSo()
    {
        string page = Page(new Report("cloth", Mixed, _ => Photo) { GalleryLimit = 3 });
        Assert.Equal(3, Regex.Count(page, "<article"));
        Assert.Contains("1 of 3 are shown.", page, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutMasksOrLogThePageShowsWhatThereIs()
    {
        EvaluationResult result = EvaluationResult.Of([Image("hole/a.png", 2)], 1, 1, new(2));
        string page = Page(new Report("cloth", result, _ => Photo));
        Assert.Contains("there are no masks", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Region overlap", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Training loss", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        Assert.Contains("<td class='gap'>–</td>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void LossesAndFactsAppearWhereGiven()
    {
        LossPoint[] losses = [.. Enumerable.Range(0, 1000)
            .Select(i => new LossPoint(i, i == 500 ? double.NaN : 3, 2, 1, 0))];
        string page = Page(new Report("cloth", Mixed, _ => Photo)
        {
            Losses = losses,
            Facts = [new("Model", [("image size", "<64>")])],
        });
        Assert.Contains("Training loss", page, StringComparison.Ordinal);
        Assert.Contains("mean over 5 steps", page, StringComparison.Ordinal);
        Assert.Contains("<th>image size</th><td>&lt;64&gt;</td>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLogIsReadPastOtherAndUnfinishedLines()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, """
            {"event":"start","seed":1}
            {"step":0,"total":3.5,"lf":1,"ls":2,"lfs":0.5,"rate":0.001}
            {"step":1,"total":"NaN","lf":1,"ls":2,"lfs":0.5}
            {"step":2,"total":3,"lf":1,"ls":1.5,"lfs":0.5}
            {"phase":"reading","done":3,"seconds":1.5}
            {"phase":"all","images":3,"seconds":2}
            {"phase":4,"seconds":2}
            {"step":3,"tot
            """);
        Assert.Equal([new LossPoint(0, 3.5, 1, 2, 0.5), new LossPoint(2, 3, 1, 1.5, 0.5)], TrainingLog.Losses(path));
        Assert.Equal([new PhaseTime("reading", 1.5), new PhaseTime("all", 2)], TrainingLog.Phases(path));
        File.Delete(path);
    }

    [Theory]
    [InlineData("1e999", "1", "2", "3")]
    [InlineData("-1e999", "1", "2", "3")]
    [InlineData("1e308", "1", "2", "3")]
    [InlineData("3", "10000000000000000", "10000000000000002", "10000000000000004")]
    [InlineData("3", "9223372036854775807", "9223372036854775807", "9223372036854775806")]
    [InlineData("3", "-9223372036854775808", "9223372036854775807", "0")]
    [InlineData("3", "5", "5", "5")]
    public void APageIsWrittenWhateverTheLogSays(string loss, params string[] steps)
    {
        string path = Path.GetTempFileName();
        File.WriteAllLines(path, steps.Select(step =>
            $$"""{"step":{{step}},"total":{{loss}},"lf":{{loss}},"ls":{{loss}},"lfs":{{loss}}}"""));
        var losses = TrainingLog.Losses(path);
        Assert.Equal(3, losses.Count);
        string page = Page(new Report("cloth", Mixed, _ => Photo) { Losses = losses });
        bool isPlotted = page.Contains("Training loss", StringComparison.Ordinal);
        Assert.Equal(!loss.Contains("999", StringComparison.Ordinal), isPlotted);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        Assert.DoesNotContain("∞", page, StringComparison.Ordinal);
        Assert.InRange(page.Length, 0, 1 << 20);
        File.Delete(path);
    }

    [Fact]
    public void DamagedLinesOfALogArePassedOverAndOneThatCannotBeReadSaysNothing()
    {
        string path = Path.GetTempFileName();
        string[] steps = ["\"x\"", "1.5", "9223372036854775808", "1e30", "null", "[1]", "{}"];
        File.WriteAllText(path, "\0\0\n" + string.Concat(steps.Select(step =>
            $$"""{"step":{{step}},"total":3,"lf":1,"ls":2,"lfs":0}""" + "\n"))
            + """
            {"step":7,"total":3,"lf":1,"ls":2,"lfs":0}
            {"step":8,"total":"\ud800","lf":1,"ls":2,"lfs":0}
            {"phase":"\ud800","seconds":1}
            {"\ud800":"all","phase":"ok","seconds":1}
            {"phase":"far","seconds":1e999}
            [1,2
            """);
        Assert.Equal([new LossPoint(7, 3, 1, 2, 0)], TrainingLog.Losses(path));
        Assert.Equal(["ok", "far"], TrainingLog.Phases(path).Select(phase => phase.Phase));
        var facts = ModelFacts.Making(TrainingLog.Phases(path));
        string page = Page(new Report("cloth", Mixed, _ => Photo) { Facts = facts });
        Assert.Contains("<th>ok</th>", page, StringComparison.Ordinal);
        File.Delete(path);
        string folder = Directory.CreateTempSubdirectory().FullName;
        foreach (string none in new[] { path, folder, Path.Combine(folder, "none", "log") })
        {
            Assert.Empty(TrainingLog.Losses(none));
            Assert.Empty(TrainingLog.Phases(none));
        }
        string locked = Path.Combine(folder, "locked");
        File.WriteAllText(locked, """{"step":7,"total":3,"lf":1,"ls":2,"lfs":0}""");
        using (new FileStream(locked, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Empty(TrainingLog.Losses(locked));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void APhotographThatHasGoneIsMissingFromThePageAndNothingElse()
    {
        string page = Page(new Report("cloth", Mixed, image => image.Path.Contains("found", StringComparison.Ordinal)
            ? throw new MlffAdException(ExitCode.BadData, "gone") : Photo));
        Assert.Equal(3 * 5 + 3 - 2, Sources().Count(page));
        Assert.Single(Regex.Matches(page, "no longer readable"));
        Assert.Contains("hole/found.png", page, StringComparison.Ordinal);
        foreach (string tag in new[] { "article", "figure", "figcaption", "div" })
            Assert.Equal(Regex.Count(page, $"<{tag}[ >]"), Regex.Count(page, $"</{tag}>"));
    }

    [Fact]
    public void ScoresThatAreFarOrEqualHaveAHistogram()
    {
        foreach (float score in new[] { 0, 1e17f, -3e38f, 3e38f, float.Epsilon })
        {
            TestImage[] images = [Image("good/a.png", score), Image("hole/b.png", score, Hole)];
            var result = EvaluationResult.Of(images, score, 1, new(2));
            string page = Page(new Report("cloth", result, _ => Photo));
            Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
            Assert.DoesNotContain("∞", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TheLegendIsOfTheModelsOwnScale()
    {
        var network = new Report("cloth", Mixed, _ => Photo);
        Assert.Contains("<span>−3.00</span><span>2.00 pixel threshold</span><span>7.00</span>",
            Page(network), StringComparison.Ordinal);
        Assert.Contains("<span>0.00</span><span>2.00 pixel threshold</span><span>4.00</span>",
            Page(network with { Scale = ColourScale.Of(Preset.Find("memory"), 2) }), StringComparison.Ordinal);
    }

    private static RgbImage Photo => new(3, 2, [.. Enumerable.Range(0, 18).Select(i => (byte)(i * 10))]);

    private static TestImage Image(string path, float score, byte[]? mask = null) =>
        new(path, Path.GetDirectoryName(path)!, score, new ScoreMap(2, 2, [score, 1, 0, 1]), 3, 2, mask);

    private static string Page(Report report)
    {
        string path = Path.GetTempFileName();
        HtmlReport.Write(path, report);
        string page = File.ReadAllText(path);
        File.Delete(path);
        return page;
    }

    [GeneratedRegex("<img[^>]* src='([^']*)'")]
    private static partial Regex Sources();
}
