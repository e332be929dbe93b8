namespace MlffAd.Tests.Detection;

/// <summary>Threads that share a scorer, or a device, get the scores that one alone would get.</summary>
public sealed class SharedScorerTests : IDisposable
{
    private const int Threads = 3, Rounds = 3;

    private static readonly Model Model = Made();

    private readonly Device _device = Device.Open("cpu", 2);
    private readonly RgbImage[] _images = [.. Enumerable.Range(0, 8).Select(Noise)];

    public void Dispose() => _device.Dispose();

    [Fact]
    public void OneScorer()
    {
        float[] alone = Alone();
        using var scorer = new Scorer(Model, _device, batch: 2);
        // Batches of different sizes, so that the plan is made anew meanwhile.
        AllAgree(alone, (t, i) => scorer.Score(t % 2 == 0 ? [_images[i]] : [_images[i], _images[(i + 1) % 8]])[0]);
    }

    [Fact]
    public void ScorersOfOneDevice()
    {
        float[] alone = Alone();
        AllAgree(alone, (_, i) =>
        {
            using var scorer = new Scorer(Model, _device);
            return scorer.Score([_images[i]])[0];
        });
    }

    [Fact]
    public async Task AsynchronousCallersOfOneScorer()
    {
        float[] alone = Alone();
        using var scorer = new Scorer(Model, _device);
        float[] scores = await Task.WhenAll(Enumerable.Range(0, 32).Select(async i =>
        {
            await Task.Yield();
            return scorer.Score([_images[i % 8]])[0].Max();
        }));
        Assert.Equal(Enumerable.Range(0, 32).Select(i => alone[i % 8]), scores);
    }

    [Fact]
    public async Task ALoopThatWasAbandonedHoldsNobodyUp()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        for (int i = 0; i < 8; i++) ImageFile.WritePng(Path.Combine(folder, $"{i}.png"), _images[i]);
        var items = DataSet.Find([folder]);
        using var scorer = new Scorer(Model, _device, batch: 2);
        var abandoned = scorer.Score(items).GetEnumerator();
        Assert.True(abandoned.MoveNext());
        var stop = TestContext.Current.CancellationToken;
        float[] all = await Task.Run(() => scorer.Score(items).Select(s => s.Cells!.Max()).ToArray(), stop)
            .WaitAsync(TimeSpan.FromSeconds(60), stop);
        Assert.Equal(Alone(), all);
        Assert.True(abandoned.MoveNext());
        abandoned.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private float[] Alone()
    {
        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(Model, device, batch: 1);
        return [.. _images.Select(image => scorer.Score([image])[0].Max())];
    }

    private static void AllAgree(float[] alone, Func<int, int, ScoreMap> score)
    {
        var threads = Enumerable.Range(0, Threads).Select(t => Task.Factory.StartNew(() =>
        {
            for (int i = 0; i < Rounds * alone.Length; i++)
            {
                int which = (i + t) % alone.Length;
                Assert.Equal(alone[which], score(t, which).Max());
            }
        }, TaskCreationOptions.LongRunning)).ToArray();
        Task.WaitAll(threads, TestContext.Current.CancellationToken);
    }

    private static Model Made()
    {
        var config = Preset.Find("tiny").With("imageSize", "64");
        var made = new TrainingRecord(1, 1, 0, "random", null);
        return new(new ModelMetadata(config, Preprocessing.ImageNet, 1, null, made, "noise"),
            Initialisation.Random(MlffNetwork.Parameters(config), seed: 3));
    }

    private static RgbImage Noise(int seed)
    {
        byte[] rgb = new byte[3 * 64 * 64];
        new Random(seed).NextBytes(rgb);
        return new(64, 64, rgb);
    }
}
