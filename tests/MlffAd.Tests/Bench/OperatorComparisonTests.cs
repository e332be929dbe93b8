using System.Text.Json;
using MlffAd.Bench;

namespace MlffAd.Tests.Bench;

public sealed class OperatorComparisonTests : IDisposable
{
    /// <summary>The bench's list of operators is compiled into these tests: they are a build of it, too.</summary>
    private static readonly string Own = typeof(OperatorRun).Assembly.Location;

    private readonly Device _device = Device.Open("cpu", 2);

    public void Dispose() => _device.Dispose();

    [Fact]
    public void ABuildIsComparedWithItself()
    {
        using OperatorBuild again = new(Own, _device, 1), here = new(Own, _device, 1), there = new(Own, _device, 1);
        var comparison = new OperatorComparison(here, there, again, "batchnorm.running");
        Assert.Equal("", comparison.LeftOut);
        var row = comparison.Time(Assert.Single(comparison.Cases), rounds: 7, footprint: 0);
        Assert.True(row.ThisSeconds > 0 && row.OtherSeconds > 0);
        Assert.All([row.Ratio, row.Noise], r => Assert.True(0 < r.Low && r.Low <= r.Median && r.Median <= r.High));

        using var output = new StringWriter();
        var table = new ComparisonTable(_device, 1, "before", 7, [row], "Only this build has some.");
        table.Write(output);
        string[] shown = [_device.Name, "'before'", row.Case, "Only this build has some.", "Geometric mean of 1 row:"];
        foreach (string text in shown)
            Assert.Contains(text, output.ToString(), StringComparison.Ordinal);
        var json = JsonDocument.Parse(table.Json()).RootElement;
        Assert.Equal(row.Ratio.Median, json.GetProperty("ratio").GetDouble(), 1e-12);
        Assert.Equal(row.Case, json.GetProperty("rows")[0].GetProperty("row").GetString());
    }

    [Fact]
    public void RowsOfOneBuildAreNamedAndLeftOut()
    {
        using OperatorBuild one = new(Own, _device, 1), two = new(Own, _device, 2);
        var some = new OperatorComparison(one, two, one, "million");
        Assert.NotEmpty(some.Cases);
        Assert.Equal("", some.LeftOut);
        var all = new OperatorComparison(one, two, one, null);
        Assert.Equal(some.Cases.Count, all.Cases.Count(c => c.Contains("million", StringComparison.Ordinal)));
        Assert.Contains("softmax [1,1,128,128]", all.LeftOut, StringComparison.Ordinal);
        var none = Assert.Throws<MlffAdException>(() => new OperatorComparison(one, two, one, "softmax ["));
        Assert.Equal(ExitCode.Usage, none.Code);
        string left = "Only this build has softmax [1,1,128,128]. Only the other build has softmax [2,1,128,128].";
        Assert.EndsWith(left, none.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MlffAd.dll")]                  // no operators in it
    [InlineData("MlffAd.Tests.deps.json")]      // no assembly
    [InlineData("MlffAd.Missing.dll")]
    public void WhatIsNoBuildIsRefused(string file)
    {
        string path = Path.Combine(Path.GetDirectoryName(Own)!, file);
        var refused = Assert.Throws<MlffAdException>(() => new OperatorBuild(path, _device, 1));
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void RatiosHaveQuartiles()
    {
        var ratio = RatioOfTimes.Of([1, 2, 9, 4, 5, 6, 7], [1, 1, 3, 1, 1, 1, 1]);
        Assert.Equal(new RatioOfTimes(4, 2, 6), ratio);
        Assert.Equal(new RatioOfTimes(0.5, 0.5, 0.5), RatioOfTimes.Of([1], [2]));
    }
}
