namespace MlffAd.Tests.Data;

public sealed class TrainingDataTests : IDisposable
{
    private static readonly Config Small = new()
    {
        ImageSize = 64,
        Train = new() { Repeat = 3, Batch = 8, Seed = 5 },
        Augment = new() { Brightness = 0.1, Flip = Flip.Both, Shift = 2 },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(7, 10, 0.5, 35)]
    [InlineData(7, 1, 0.5, 4)]       // 3.5: a half rounds up
    [InlineData(13, 3, 0.3, 12)]     // 11.7
    [InlineData(5, 4, 0, 0)]
    [InlineData(5, 4, 1, 20)]
    public void AnEpochHasEveryImageRepeatTimesAndExactlyTheShareOfAnomalies(int images, int repeat, double ratio,
        int anomalous)
    {
        var sampler = new TrainingSampler(new() { Train = new() { Repeat = repeat, PseudoRatio = ratio } }, images);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            var entries = sampler.Epoch(epoch);
            Assert.Equal(images * repeat, entries.Length);
            Assert.Equal(Enumerable.Range(0, images * repeat), entries.Select(e => e.Place).Order());
            Assert.All(entries.CountBy(e => e.Image), image => Assert.Equal(repeat, image.Value));
            Assert.Equal(anomalous, entries.Count(e => e.Anomaly is not null));
        }
    }

    [Fact]
    public void EpochsDifferInChoiceAndOrderAndRepeatExactly()
    {
        var sampler = new TrainingSampler(Small, 50);
        var (first, second) = (sampler.Epoch(0), sampler.Epoch(1));
        Assert.Equal(first, new TrainingSampler(Small, 50).Epoch(0));
        Assert.NotEqual(first.Select(e => e.Place), second.Select(e => e.Place));
        Assert.NotEqual(first.Where(e => e.Anomaly is not null).Select(e => e.Place).Order(),
            second.Where(e => e.Anomaly is not null).Select(e => e.Place).Order());
        // The anomalous ones lie all over the epoch.
        Assert.InRange(first.Take(75).Count(e => e.Anomaly is not null), 25, 50);
    }

    [Fact]
    public void BatchesDependOnTheStepAlone()
    {
        var store = Store(11);
        string[] Steps(int first, int count)
        {
            using var loader = new BatchLoader(store, Small, PixelNormalisation.ImageNet, first);
            return [.. Enumerable.Range(0, count).Select(_ =>
            {
                using var batch = loader.Next();
                return $"{batch.Step} {batch.Epoch} {batch.Count} {Hash(batch.Images)} {Hash(batch.Labels)} "
                    + $"{string.Join(",", batch.Entries.ToArray())}";
            })];
        }
        string[] all = Steps(0, 12);
        Assert.Equal(all, Steps(0, 12));
        Assert.Equal(all[7..], Steps(7, 5));   // resumed
        Assert.Equal(12, all.Distinct().Count());
    }

    [Fact]
    public void ABatchHoldsNormalisedImagesAndLabelsWhereTheyChanged()
    {
        var store = Store(11);
        var config = Small with { Augment = new(), Train = Small.Train with { Batch = 10 } };
        using var loader = new BatchLoader(store, config, PixelNormalisation.ImageNet);
        Assert.Equal((4, 33), (loader.StepsPerEpoch, loader.ImagesPerEpoch));
        int[] counts = new int[4];
        var plain = new float[3 * 64 * 64];
        for (int step = 0; step < 4; step++)
        {
            using var batch = loader.Next();
            counts[step] = batch.Count;
            Assert.Equal((batch.Count * plain.Length, batch.Count * 64), (batch.Images.Length, batch.Labels.Length));
            for (int i = 0; i < batch.Count; i++)
            {
                Normalise.Forward(store[batch.Entries[i].Image], plain, PixelNormalisation.ImageNet);
                var image = batch.Images.Slice(i * plain.Length, plain.Length);
                var labels = batch.Labels.Slice(i * 64, 64);
                if (batch.Entries[i].Anomaly is null)
                {
                    Assert.Equal(plain, image.ToArray());
                    Assert.False(labels.ContainsAnyExcept(0f));
                    continue;
                }
                Assert.True(labels.Contains(1f));
                // A pixel that changed a lot lies in an anomalous cell.
                for (int p = 0; p < 64 * 64; p++)
                    if (Math.Abs(image[3 * p] - plain[3 * p]) > 0.5)
                        Assert.Equal(1, labels[p / 64 / 8 * 8 + p % 64 / 8]);
            }
        }
        Assert.Equal([10, 10, 10, 3], counts);
    }

    /// <summary>But for what float32 geometry may turn over: SynthesisTests.</summary>
    [Fact]
    public void ABatchAsRecipesIsTheSameBatch()
    {
        var store = Store(11);
        using var lease = TestDevices.Borrow("cpu");
        using BatchLoader made = new(store, Small, PixelNormalisation.ImageNet);
        using BatchLoader described = new(store, Small, PixelNormalisation.ImageNet, asRecipes: true);
        int level = 0, more = 0;
        for (int step = 0; step < 6; step++)
        {
            using Batch a = made.Next(), b = described.Next();
            Assert.Equal((a.Step, a.Epoch, a.Count), (b.Step, b.Epoch, b.Count));
            Assert.Equal(a.Entries, b.Entries);
            var book = b.Book!;
            using Tensor from = Tensor.From(lease.Device, Shape.Of(book.Pack().Length), book.Pack(), "book");
            using Tensor images = Tensor.Rent(lease.Device, new(a.Count, 64, 64, 3), "images");
            using Tensor labels = Tensor.Rent(lease.Device, new(a.Count, 8, 8, 1), "labels");
            using Tensor stayedGood = Tensor.Rent(lease.Device, Shape.Of(a.Count), "stayed good");
            Synthesis.Forward(from, book.Options, book.Normalisation, images, labels, stayedGood);
            Assert.Equal(a.Labels, labels.ToArray());
            Assert.Equal(a.StayedGood, stayedGood.ToArray().Sum());
            float[] got = images.ToArray();
            for (int i = 0; i < got.Length; i++)
            {
                float difference = Math.Abs(got[i] - a.Images[i]);
                if (difference > 1e-5) level++;
                if (difference > 0.02) more++;   // a level is 1 / 255 / 0.225
            }
        }
        Assert.InRange(level, 0, 100);
        Assert.InRange(more, 0, 10);
    }

    [Fact]
    public void AFailureInTheBackgroundReachesTheCaller()
    {
        // What no validation lets through: confetti without rates.
        var broken = Small with
        {
            Synth = new() { Confetti = new() { Rates = [] } },
            Train = Small.Train with { PseudoRatio = 1 },
        };
        using var loader = new BatchLoader(Store(11), broken, PixelNormalisation.ImageNet);
        Assert.Throws<IndexOutOfRangeException>(() => { for (int i = 0; i < 10; i++) loader.Next().Dispose(); });
    }

    [Fact]
    public void AFewBrokenFilesAreNamedAndSkippedAndMoreAreRefused()
    {
        var items = Items(20);
        File.WriteAllText(items[3].Path, "broken");
        var told = new List<string>();
        var store = ImageStore.Load(items, 64, maxBad: 0.05,
            onRead: (item, error) => { if (error is not null) told.Add(item.Name); });
        Assert.Equal(19, store.Items.Count);
        Assert.Equal(["003.png"], told);
        Assert.Contains(items[3].Path, Assert.Single(store.Rejects).Message, StringComparison.Ordinal);
        File.WriteAllText(items[5].Path, "broken");
        var e = Assert.Throws<MlffAdException>(() => ImageStore.Load(items, 64, maxBad: 0.05));
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains(items[3].Path, e.Message, StringComparison.Ordinal);
        Assert.Equal(18, ImageStore.Load(items, 64, maxBad: 0.1).Items.Count);
    }

    [Fact]
    public void ImagesComeInOrderHoweverManyAreDecodedAtATime()
    {
        var items = Items(9);
        foreach (int threads in new[] { 1, 3, 20 })
        {
            var images = DecodedImage.Ahead(items, 64, threads).ToList();
            Assert.Equal(items, images.Select(i => i.Item));
            Assert.All(images, i => Assert.Equal((64, 64, 40, 30),
                (i.Resized!.Width, i.Resized.Height, i.Original!.Width, i.Original.Height)));
        }
    }

    private ImageStore Store(int images) => ImageStore.Load(Items(images), 64);

    private ImageItem[] Items(int images) => [.. Enumerable.Range(0, images).Select(i =>
    {
        string name = $"{i:000}.png", path = Path.Combine(_folder, name);
        ImageFile.WritePng(path, ImageFileTests.Noise(40, 30, i));
        return new ImageItem(path, name, DataSet.Good);
    })];

    private static string Hash(ReadOnlySpan<float> values) =>
        Convert.ToHexString(
            System.Security.Cryptography.SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values)));
}
