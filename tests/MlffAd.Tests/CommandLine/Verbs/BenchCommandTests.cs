namespace MlffAd.Tests.CommandLine;

public sealed class BenchCommandTests : IDisposable
{
    private readonly string _page = Path.GetTempFileName();

    public void Dispose() => File.Delete(_page);

    [Fact]
    public void BenchGemmPrintsTheProductsAndTheLaddersAndWritesThemIntoAPage()
    {
        File.WriteAllText(_page,
            "before\n<!-- bench convolution -->\n<!-- /bench convolution -->\nbetween\n<!-- bench gemm -->\nold\n<!-- "
                + "/bench gemm -->\nafter\n");
        var run = CommandRun.Of("bench", "gemm", "--rounds", "1", "--threads", "2", "--update", _page);
        Assert.Equal((0, ""), (run.Code, run.Error));
        string page = File.ReadAllText(_page);
        foreach (string text in new[] { run.Output, page })
            foreach (string figure in new[] { "M1024 N1024 K9216", "M4096 N256 K2304", ", 1 thread: peak",
                ", 2 threads: peak", "1: vectors", "1: im2col" })
                Assert.Contains(figure, text, StringComparison.Ordinal);
        Assert.StartsWith("before\n<!-- bench convolution -->\nThe convolution's ladder", page,
            StringComparison.Ordinal);
        // Figures of an unnamed machine say nothing: each page names it.
        using var device = Device.Open("cpu");
        Assert.All(page.Split("\nbetween\n"), half => Assert.Contains(device.Name, half, StringComparison.Ordinal));
        Assert.Contains("|\n<!-- /bench convolution -->\nbetween\n<!-- bench gemm -->\n", page,
            StringComparison.Ordinal);
        Assert.EndsWith("|\n<!-- /bench gemm -->\nafter\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("\nold\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void BenchThreadsFindsTheSameWeightsAndSaysWhatTheThreadsBring()
    {
        var run =
            CommandRun.Of(["bench", "threads", "--rounds", "1", "--threads", "3", "--preset", "tiny", "--batch", "4"]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.StartsWith("1 thread   step of 4 images ", run.Lines[0], StringComparison.Ordinal);
        Assert.StartsWith("3 threads  step of 4 images ", run.Lines[1], StringComparison.Ordinal);
        Assert.EndsWith(" Weights after 2 steps: the same bytes.", run.Lines[2], StringComparison.Ordinal);
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

    [Fact]
    public void TheOperatorsAreRefusedAnUnknownDeviceAndAPageWithoutMarksBeforeAnythingIsBuilt()
    {
        var run = CommandRun.Of("bench", "ops", "--device", "abacus");
        Assert.Equal(5, run.Code);
        Assert.Contains("'abacus'", Assert.Single(run.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(2, CommandRun.Of("bench", "ops", "--device", "debug").Code);
        File.WriteAllText(_page, "<!-- bench gemm -->\n<!-- /bench gemm -->\n");
        run = CommandRun.Of("bench", "ops", "--device", "cpu", "--update", _page);
        Assert.Equal(3, run.Code);
        Assert.Contains("<!-- bench ops -->", Assert.Single(run.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public void TheOperatorsAreRefusedAFolderWithoutABuildBeforeAnythingIsBuilt()
    {
        var checkout = Directory.CreateTempSubdirectory();
        try
        {
            string[] against = ["--against", checkout.FullName];
            Assert.Contains("nor a checkout", Refusal(against), StringComparison.Ordinal);
            checkout.CreateSubdirectory("bench/MlffAd.Bench");
            Assert.Contains("'dotnet build bench/MlffAd.Bench -c Release'", Refusal(against), StringComparison.Ordinal);
            var output = checkout.CreateSubdirectory("bench/MlffAd.Bench/bin/Release/net10.0");
            File.WriteAllText(Path.Combine(output.FullName, "MlffAd.Bench.dll"), "");
            Assert.Contains("--update", Refusal([.. against, "--update", _page]), StringComparison.Ordinal);
            Assert.Contains("--against", Refusal("--rounds", "3"), StringComparison.Ordinal);
        }
        finally { checkout.Delete(recursive: true); }
    }

    private static string Refusal(params string[] options)
    {
        var run = CommandRun.Of(["bench", "ops", "--device", "cpu", .. options]);
        Assert.Equal(2, run.Code);
        return Assert.Single(run.Error.TrimEnd().Split('\n'));
    }
}
