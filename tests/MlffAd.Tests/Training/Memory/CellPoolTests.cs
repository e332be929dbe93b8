namespace MlffAd.Tests.Training;

/// <summary>Which cells a memory is chosen from.</summary>
public sealed class CellPoolTests
{
    /// <summary>200 cells of 10 images, each with a vector that says which it is.</summary>
    private static readonly IEnumerable<(CellKey Key, float[] Vector)> Cells =
        [.. Enumerable.Range(0, 200).Select(i =>
            (CellKey.Of(seed: 7, image: (ulong)(i / 20) << 60, cell: i % 20), new[] { i, i + 0.5f, -i }))];

    /// <summary>With room for fewer, for all, and for more.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(200)]
    [InlineData(300)]
    public void ThoseWithTheSmallestKeysAreKeptInWhateverOrderTheyCome(int capacity)
    {
        using var device = Device.Open("cpu", 1);
        var expected = Cells.OrderBy(cell => cell.Key).Take(capacity).ToList();
        var (rising, falling) = (Cells.OrderBy(cell => cell.Key), Cells.OrderByDescending(cell => cell.Key));
        foreach (var order in new[] { Cells, Cells.Reverse(), rising, falling })
        {
            using var pool = new CellPool(device, capacity, 3);
            foreach (var (key, vector) in order) pool.Add(key, vector);
            Assert.Equal(expected.Select(cell => cell.Key).ToHashSet(), pool.Keys.ToHashSet());
            pool.Sort();
            Assert.Equal(expected.Select(cell => cell.Key), pool.Keys);
            Assert.Equal(expected.SelectMany(cell => cell.Vector), pool.Rows.ToArray());
        }
        device.Pool.AssertLive(0);
    }

    [Fact]
    public void KeysDifferByImageCellAndSeedAndLookRandom()
    {
        Assert.Equal(200, Cells.Select(cell => cell.Key.Order).Distinct().Count());
        Assert.NotEqual(CellKey.Of(7, 1, 2).Order, CellKey.Of(8, 1, 2).Order);
        Assert.NotEqual(CellKey.Of(7, 1UL << 63, 2).Order, CellKey.Of(7, 0, 2).Order);
        // Of each image about as many are among the first half: 10 ± 5.
        var half = Cells.OrderBy(cell => cell.Key).Take(100).CountBy(cell => cell.Key.Image).ToList();
        Assert.Equal(10, half.Count);
        Assert.All(half, image => Assert.InRange(image.Value, 4, 16));
    }

    /// <summary>2,000 in one, more in lots of at most as many, by the hashes of their names.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2000, 1)]
    [InlineData(2001, 2)]
    [InlineData(4001, 3)]
    public void ManyImagesAreDealtIntoLots(int images, int lots)
    {
        var items = Items(images);
        var dealt = MemoryImages.Lots(items);
        Assert.Equal(lots, dealt.Count);
        Assert.All(dealt, lot => Assert.InRange(lot.Count, images / lots, 2000));
        Assert.Equal(items.ToHashSet(), dealt.SelectMany(lot => lot).ToHashSet());
        var reversed = MemoryImages.Lots([.. items.Reverse()]);
        Assert.All(dealt.Zip(reversed), pair => Assert.Equal(pair.First.ToHashSet(), pair.Second.ToHashSet()));
        if (lots == 1) return;
        // Each lot has a share of every part of the folder.
        foreach (var lot in dealt)
            Assert.InRange(lot.Count(items[..(images / 2)].Contains), lot.Count * 0.4, lot.Count * 0.6);
    }

    [Theory]
    [InlineData(4, 0.1, Judging.Folds, 4, 4, 0)]
    [InlineData(7, 0.9, Judging.Folds, 7, 7, 0)]
    [InlineData(8, 0.1, Judging.LeaveOneOut, 8, 8, 0)]
    [InlineData(190, 0.1, Judging.LeaveOneOut, 190, 190, 0)]
    [InlineData(191, 0.1, Judging.HeldOut, 171, 20, 171)]
    [InlineData(950, 0.02, Judging.LeaveOneOut, 950, 200, 0)]
    [InlineData(951, 0.02, Judging.HeldOut, 931, 20, 200)]
    [InlineData(3, 0.0, Judging.None, 3, 0, 0)]
    public void ThresholdsRestOnImagesThatAreHeldOutOrJudgedInTurn(
        int images, double share, object how, int remembered, int judged, int others)
    {
        var items = Items(images);
        var split = MemoryImages.Split(items, share);
        Assert.Equal((how, remembered, judged), ((object)split.Judging, split.Remembered.Count, split.Judged.Count));
        if (split.Judging == Judging.HeldOut) Assert.Empty(split.Remembered.Intersect(split.Judged));
        Assert.Equal(split.Judged.OrderBy(item => item.Name, StringComparer.Ordinal), split.Judged);
        Assert.Equal(others, split.Others.Count);
        Assert.Subset(split.Remembered.ToHashSet(), split.Others.ToHashSet());
    }

    private static ImageItem[] Items(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new ImageItem($"/x/{i:0000}.png", $"{i:0000}.png", DataSet.Good))];
}
