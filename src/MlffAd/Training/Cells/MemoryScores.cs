namespace MlffAd.Training;

/// <summary>What a memory finds in a picture: each cell's distance, and which vector is the nearest; and the scores of
/// a network beside it.</summary>
internal sealed record Measured(Picture Picture, float[] Distance, float[] Index, float[]? Network = null);

/// <summary>A picture and its score map, M×M; and the scores of a network beside the memory.</summary>
internal readonly record struct Judged(Picture Picture, ScoreMap Map, Config Config, float[]? Network = null)
{
    public float Score => Map.Readout(Config);
}

/// <summary>Scores of what was measured, by any scaling, smoothing and readout (spec §14).</summary>
/// <param name="side">M.</param>
/// <param name="measured">Good pictures, and others made of them.</param>
/// <param name="device">Where to compute.</param>
internal sealed class MemoryScores(int side, IReadOnlyList<Measured> measured, Device device)
{
    private IReadOnlyList<Measured> All => measured;

    private readonly Measured[][] _owners =
        [.. measured.GroupBy(m => m.Picture.Owner).Select(owner => owner.ToArray())];

    /// <summary>These and others; of pictures of an image that is among both, those of the others.</summary>
    public MemoryScores With(MemoryScores others)
    {
        var owners = others.Pictures.Select(picture => picture.Owner).ToHashSet();
        return new(side, [.. measured.Where(m => !owners.Contains(m.Picture.Owner)), .. others.All], device);
    }

    /// <summary>The pictures, in the order in which they are scored.</summary>
    public IEnumerable<Picture> Pictures => _owners.SelectMany(owner => owner.Select(m => m.Picture));

    /// <summary>Each picture's score, those of one owner together. No picture is scaled by its owner: the scales are
    /// those of all other good pictures.</summary>
    /// <param name="config">The memory's numbers, with as many vectors as there are.</param>
    public IEnumerable<Judged> Of(Config config)
    {
        var scales = ScalesOf(config);
        foreach (var all in _owners)
        {
            foreach (var good in all.Where(m => m.Picture.IsGood)) scales?.Remove(good);
            var rows = scales?.Rows();
            foreach (var good in all.Where(m => m.Picture.IsGood)) scales?.Add(good);
            foreach (var judged in Maps(all, config, rows)) yield return judged;
        }
    }

    /// <summary>Each picture's score by the scales that a memory has: its own good pictures were others.</summary>
    public IEnumerable<Judged> As(MadeMemory memory)
    {
        float[]? rows = memory.Config.Memory.Scaling == Scaling.None ? null
            : memory.Weights[MemoryNetwork.Scales].ToArray();
        return Maps([.. measured], memory.Config, rows);
    }

    /// <summary>Writes the scales of all good pictures into a memory, if it has any.</summary>
    public void Scale(MadeMemory memory) =>
        ScalesOf(memory.Config)?.Rows().CopyTo(memory.Weights[MemoryNetwork.Scales]);

    /// <summary>What was found in the good pictures of some images, as a model keeps it.</summary>
    /// <param name="isWanted">Which.</param>
    /// <param name="scaling">What will be asked of it.</param>
    public RememberedCells Cells(Predicate<ImageItem> isWanted, Scaling scaling)
    {
        Measured[] wanted = [.. measured.Where(m => m.Picture.IsGood && isWanted(m.Picture.Item))];
        return new([.. wanted.Select(m => m.Distance)],
            scaling == Scaling.Vector ? [.. wanted.Select(m => m.Index)] : []);
    }

    /// <summary>The scales of all good pictures; null where there is no scaling.</summary>
    public MemoryScales? ScalesOf(Config config)
    {
        if (config.Memory.Scaling == Scaling.None) return null;
        bool byVector = config.Memory.Scaling == Scaling.Vector;
        var scales = new MemoryScales(byVector ? config.Memory.Size : side * side, byVector);
        foreach (var good in measured.Where(m => m.Picture.IsGood)) scales.Add(good);
        return scales;
    }

    private Judged[] Maps(Measured[] pictures, Config config, float[]? rows)
    {
        var (memory, cells) = (config.Memory, side * side);
        var shape = new Shape(pictures.Length, side, side, 1);
        using var y = Tensor.From(device, shape, [.. pictures.SelectMany(p => p.Distance)], "distances");
        if (rows is not null)
        {
            using var index = memory.Scaling == Scaling.Place ? null
                : Tensor.From(device, shape, [.. pictures.SelectMany(p => p.Index)], "nearest");
            using var scales = Tensor.From(device, Shape.Of(1, rows.Length / 2, 2), rows, "scales");
            Kernels.Cells.Standardise(y, index, scales, y);
        }
        float[] scores;
        if (memory.Smooth == 0) scores = y.ToArray();
        else
        {
            using var smooth = Tensor.Rent(device, shape, "scores");
            LocalMean.Forward(y, smooth, LocalWindow.Gaussian(memory.Smooth));
            scores = smooth.ToArray();
        }
        return Array.ConvertAll(pictures.Index().ToArray(), picture =>
        {
            int start = picture.Index * cells;
            var map = new ScoreMap(side, side, scores[start..(start + cells)]);
            return new Judged(picture.Item.Picture, map, config, picture.Item.Network);
        });
    }
}
