using System.Text.Json;

namespace MlffAd.Tests.CommandLine;

public sealed class ProfileCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlffad-profile-").FullName;

    [Theory]
    [InlineData("A training step", "sgd.step")]
    [InlineData("Scoring a batch", "convolution", "--scoring")]
    public void EveryKernelOfAStepIsListedAndEveryCallTraced(string what, string kernel, params string[] more)
    {
        string json = Path.Combine(_folder, "profile.json"), trace = Path.Combine(_folder, "trace.json");
        var run = CommandRun.Of(["profile", "--device", "cpu", "--preset", "tiny", "--batch", "2", "--steps", "2",
            "--json", json, "--trace", trace, .. more]);
        Assert.Equal(0, run.Code);
        Assert.Contains($"{what} of 2 images on cpu", run.Output, StringComparison.Ordinal);
        Assert.Contains(kernel, run.Output, StringComparison.Ordinal);
        using var document = JsonDocument.Parse(File.ReadAllText(json));
        var kernels = document.RootElement.GetProperty("kernels").EnumerateArray().ToList();
        using var events = JsonDocument.Parse(File.ReadAllText(trace));
        Assert.Equal(2 * kernels.Sum(k => k.GetProperty("calls").GetDouble()),
            events.RootElement.GetProperty("traceEvents").GetArrayLength());
        Assert.All(kernels, k => Assert.True(k.GetProperty("ofRoofline").GetDouble() >= 0));
    }

    [Theory]
    [InlineData("tf32")]
    [InlineData("bf16")]
    public void AProcessorMultipliesInFloat32Only(string precision)
    {
        var run = CommandRun.Of("profile", "--device", "cpu", "--preset", "tiny", "--precision", precision);
        Assert.Equal((int)ExitCode.Device, run.Code);
        Assert.Contains($"'cpu' multiplies in float32 only; {precision}", run.Error, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, CommandRun.Of("profile", "--precision", "fp8").Code);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
