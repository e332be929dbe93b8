namespace MlffAd.Tests.Training;

/// <summary>More images than a lot holds, with lots of three.</summary>
public sealed class MemoryLotsTests : IDisposable
{
    private readonly MemoryFolder _folder = new(images: 9);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EachLotIsReducedAndTheMemoryIsChosenOfWhatTheyKept()
    {
        var config = MemoryFolder.Of(
            MemoryFolder.Tiny, ("memory.size", "20"), ("memory.candidates", "100"), ("memory.place", "0"));
        var merged = Make(config, _folder.Items, lot: 3);
        var kept = MemoryImages.Lots(_folder.Items, most: 3).Select(lot => Vectors(Make(config, lot, lot: 9))).ToList();
        Assert.Equal([20, 20, 20, 20], kept.Append(Vectors(merged)).Select(vectors => vectors.Count));
        Assert.Superset(Vectors(merged).ToHashSet(), kept.SelectMany(vectors => vectors).ToHashSet());
        Assert.All(kept, vectors => Assert.NotEmpty(vectors.Intersect(Vectors(merged))));
        Assert.NotEqual(Vectors(Make(config, _folder.Items, lot: 9)), Vectors(merged));
        Assert.Equal(Vectors(merged), Vectors(Make(config, [.. _folder.Items.Reverse()], lot: 3)));
    }

    /// <summary>Every cell is at no distance from a memory that keeps all, places and all.</summary>
    [Fact]
    public void OneUnitOfPlaceIsThatOfAllLots()
    {
        var config = MemoryFolder.Of(
            MemoryFolder.Tiny, ("memory.size", "600"), ("memory.candidates", "600"), ("memory.smooth", "0"));
        var memory = Make(config, _folder.Items, lot: 3);
        Assert.True(memory.Weights[MemoryNetwork.Step][0] > 0);
        Assert.Equal(9 * 64, memory.Config.Memory.Size);
        var metadata = new ModelMetadata(memory.Config, Preprocessing.ImageNet, 0, null, new(0, 0, 0, "", null), "");
        Assert.All(MemoryFolder.Scores(new(metadata, memory.Weights), _folder.Items), score => Assert.Equal(0, score));
    }

    private MadeMemory Make(Config config, IReadOnlyList<ImageItem> images, int lot)
    {
        var request = _folder.Request(config);
        var start = InitialWeights.Of(request with { Config = config.With("memory.size", "1") }, _ => { });
        using var device = Device.Open("cpu", 1);
        using var maker = new MemoryMaker(request, start, device, _ => { }, default) { LotImages = lot };
        return maker.Make(images, [], new Rejects(images.Count, 0));
    }

    /// <summary>The remembered vectors, as text.</summary>
    private static List<string> Vectors(MadeMemory memory) =>
        [.. memory.Weights[MemoryNetwork.Vectors].ToArray().Chunk(16).Select(vector => string.Join(' ', vector))];
}
