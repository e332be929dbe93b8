using MlffAd.Configuration;
using MlffAd.Weights;
using Xunit;

namespace MlffAd.Tests.Weights;

public sealed class CheckpointTests : IDisposable
{
    private static readonly TrainingFile[] Files = [new("train/good/001.png", "ab"), new("train/good/000.png", "cd")];

    private static readonly CheckpointMetadata Metadata = new(new Config(), Preprocessing.ImageNet, new TrainingRecord(1, 64, long.MaxValue, "random", null), 7, "bottle",
        Files, new Dictionary<string, double> { ["skipped"] = 2, ["seconds"] = 0.1 });

    private readonly string path = Path.GetTempFileName();

    public CheckpointTests() => Checkpoint.Save(path, Metadata, [TensorData.Floats("weights/a", [1], new[] { 1f }), TensorData.Floats("velocity/a", [1], new[] { 2f })]);

    public void Dispose() => File.Delete(path);

    [Fact]
    public void ACheckpointComesBackAsItWasSaved()
    {
        using var state = Checkpoint.Open(path);
        var m = state.Metadata;
        Assert.Equal((Metadata.Config, Metadata.Training, 7L, "bottle"), (m.Config, m.Training, m.Step, m.Class));
        Assert.Equal(Files, m.Files);
        Assert.Equal(Metadata.Counters.OrderBy(c => c.Key), m.Counters);
        Assert.Equal([2f], state.Tensors.ReadFloats("velocity/a"));
        state.RequireSame(new Config(), [.. Files.Reverse()]);
    }

    [Fact]
    public void AnotherConfigurationOrOtherDataIsAUsageErrorThatNamesTheDifference()
    {
        using var state = Checkpoint.Open(path);
        void Refused(string named, Config config, params TrainingFile[] files)
        {
            var e = Assert.Throws<MlffAdException>(() => state.RequireSame(config, files));
            Assert.Equal(ExitCode.Usage, e.Code);
            Assert.Contains(named, e.Message, StringComparison.Ordinal);
            Assert.Contains(path, e.Message, StringComparison.Ordinal);
        }
        Refused("train.lr was 0.001 and is now 0.5", new Config().With("train.lr", "0.5"), Files);
        Refused("'train/good/000.png' is gone", new Config(), Files[0]);
        Refused("'new.png' is new", new Config(), [.. Files, new("new.png", "ef")]);
        Refused("'train/good/000.png' has changed", new Config(), Files[0], Files[1] with { Sha256 = "ee" });
    }

    [Fact]
    public void AModelIsNoCheckpoint()
    {
        Safetensors.Write(path, [], new Dictionary<string, string> { ["format"] = "mlffad/1" });
        Assert.Equal(ExitCode.BadModel, Assert.Throws<MlffAdException>(() => Checkpoint.Open(path)).Code);
    }
}
