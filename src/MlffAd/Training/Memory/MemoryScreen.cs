namespace MlffAd.Training;

/// <summary>What small memories find, of cells with and without the mean and of several weights of place
/// (spec §14).</summary>
/// <param name="request">What is to be remembered.</param>
/// <param name="device">Where.</param>
/// <param name="stop">Ends it with an <see cref="OperationCanceledException"/>.</param>
internal sealed class MemoryScreen(TrainingRequest request, Device device, CancellationToken stop)
{
    /// <summary>Of a small memory: numbers of a vector, vectors, cells that they are chosen from.</summary>
    private const int MostWidth = 256, MostVectors = 1500, MostCells = 30000;

    private readonly MemoryConfig _asked = request.Config.Memory;

    /// <summary>Whether of means, the weight of place, vectors, and what a memory of these found.</summary>
    public sealed record Screened(bool Mean, double Place, int Vectors, MemoryScores Scores);

    /// <summary>Remembers some images and measures others, or the same without what is known of each.</summary>
    /// <param name="means">With which means: one or both.</param>
    /// <param name="places">With which weights of place.</param>
    /// <param name="remembered">Images to remember.</param>
    /// <param name="judged">Images to measure, with pseudo anomalies on them.</param>
    /// <param name="onRead">Told of each that was read.</param>
    /// <returns>A memory's findings for each mean and place; none where images cannot be read.</returns>
    public IReadOnlyList<Screened> Measure(IReadOnlyList<bool> means, IReadOnlyList<double> places,
        IReadOnlyList<ImageItem> remembered, IReadOnlyList<ImageItem> judged, Action onRead)
    {
        int width = Math.Min(MostWidth, _asked.Width);
        var small = request with
        {
            Config = request.Config with { Memory = _asked with { Width = width } },
        };
        var start = InitialWeights.ForMemory(small, _ => { });
        var (config, cells) = (start.Config, start.Config.Cells);
        using var reader = new CellReader(config, start.Weights, start.Preprocessing, device,
            (x, image) => new MemoryNetwork(config).Cells(x, image, means));
        int candidates = Math.Min(MostCells, _asked.Candidates);
        CellPool[] pools = [.. means.Select(_ => new CellPool(device,
            (int)Math.Min(candidates, (long)remembered.Count * cells), width))];
        var memories = new List<SmallMemory>();
        try
        {
            var seen = new HashSet<ulong>();
            reader.Read(remembered, request.MaxPixels, (picture, first, second, _) =>
            {
                if (!seen.Add(picture.Owner)) return;
                CellReader.Finite(picture, first);
                for (int cell = 0; cell < cells; cell++)
                {
                    var key = CellKey.Of(config.Train.Seed, picture.Owner, cell);
                    pools[0].Add(key, first.Slice(cell * width, width));
                    if (pools.Length > 1) pools[1].Add(key, second.Slice(cell * width, width));
                }
            }, (_, _) => onRead(), stop);
            if (pools[0].Keys.Count == 0) return [];
            var groups = pools[0].Keys.Select(key => key.Image).Distinct().Index()
                .ToDictionary(image => image.Item, image => image.Index);
            foreach (var (pool, mean) in pools.Zip(means))
            {
                pool.Sort();
                double unit = pool.UsualDistance(pool, stop);
                foreach (double place in places)
                    memories.Add(new(pool: pool, mean: mean, place: place, step: place * unit,
                        size: Math.Min(MostVectors, _asked.Size), side: config.MapSide, groups: groups, stop: stop));
            }
            var shown = MemoryJudge.Shown(judged, config.ImageSize);
            reader.Read(judged, request.MaxPixels, (picture, first, second, _) =>
            {
                int own = groups.Count > 1 ? groups.GetValueOrDefault(picture.Owner, -1) : -1;
                foreach (var memory in memories) memory.Measure(picture, memory.Mean == means[0] ? first : second, own);
            }, (_, _) => onRead(), stop,
                (good, image) => MemoryJudge.Anomalies(shown, good, image));
            return [.. memories.Select(m =>
                new Screened(m.Mean, m.Place, m.Vectors, new(config.MapSide, m.Measured, device)))];
        }
        finally
        {
            foreach (var pool in pools) pool.Dispose();
            foreach (var memory in memories) memory.Dispose();
        }
    }

    /// <summary>A memory of a pool with places at a step.</summary>
    private sealed class SmallMemory : IDisposable
    {
        private readonly PackedVectors _vectors;
        private readonly Tensor _cells, _distance, _index, _own, _step;
        private readonly int _width;

        public SmallMemory(CellPool pool, bool mean, double place, double step, int size, int side,
            Dictionary<ulong, int> groups, CancellationToken stop)
        {
            var device = pool.Rows.Device;
            _width = pool.Rows.C;
            (Mean, Place) = (mean, place);
            pool.SetPlaces((float)step, side);
            int[] chosen = KCentre.Choose(pool.Rows, Math.Min(size, pool.Keys.Count), null, stop).Indices;
            using var vectors = pool.Take(chosen);
            using var owners = Tensor.From(device, Shape.Of(chosen.Length),
                [.. chosen.Select(row => (float)groups[pool.Keys[row].Image])], "groups of vectors");
            _vectors = PackedVectors.Pack(vectors, owners);
            _cells = Tensor.Rent(device, new Shape(1, side, side, _width), "cells");
            _distance = Tensor.Rent(device, new Shape(1, side, side, 1), "distances");
            _index = Tensor.Rent(device, _distance.Shape, "nearest");
            _own = Tensor.Rent(device, Shape.Of(side * side), "groups of cells");
            _step = Tensor.From(device, Shape.Of(1), [(float)step], "step");
        }

        public bool Mean { get; }

        public double Place { get; }

        public int Vectors => _vectors.Count;

        public List<Measured> Measured { get; } = [];

        public void Measure(Picture picture, ReadOnlySpan<float> cells, int own)
        {
            _cells.Write(cells);
            Cells.Place(_step, _cells.Slice(_width - MemoryNetwork.PlaceColumns, MemoryNetwork.PlaceColumns));
            Pointwise.Fill(_own, own);
            NearestVector.Forward(_cells, _vectors, _distance, _index, _own);
            Measured.Add(new(picture, _distance.ToArray(), _index.ToArray()));
        }

        public void Dispose()
        {
            foreach (var tensor in new[] { _cells, _distance, _index, _own, _step }) tensor.Dispose();
            _vectors.Dispose();
        }
    }
}
