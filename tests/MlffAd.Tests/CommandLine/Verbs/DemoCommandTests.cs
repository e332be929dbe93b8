using System.CommandLine;
using System.Text.Json;
using MlffAd.Cli;

namespace MlffAd.Tests.CommandLine;

/// <summary>The demo on a tiny network and few photographs; its own size takes minutes.</summary>
public sealed class DemoCommandTests : IDisposable
{
    private static readonly DemoPlan Tiny = new(
        Preset.Find("tiny").With("memory.size", "64"), Preset.Find("tiny").With("train.batch", "4"), Images: 16,
        Train: 8, Good: 2, Defective: 1);

    private readonly string _folder = Directory.CreateTempSubdirectory("mlffad").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ItDrawsTrainsEvaluatesAndSaysWhereTheReportsAre()
    {
        string json = Path.Combine(_folder, "demo.json");
        var (code, lines) = Demo(TestContext.Current.CancellationToken, "--output", Path.Combine(_folder, "demo"),
            "--json", json, "--device", "cpu");
        Assert.Equal(0, code);
        foreach (string material in new[] { "cloth", "metal" })
        {
            // What a memory finds is said before the network trains.
            string[] starts =
            [
                $"Remembering {material}, on cpu: 64 cells of 8 good photographs at 64 × 64 pixels",
                $"{material}, memory, learnt in ",
                $"Training on {material}, on cpu: 16 images at 64 × 64 pixels",
                $"{material}, network, learnt in ",
            ];
            int At(string start) => Array.FindIndex(lines, line => line.StartsWith(start, StringComparison.Ordinal));
            int[] at = [.. starts.Select(At)];
            Assert.DoesNotContain(-1, at);
            Assert.Equal(at.Order(), at);
            RequireReport("memory", "memory.mlffad", "memory-report", "<h2>Making</h2>");
            RequireReport("network", "mlffad", "report", "Training loss");

            void RequireReport(string learner, string model, string pages, string said)
            {
                string folder = Path.Combine(_folder, "demo");
                string page = Path.Combine(folder, $"{material}-{pages}", "index.html");
                Assert.Contains($"The report on {material}, {learner}, with every picture: '{page}'.", lines);
                Assert.Contains($"<h1>{material}, {learner}</h1>", File.ReadAllText(page), StringComparison.Ordinal);
                Assert.Contains(said, File.ReadAllText(page), StringComparison.Ordinal);
                Assert.True(File.Exists(Path.Combine(folder, $"{material}.{model}")));
            }
        }
        Assert.Equal(4, lines.Count(line => line.StartsWith("all  ", StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.StartsWith("Means, memory: image AUROC ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("Means, network: image AUROC ", StringComparison.Ordinal));
        var network = JsonDocument.Parse(File.ReadAllText(json)).RootElement;
        foreach (var means in new[] { network, network.GetProperty("memory") })
        {
            Assert.Equal(JsonValueKind.Number, means.GetProperty("pixel").GetProperty("auroc").ValueKind);
            Assert.Equal(2 * (2 + 4), means.GetProperty("images").GetArrayLength());
        }
    }

    [Fact]
    public void InterruptedItStops()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => Demo(stop.Token, "--output", Path.Combine(_folder, "stopped"),
            "--device", "cpu"));
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsCode7()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.Equal(7, CommandRun.Of("demo", "--output", file).Code);
    }

    private static (int Code, string[] Lines) Demo(CancellationToken stop, params string[] args)
    {
        using var output = new StringWriter();
        var configuration = new InvocationConfiguration { Output = output, EnableDefaultExceptionHandler = false };
        int code = new RootCommand
        {
            CommonOptions.Quiet, DemoCommand.Create(Tiny),
        }.Parse(["demo", .. args]).InvokeAsync(configuration, stop).GetAwaiter().GetResult();
        return (code, output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }
}
