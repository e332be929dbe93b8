using static System.StringComparison;

namespace MlffAd.Tests.Training;

/// <summary>A training goes on with the configuration that it began with, whatever a preset has become since.</summary>
public sealed class ResumedConfigTests : IDisposable
{
    /// <summary>As preset fast was before there was a memory beside it.</summary>
    private static readonly Config Small = EarlierBytesTests.SmallConfig("fast").NetworkAlone.With("train.bn", "train");

    private readonly MemoryFolder _folder = new(images: 10);

    public void Dispose() => _folder.Dispose();

    private TrainingRequest Request(string model, Config? config = null) =>
        new(_folder.Parts, _folder.In(model), config ?? Small) { MaxImages = 12 };

    private static TrainingOutcome Train(TrainingRequest request, int stopAt = 0)
    {
        using var device = Device.Open("cpu", threads: 1);
        using var stop = new CancellationTokenSource();
        return Trainer.Train(request, device, _ => { }, p => { if (p.Step == stopAt) stop.Cancel(); }, stop.Token);
    }

    [Fact]
    public void ItEndsInTheBytesOfAnUninterruptedOne()
    {
        string backbone = _folder.Backbone();
        Train(Request("whole.mlffad") with { Weights = backbone });
        byte[] whole = File.ReadAllBytes(_folder.In("whole.mlffad"));
        var begun = Request("begun.mlffad") with { Weights = backbone };
        Assert.True(Train(begun, stopAt: 1).Interrupted);
        (string Key, string Value)[] changes = [("train.bn", "frozen"), ("train.batch", "6"), ("train.lr", "0.1"),
            ("train.holdout", "0"), ("texture.width", "64"), ("imageSize", "128"), ("memory.size", "50")];
        foreach (var asked in new[] { Preset.Find("paper"), Preset.Find("memory"), MemoryFolder.Of(Small, changes) })
        {
            // Interrupted once more, so that the state that the second sitting writes counts too.
            File.Copy(begun.StatePath, _folder.In("again.mlffad.state"));
            var again = Request("again.mlffad", asked) with { Resume = _folder.In("again.mlffad.state") };
            Assert.True(Train(again, stopAt: 2).Interrupted);
            Train(again with { MaxImages = null });
            Assert.Equal(whole, File.ReadAllBytes(_folder.In("again.mlffad")));
            File.Delete(again.Output);
        }
    }

    /// <summary>Without a limit its own epochs count, not those of what is asked for.</summary>
    [Fact]
    public void ItEndsAfterTheEpochsThatItBeganWith()
    {
        var request = Request("m.mlffad", Small.With("train.epochs", "2").With("train.freeze", "none")) with
        {
            Weights = "none",
            MaxImages = null,
        };
        Train(request, stopAt: 1);
        var fewer = request.Config.With("train.epochs", "1").With("train.repeat", "3");
        int photographs = Checkpointed(request.StatePath).Files.Count;
        Assert.Equal(2 * photographs * Small.Train.Repeat,
            Train(request with { Config = fewer, Resume = request.StatePath }).Images);
    }

    [Theory]
    [InlineData("train.lr", "0.01", "0.5")]
    [InlineData("train.bn", "train", "frozen")]
    [InlineData("backbone.strideIn", "3x3", "1x1")]
    [InlineData("memory.size", "0", "50")]
    public void AKeyThatTheUserSetsToAnotherValueIsRefused(string key, string was, string now)
    {
        var request = Request("m.mlffad", Small.With("train.freeze", "none")) with { Weights = "none" };
        Train(request, stopAt: 1);
        byte[] state = File.ReadAllBytes(request.StatePath);
        var other = request with
        {
            Config = Preset.Find("paper").With(key, now),
            ExplicitKeys = new HashSet<string> { "train.epochs", key },
            Resume = request.StatePath,
        };
        other = other with { Config = other.Config.With("train.epochs", request.Config.Get("train.epochs")) };
        var e = Assert.Throws<MlffAdException>(() => Train(other));
        Assert.Equal(ExitCode.Usage, e.Code);
        Assert.Contains($"cannot be resumed: {key} was {was} and is now {now};", e.Message, Ordinal);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Equal(state, File.ReadAllBytes(request.StatePath));
    }

    /// <summary>Whether there are held-out images to take a threshold from is known from the state.</summary>
    [Fact]
    public void ItNeedsAThresholdWhereItHoldsNothingOut()
    {
        var request = Request("m.mlffad", Small.With("train.holdout", "0").With("train.freeze", "none")) with
        {
            Weights = "none",
            Threshold = 1,
        };
        Train(request, stopAt: 1);
        var resumed = request with { Config = Small, Resume = request.StatePath };
        Assert.Equal(ExitCode.BadData,
            Assert.Throws<MlffAdException>(() => Train(resumed with { Threshold = null })).Code);
        Assert.Equal(1, Train(resumed).Metadata!.Threshold);
    }

    private static CheckpointMetadata Checkpointed(string path)
    {
        using var state = Checkpoint.Open(path);
        return state.Metadata;
    }
}
