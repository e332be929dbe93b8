namespace MlffAd.Detection;

/// <summary>What the network says of an image, or why the image cannot be read.</summary>
/// <param name="Item">The image.</param>
/// <param name="Original">The photograph at its own size; null if broken.</param>
/// <param name="Score">Largest pixel score at S×S (equation 9).</param>
/// <param name="Cells">Score map of the network's cells, M×M; null if broken.</param>
/// <param name="Error">Names the file and what is wrong with it; null if it was scored.</param>
public sealed record ScoredImage(ImageItem Item, RgbImage? Original, float Score, ScoreMap? Cells,
    MlffAdException? Error);

/// <summary>Runs a model over images. Threads may share a scorer, and scorers a device: each batch waits for the
/// device; between batches nothing is held.</summary>
/// <param name="model">The model.</param>
/// <param name="device">Where to compute.</param>
/// <param name="batch">Images at a time; 0: 4 on the host, 16 on a GPU. Scores do not depend on it.</param>
public sealed class Scorer(Model model, Device device, int batch = 0) : IDisposable
{
    /// <summary>Photographs that wait for their batch, at their own size: of very large ones fewer wait.</summary>
    private const long MostBytes = 1L << 29;

    private readonly int _batch = batch > 0 ? batch : device.IsHost ? 4 : 16;
    private readonly PixelNormalisation _normalisation = KernelOptions.Normalisation(model.Metadata.Preprocessing);
    private Plan? _plan;
    private float[] _images = [];
    private Tensor? _groups;

    /// <summary>The model.</summary>
    public Model Model => model;

    /// <summary>Images at a time.</summary>
    internal int Batch => _batch;

    /// <summary>S, the side that images are brought to.</summary>
    public int Side => model.Metadata.Config.ImageSize;

    /// <summary>The group of each image that a memory remembers, by its contents: those images are judged without what
    /// is remembered of them. Null: the whole memory judges.</summary>
    internal IReadOnlyDictionary<ulong, int>? Groups { get; init; }

    /// <summary>Scores images in order; decodes them on background threads, ahead of the compute.</summary>
    /// <param name="items">The images; of a lazy sequence some batches are taken ahead.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    public IEnumerable<ScoredImage> Score(IEnumerable<ImageItem> items, long maxPixels = ImageFile.MaxPixels)
    {
        var waiting = new List<DecodedImage>();
        int size = items.TryGetNonEnumeratedCount(out int count) ? Math.Min(_batch, count) : _batch;
        long bytes = 0;
        foreach (var image in DecodedImage.Ahead(items, Side, device.Team.Count, maxPixels,
            model.Metadata.Config.BitDepth))
        {
            waiting.Add(image);
            bytes += image.Original?.Rgb.LongLength ?? 0;
            if (waiting.Count(w => w.Error is null) < size && bytes < MostBytes) continue;
            foreach (var scored in Flush(waiting, size)) yield return scored;
            waiting.Clear();
            bytes = 0;
        }
        foreach (var scored in Flush(waiting, size)) yield return scored;
    }

    /// <summary>Score maps (M×M) of images that are in memory already, in order.</summary>
    public IReadOnlyList<ScoreMap> Score(IReadOnlyList<RgbImage> images)
    {
        int size = Math.Min(_batch, images.Count);
        var resized = images.Select(image => image.Width == Side && image.Height == Side
            ? image : image.Resize(Side, Side));
        return [.. resized.Chunk(_batch).SelectMany(chunk => Run(chunk, size))];
    }

    /// <summary>Scores good images, those that are unusable left out, the photographs not kept.</summary>
    /// <param name="good">The images.</param>
    /// <param name="maxBad">Largest share that may be unusable.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    /// <param name="onScored">Told of each image when it is scored, or of its error.</param>
    /// <exception cref="MlffAdException">Too many are (exit code 3), or a score is not finite (4).</exception>
    public IReadOnlyList<ScoredImage> ScoreGood(
        IReadOnlyList<ImageItem> good, double maxBad, long maxPixels, Action<ImageItem, MlffAdException?>? onScored)
    {
        var scored = new List<ScoredImage>();
        var rejects = new Rejects(good.Count, maxBad);
        foreach (var image in Score(good, maxPixels))
        {
            onScored?.Invoke(image.Item, image.Error);
            if (image.Error is { } error) rejects.Add(error);
            else if (!float.IsFinite(image.Score)) throw Finding.NotFinite(image.Item.Name);
            else scored.Add(image with { Original = null });
        }
        return scored;
    }

    /// <summary>Returns the memory.</summary>
    public void Dispose()
    {
        using var gate = device.Gate.EnterScope();
        _plan?.Dispose();
        _groups?.Dispose();
    }

    private IEnumerable<ScoredImage> Flush(List<DecodedImage> images, int size)
    {
        var maps = Run([.. images.Where(image => image.Error is null).Select(image => image.Resized!)], size);
        int next = 0;
        foreach (var image in images)
        {
            var map = image.Error is null ? maps[next++] : null;
            yield return new ScoredImage(image.Item, image.Original, map?.Readout(model.Metadata.Config) ?? float.NaN,
                map, image.Error);
        }
    }

    /// <summary>The cell maps of a batch. The plan is for full batches: what the rest of its input holds
    /// does not matter.</summary>
    private ScoreMap[] Run(IReadOnlyList<RgbImage> images, int size)
    {
        if (images.Count == 0) return [];
        using var gate = device.Gate.EnterScope();
        var config = model.Metadata.Config;
        if (_plan is null || _plan.Input.Shape.N < size)
        {
            Dispose();
            var shape = new Shape(size, Side, Side, 3);
            _groups = Groups is null ? null
                : Tensor.Rent(device, new Shape(size, 1, config.Cells, 1), "groups of cells");
            _plan = Planner.Plan(config, model.Weights, device, shape, MlffNetwork.Scores(config), _groups);
            _images = new float[shape.Count];
        }
        int length = 3 * Side * Side, cells = config.Cells, m = config.MapSide;
        for (int i = 0; i < images.Count; i++)
            Normalise.Forward(images[i].Rgb, _images.AsSpan(i * length, length), _normalisation);
        for (int i = 0; i < images.Count && _groups is not null; i++)
            Pointwise.Fill(_groups.Items(i, 1), Groups!.GetValueOrDefault(images[i].Contents, -1));
        _plan.Input.Write(_images);
        _plan.Run();
        var maps = _plan.Outputs.Select(output => output.ToArray()).ToArray();
        return [.. images.Select((_, i) => new ScoreMap(m, m, Cells(0, i))
        {
            Deciding = maps.Length > 1 ? new(m, m, Cells(1, i)) : null,
        })];

        float[] Cells(int map, int i) => maps[map][(i * cells)..((i + 1) * cells)];
    }
}
