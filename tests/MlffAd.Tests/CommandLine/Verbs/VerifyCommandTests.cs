using MlffAd.Cli;

namespace MlffAd.Tests.CommandLine;

public sealed class VerifyCommandTests
{
    [Fact]
    public void ATensorOverItsToleranceIsShownFirstAndCode1()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        string cases = """[{"name":"sum","op":"add","attrs":{},"inputs":["a","b"],"outputs":["y"],"upstream":["y"],"grads":["a","b"]}]""";
        TensorData Pair(string name, float first, float second) =>
            TensorData.Floats($"sum/{name}", [2], new[] { first, second });
        Safetensors.Write(path, [Pair("a", 1, 2), Pair("b", 3, 4), Pair("y", 4, 6.5f), Pair("d_y", 1, 1),
            Pair("d_a", 1, 1), Pair("d_b", 1, 1)], new Dictionary<string, string>
            {
                ["kind"] = "operators",
                ["cases"] = cases,
            });

        var (code, lines, _) = Run("verify", "--device", "cpu", "--threads", "1", path);
        Assert.Equal(1, code);
        Assert.EndsWith("on cpu, 1 thread: 3 compared, 1 OVER TOLERANCE, largest error/tolerance 7692.308", lines[0],
            StringComparison.Ordinal);
        Assert.EndsWith("OVER  error 7.69e-02  tolerance 1e-05  share 7692.308  sum/y", lines[1],
            StringComparison.Ordinal);
        File.Delete(path);
    }

    [Fact]
    public void FilesWithinToleranceAreCode0AndAllShowsEveryTensor()
    {
        string path = Golden.PathOf("reference_cases.json");
        Assert.Equal(1 + 5, Run("verify", "--device", "cpu", path).Lines.Length);
        var (code, lines, _) = Run("verify", "--device", "cpu", "--all", path);
        Assert.Equal((0, 1 + 34), (code, lines.Length));
        Assert.Contains("34 compared, all within tolerance", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnreadableFileIsCode4AndDoesNotHideTheOthers()
    {
        var (code, lines, error) =
            Run("verify", "--device", "cpu", "absent.safetensors", Golden.PathOf("reference_cases.json"));
        Assert.Equal(4, code);
        Assert.Contains("absent.safetensors", error, StringComparison.Ordinal);
        Assert.NotEmpty(lines);
    }

    private static (int Code, string[] Lines, string Error) Run(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        int code = Program.Run(args, output, error);
        return (code, output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries),
            error.ToString());
    }
}
