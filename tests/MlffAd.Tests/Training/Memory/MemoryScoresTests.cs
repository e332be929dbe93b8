namespace MlffAd.Tests.Training;

/// <summary>Nothing of a good image judges it, nor what is drawn on it.</summary>
public sealed class MemoryScoresTests
{
    /// <summary>All cells of eight images: whatever is not changed is at no distance from the memory.</summary>
    private static readonly Config Whole = MemoryFolder.Of(MemoryFolder.Tiny, ("memory.candidates", "1000"),
        ("memory.size", "1000"), ("memory.place", "0"));

    [Fact]
    public void PseudoAnomaliesPassOverWhatIsKnownOfTheirImage()
    {
        using var folder = new MemoryFolder(images: 8);
        using var device = Device.Open("cpu", 1);
        var request = folder.Request(Whole);
        var start = InitialWeights.ForMemory(request, _ => { });
        using var maker = new MemoryMaker(request, start, device, _ => { }, default);
        var memory = maker.Make(folder.Items, [], new Rejects(8, 0));
        var shown = MemoryJudge.Shown(folder.Items, 64, most: 3);
        Assert.Equal(3, shown.Count);
        var scores = new MemoryJudge(start.Preprocessing, device, default).Measure(memory, folder.Items, shown,
            ImageFile.MaxPixels, (_, error) => Assert.Null(error));
        Judged[] judged = [.. scores.Of(MemoryFolder.Of(memory.Config, ("memory.smooth", "0")))];
        Assert.Equal(8, judged.Count(j => j.Picture.IsGood));
        Assert.Equal(3 * 3 * TestAnomalies.OfEachKind, judged.Count(j => !j.Picture.IsGood));
        Assert.All(judged, j => Assert.True(j.Map.Values.Min() > 0.01, j.Picture.Item.Name));
        Assert.All(judged.Where(j => !j.Picture.IsGood), j => Assert.Contains(j.Picture.Item, shown));
    }

    /// <summary>As if the others alone had been measured.</summary>
    [Theory]
    [InlineData("place")]
    [InlineData("vector")]
    public void APictureIsScaledByOtherImages(string scaling)
    {
        using var device = Device.Open("cpu", 1);
        var config = MemoryFolder.Of(Whole, ("memory.scaling", scaling), ("memory.size", "5"));
        Measured[] measured = [.. Enumerable.Range(0, 4).Select(i => Picture(i, (ulong)i)),
            Picture(4, owner: 2, new byte[64 * 64])];
        Judged[] judged = [.. new MemoryScores(8, measured, device).Of(config)];
        foreach (var picture in measured)
        {
            var others = measured.Where(m => m.Picture.Owner != picture.Picture.Owner);
            float[] rows = new MemoryScores(8, [.. others], device).ScalesOf(config)!.Rows();
            var list = ParameterList(config);
            rows.CopyTo(list[MemoryNetwork.Scales]);
            var memory = new MadeMemory(config, list, new Dictionary<ulong, int>(),
                new Dictionary<ulong, List<ImageItem>>());
            var due = Assert.Single(new MemoryScores(8, [picture], device).As(memory));
            var found = Assert.Single(judged, j => j.Picture == picture.Picture);
            Assert.Equal(due.Map.Values.Select(v => (double)v), found.Map.Values.Select(v => (double)v),
                (a, b) => Math.Abs(a - b) < 1e-4);
        }
    }

    /// <summary>Scores of 1 to 5 hold for the threshold as they are; others by as much lower as lets their median be no
    /// higher, and never higher. The threshold of pixels knows none of them.</summary>
    [Theory]
    [InlineData(new float[] { }, 4.96f)]
    [InlineData(new[] { 11f, 12, 13, 14, 20 }, 9.55f)]
    [InlineData(new[] { 3f, 3, 3, 3, 9 }, 8.64f)]
    [InlineData(new[] { 0f, 1, 2, 9 }, 8.68f)]
    public void RememberedImagesCountLowerForTheThreshold(float[] others, float threshold)
    {
        var config = MemoryFolder.Of(Whole, ("memory.readout", "1"));
        var calibration = MemoryJudge.Calibrate(Flat(1, 2, 3, 4, 5), Flat(others), config);
        Assert.Equal((5 + others.Length, threshold, 5f),
            (calibration.Images, calibration.Threshold, calibration.PixelThreshold),
            (a, b) => a.Item1 == b.Item1 && Math.Abs(a.Item2 - b.Item2) < 1e-4 && a.Item3 == b.Item3);

        Judged[] Flat(params float[] scores) => Array.ConvertAll(scores, score => new Judged(
            new(new("", "", DataSet.Good), 0), new(8, 8, [.. Enumerable.Repeat(score, 64)]), config));
    }

    [Fact]
    public void AMemoryKnowsItsQuality()
    {
        using var folder = new MemoryFolder(images: 8);
        var quality = folder.Made().Metadata.Quality!;
        Assert.Equal((8, 8 * 6), (quality.Images, quality.Anomalies));
        Assert.InRange(quality.Image, 0.5, 1);
        Assert.InRange(quality.Pixel, 0.5, 1);
        // In folds, too; and where no image is judged, there is nothing to say.
        using var few = new MemoryFolder(images: 5);
        Assert.Equal(5, few.Made().Metadata.Quality!.Images);
        MemoryFolder.Make(few.Request(MemoryFolder.Tiny.With("train.holdout", "0")) with { Threshold = 1 });
        Assert.Null(Model.Load(few.In("m.mlffad")).Metadata.Quality);
    }

    private static Execution.NetworkWeights ParameterList(Config config) =>
        Execution.NetworkWeights.Zeros(MlffNetwork.Parameters(config));

    private static Measured Picture(int seed, ulong owner, byte[]? mask = null) =>
        new(new(new($"{seed}", $"{seed}", DataSet.Good), owner, mask),
            [.. Gradients.Random(64, seed, scale: 3).Select(v => 10 + v)],
            [.. Gradients.Random(64, seed + 50, scale: 2).Select(v => MathF.Abs(MathF.Round(v)) % 5)]);
}
