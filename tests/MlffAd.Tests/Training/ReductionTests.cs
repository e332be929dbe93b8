using MlffAd.Tests.CommandLine;
using MlffAd.Tests.Data;
using static System.StringComparison;

namespace MlffAd.Tests.Training;

/// <summary>What training says of photographs that are much larger than they are seen, at 64 × 64.</summary>
public sealed class ReductionTests : IDisposable
{
    private const string Lost = "may vanish";

    private static readonly Config Network = Preset.Find("tiny").With("train.batch", "2").With("train.repeat", "1");

    private readonly MemoryFolder _folder = new(images: 0);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(192, 192, 9)]
    [InlineData(256, 144, 9)]
    [InlineData(300, 200, 15)]
    public void AMemorySaysOnceWhatMayBeLostAndWhatMoreWouldTake(int width, int height, int pixels)
    {
        DrawAll(9, width, height);
        var (_, said) = MemoryFolder.Make(_folder.Request());
        string line = Assert.Single(said, line => line.Contains(Lost, Ordinal));
        Assert.Matches($@"^The photographs are {width} × {height} and are seen at 64 × 64, where a defect of fewer "
            + $@"than {pixels} pixels may vanish: --image-size 128 sees four times as much and takes up to four times "
            + @"as long for each photograph \(to learn, at most about \d+ s instead of \d+ s, in about \d\.\d+ GB "
            + @"more memory\)\.$", line);
    }

    /// <summary>As large, smaller, hardly larger, and so flat that a larger size would draw rows that are not
    /// there.</summary>
    [Theory]
    [InlineData(64, 64)]
    [InlineData(40, 50)]
    [InlineData(191, 192)]
    [InlineData(600, 100)]
    public void WhereLittleIsLostNothingIsSaid(int width, int height)
    {
        DrawAll(9, width, height);
        var (_, said) = MemoryFolder.Make(_folder.Request());
        Assert.DoesNotContain(said, line => line.Contains(Lost, Ordinal));
    }

    [Theory]
    [InlineData(260, 150, 6, "The photographs are 260 × 150")]
    [InlineData(192, 192, 2, "The photographs are 192 × 192")]
    [InlineData(191, 191, 2, null)]
    [InlineData(64, 64, 2, null)]
    public void TheNetworkSaysItAsSoonAsItKnowsItsSpeed(int width, int height, int images, string? expected)
    {
        DrawAll(10, width, height);
        var said = Train(Request() with { MaxImages = images });
        Assert.Equal(expected is null ? 0 : 1, said.Count(line => line.Contains(Lost, Ordinal)));
        if (expected is null) return;
        Assert.Contains(said, line => line.StartsWith(expected, Ordinal)
            && line.Contains("(to learn, at most about ", Ordinal) && line.Contains(" instead of ", Ordinal));
    }

    [Fact]
    public void WithinATimeLimitLearningTakesNoLonger()
    {
        DrawAll(10, 192, 192);
        var limit = TimeSpan.FromMinutes(9);
        foreach (var said in new[]
        {
            Train(Request() with { MaxImages = 2, TimeBudget = limit }),
            MemoryFolder.Make(_folder.Request() with { TimeBudget = limit }).Said,
        })
            Assert.Matches(@"\(to learn, in about \d\.\d+ GB more memory\)\.$",
                Assert.Single(said, line => line.Contains(Lost, Ordinal)));
    }

    [Fact]
    public void TrainingThatGoesOnHasNoSizeToChoose()
    {
        DrawAll(10, 192, 192);
        using var stop = new CancellationTokenSource();
        var request = Request() with { MaxImages = 4 };
        Train(request, _ => stop.Cancel(), stop);
        var said = Train(request with { Resume = _folder.In("m.mlffad.state") });
        Assert.Contains(said, line => line.StartsWith("Goes on at step", Ordinal));
        Assert.DoesNotContain(said, line => line.Contains(Lost, Ordinal));
    }

    /// <summary>The photograph in the middle decides, by its pixels, and what is no image has no say.</summary>
    [Theory]
    [InlineData("64x64 200x200 250x250", "Half of the photographs are at least 200 × 200", 10)]
    [InlineData("250x250 64x64 bad 200x250", "Half of the photographs are at least 200 × 250", 12)]
    [InlineData("200x200 64x64", null, 0)]
    [InlineData("64x64 65x65 900x900", null, 0)]
    [InlineData("bad", null, 0)]
    public void OfSeveralSizesTheMiddleOneDecides(string sizes, string? expected, int pixels)
    {
        foreach (var (i, size) in sizes.Split(' ').Index())
        {
            if (size == "bad") File.WriteAllText(PathOf(i), "no image");
            else Draw(i, int.Parse(size.Split('x')[0]), int.Parse(size.Split('x')[1]));
        }
        var reduction = Reduction.Of(_folder.Items, 64, ImageFile.MaxPixels);
        if (expected is null) Assert.Null(reduction);
        else Assert.StartsWith($"{expected} and are seen at 64 × 64, where a defect of fewer than {pixels} pixels ",
            reduction!.InWords(null, 0), Ordinal);
    }

    [Fact]
    public void WhatLearningWouldTakeIsSaidInTimeAndMemory() => Assert.EndsWith(
        "--image-size 512 sees four times as much and takes up to four times as long for each photograph (to learn, "
        + "at most about 2 min 30 s instead of 1 min 0 s, in about 0.6 GB more memory).",
        new Reduction(1024, 1024, false, 256).InWords((TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(150)),
            600_000_000), Ordinal);

    /// <summary>By headers alone, of images that need not be whole.</summary>
    [Fact]
    public void NoSizeAboveTheLargestIsAskedFor()
    {
        File.WriteAllBytes(PathOf(0), PngBytes.Make(6400, 6400, depth: 8, colour: 2, rows: []));
        Assert.Equal(4096, Reduction.Of(_folder.Items, 2048, ImageFile.MaxPixels)!.Larger);
        Assert.Null(Reduction.Of(_folder.Items, 2112, ImageFile.MaxPixels));
        Assert.Null(Reduction.Of(_folder.Items, 2048, maxPixels: 1000));
    }

    [Theory]
    [InlineData("memory", "--memory.size", "20")]
    [InlineData("tiny", "--max-images", "2")]
    public void QuietTrainingSaysNothingOfIt(string preset, string key, string value)
    {
        DrawAll(10, 192, 192);
        string[] words = ["train", _folder.Parts, "-o", _folder.In("m.mlffad"), "--weights", "none", "--preset", preset,
            "--device", "cpu", key, value, "--image-size", "64", .. preset == "memory" ? ["--memory.choose", "false",
            "--backbone.stages", "1,1,1", "--backbone.width", "8", "--memory.width", "16"] : Array.Empty<string>()];
        Assert.Contains(Lost, CommandRun.Of(words).Output, Ordinal);
        Assert.Equal("", CommandRun.Of([.. words, "-q"]).Output);
    }

    private string PathOf(int i) => Path.Combine(Directory.CreateDirectory(_folder.Parts).FullName, $"{i:00}.png");

    private void DrawAll(int images, int width, int height)
    {
        for (int i = 0; i < images; i++) Draw(i, width, height);
    }

    /// <summary>A photograph of grain.</summary>
    private void Draw(int i, int width, int height) => ImageFile.WritePng(PathOf(i), new RgbImage(width, height,
        [.. Gradients.Random(3 * width * height, i, 20).Select(v => (byte)(128 + v))]));

    private TrainingRequest Request() => _folder.Request(Network);

    /// <summary>Trains the network; returns what was said.</summary>
    private static List<string> Train(TrainingRequest request, Action<TrainingProgress>? onStep = null,
        CancellationTokenSource? stop = null)
    {
        using var device = Device.Open("cpu", 1);
        var said = new List<string>();
        Trainer.Train(request, device, said.Add, onStep, stop?.Token ?? default);
        return said;
    }
}
