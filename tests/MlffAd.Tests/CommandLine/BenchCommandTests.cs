using Xunit;

namespace MlffAd.Tests.CommandLine;

public sealed class BenchCommandTests : IDisposable
{
    private readonly string _page = Path.GetTempFileName();

    public void Dispose() => File.Delete(_page);

    [Fact]
    public void BenchGemmPrintsTheProductsAndTheLadderAndWritesThemIntoAPage()
    {
        File.WriteAllText(_page, "before\n<!-- bench gemm -->\nold\n<!-- /bench gemm -->\nafter\n");
        var run = CommandRun.Of("bench", "gemm", "--rounds", "1", "--update", _page);
        Assert.Equal((0, ""), (run.Code, run.Error));
        string page = File.ReadAllText(_page);
        foreach (string text in new[] { run.Output, page })
        {
            Assert.Contains("M1024 N1024 K9216", text, StringComparison.Ordinal);
            Assert.Contains("M4096 N256 K2304", text, StringComparison.Ordinal);
            Assert.Contains("0: the definition", text, StringComparison.Ordinal);
        }
        Assert.StartsWith("before\n<!-- bench gemm -->\n", page, StringComparison.Ordinal);
        Assert.EndsWith("|\n<!-- /bench gemm -->\nafter\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("old", page, StringComparison.Ordinal);
    }

    [Fact]
    public void APageWithoutMarksIsRefusedBeforeAnythingIsTimed()
    {
        File.WriteAllText(_page, "no marks");
        var run = CommandRun.Of("bench", "gemm", "--update", _page);
        Assert.Equal(3, run.Code);
        Assert.Contains(_page, run.Error, StringComparison.Ordinal);
        Assert.Equal("no marks", File.ReadAllText(_page));
    }
}
