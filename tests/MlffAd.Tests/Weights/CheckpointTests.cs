namespace MlffAd.Tests.Weights;

public sealed class CheckpointTests : IDisposable
{
    private static readonly TrainingFile[] Files = [new("train/good/001.png", "ab"), new("train/good/000.png", "cd")];

    private static readonly CheckpointMetadata Metadata = new(new Config(), Preprocessing.ImageNet,
        new TrainingRecord(1, 64, long.MaxValue, "random", null), 7, "bottle", Files, new Dictionary<string, double>
        {
            ["skipped"] = 2,
            ["seconds"] = 0.1,
        });

    private readonly string path = Path.GetTempFileName();

    public CheckpointTests() =>
        Checkpoint.Save(path, Metadata,
            [TensorData.Floats("weights/a", [1], new[] { 1f }), TensorData.Floats("velocity/a", [1], new[] { 2f })]);

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
        state.RequireSame(new Config(), Config.Keys.Select(key => key.Name));
        state.RequireSame([.. Files.Reverse()]);
    }

    [Theory]
    [InlineData("train.lr", "0.001", "0.5"), InlineData("train.bn", "train", "frozen")]
    [InlineData("texture.scales", "[1,2,4,8]", "[1,2]"), InlineData("memory.size", "0", "50")]
    public void AnotherValueOfAKeyThatCountsIsAUsageErrorThatNamesBoth(string key, string was, string now)
    {
        using var state = Checkpoint.Open(path);
        var config = new Config().With(key, now);
        var e = Assert.Throws<MlffAdException>(() => state.RequireSame(config, ["train.seed", key]));
        Assert.Equal(ExitCode.Usage, e.Code);
        Assert.Contains($"'{path}' cannot be resumed: {key} was {was} and is now {now}; ", e.Message,
            StringComparison.Ordinal);
        state.RequireSame(config, Config.Keys.Select(k => k.Name).Where(name => name != key));
    }

    [Fact]
    public void OtherImagesAreAUsageErrorThatNamesTheDifference()
    {
        using var state = Checkpoint.Open(path);
        void Refused(string named, params TrainingFile[] files)
        {
            var e = Assert.Throws<MlffAdException>(() => state.RequireSame(files));
            Assert.Equal(ExitCode.Usage, e.Code);
            Assert.Contains(named, e.Message, StringComparison.Ordinal);
            Assert.Contains(path, e.Message, StringComparison.Ordinal);
        }
        Refused(": 1 gone ('train/good/000.png');", Files[0]);
        Refused(": 1 new ('new.png');", [.. Files, new("new.png", "ef")]);
        Refused(": 1 changed ('train/good/000.png');", Files[0], Files[1] with { Sha256 = "ee" });
        // One was added, and another therefore held out.
        Refused(": 1 new ('new.png'), 1 gone ('train/good/000.png');", Files[0], new("new.png", "ef"));
        Refused("1 new ('new.png'), 1 gone ('train/good/001.png'), 1 changed ('train/good/000.png')",
            Files[1] with { Sha256 = "ee" }, new("new.png", "ef"));
        Refused("12 new ('00.png', '01.png', '02.png', …);",
            [.. Files, .. Enumerable.Range(0, 12).Select(i => new TrainingFile($"{i:00}.png", "ef"))]);
        Refused(@"1 new ('a\nb.png')", [.. Files, new("a\nb.png", "ef")]);
    }

    [Theory]
    [InlineData("files", "[null]", "its files")]
    [InlineData("files", "[{\"path\":null,\"sha256\":\"\"}]", "its files")]
    [InlineData("files", "[{\"path\":\"\\ud800\",\"sha256\":\"\"}]", "its files")]
    [InlineData("step", "-1", "its step is -1"), InlineData("step", "2147483648", "its step is 2147483648")]
    [InlineData("step", "1e30", "its step is '1e30'")]
    [InlineData("step", "1", "its training counts 1 epochs and 64 images in 1 steps")]
    [InlineData("training", "{\"epochs\":8,\"images\":64,\"seed\":1,\"weights\":\"\",\"losses\":null}", "8 epochs")]
    [InlineData("training", "{\"epochs\":-1,\"images\":64,\"seed\":1,\"weights\":\"\",\"losses\":null}", "-1 epochs")]
    [InlineData("training", "{\"epochs\":1,\"images\":225,\"seed\":1,\"weights\":\"\",\"losses\":null}", "225 images")]
    [InlineData("counters", "{\"maxImages\":-5}", "say maxImages -5")]
    [InlineData("counters", "{\"maxImages\":0}", "say maxImages 0")]
    [InlineData("counters", "{\"maxImages\":1.5}", "say maxImages 1.5")]
    [InlineData("counters", "{\"maxImages\":1e19}", "say maxImages 1E+19")]
    [InlineData("counters", "{\"seconds\":1e300}", "say seconds 1E+300")]
    [InlineData("counters", "{\"seconds\":-1}", "say seconds -1")]
    [InlineData("counters", "{\"timeBudget\":0}", "say timeBudget 0")]
    [InlineData("counters", "{\"timeBudget\":1e18}", "say timeBudget 1E+18")]
    [InlineData("counters", "{\"skipped\":-2}", "say skipped -2")]
    [InlineData("counters", "{\"stayedGood\":1e10}", "say stayedGood 10000000000")]
    [InlineData("counters", "{\"summed\":0.5}", "say summed 0.5")]
    [InlineData("counters", "{\"trend.steps\":-1}", "say trend.steps -1")]
    [InlineData("counters", "{\"trend.steps\":1.5}", "say trend.steps 1.5")]
    [InlineData("counters", "{\"trend.steps\":1e10}", "say trend.steps 10000000000")]
    [InlineData("counters", "{\"trend.07\":1e999}", "say trend.07")]
    [InlineData("counters", "{\"sum.total\":1e999}", "say sum.total")]
    [InlineData("counters", "{\"\\ud800\":1}", "its counters")]
    [InlineData("counters", "{\"seconds\":null}", "its counters")]
    [InlineData("config", "{\"memory\":{\"size\":50}}", "its config has a memory, which takes no training steps")]
    public void WhatNoTrainingCanGoOnWithIsRefused(string key, string value, string reason)
    {
        Dictionary<string, string> strings;
        using (var file = SafetensorsFile.Open(path)) strings = file.Metadata.ToDictionary();
        Safetensors.Write(path, [], new Dictionary<string, string>(strings) { [key] = value });
        var e = Assert.Throws<MlffAdException>(() => Checkpoint.Open(path));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLongestBudgetsThatCanBeAskedForComeBack()
    {
        double time = TimeSpan.MaxValue.TotalSeconds / 3;
        var counters = new Dictionary<string, double> { ["maxImages"] = long.MaxValue, ["timeBudget"] = time };
        Checkpoint.Save(path, Metadata with { Counters = counters }, []);
        using var state = Checkpoint.Open(path);
        Assert.Equal(counters.OrderBy(c => c.Key), state.Metadata.Counters);
    }

    [Fact]
    public void AModelIsNoCheckpoint()
    {
        Safetensors.Write(path, [], new Dictionary<string, string> { ["format"] = "mlffad/1" });
        Assert.Equal(ExitCode.BadModel, Assert.Throws<MlffAdException>(() => Checkpoint.Open(path)).Code);
    }
}
