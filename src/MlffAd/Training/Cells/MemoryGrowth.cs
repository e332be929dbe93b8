namespace MlffAd.Training;

/// <summary>What a memory takes from pictures that it does not know: the choice goes on, furthest cell first (spec
/// §14).</summary>
internal sealed class MemoryGrowth
{
    private readonly MadeMemory _memory;
    private readonly int _width;
    private readonly List<Cell> _cells = [];
    private readonly List<int> _taken = [];

    /// <summary>A cell of a new picture.</summary>
    /// <param name="Picture">Which.</param>
    /// <param name="Vector">Its numbers.</param>
    private sealed record Cell(ulong Picture, float[] Vector)
    {
        /// <summary>Its squared distance to the memory and the first so many of what was taken.</summary>
        public double Square { get; set; }

        /// <summary>How many of these.</summary>
        public int Compared { get; set; }
    }

    /// <summary>Reads the pictures' cells.</summary>
    /// <param name="model">The model.</param>
    /// <param name="groups">The groups of the images that its memory knows.</param>
    /// <param name="vectors">Its vectors as it was made: they say how fine a memory it is.</param>
    /// <param name="pictures">Pictures, S × S, none of them known.</param>
    /// <param name="isWhole">Whether all cells of a picture may be taken, not those alone that the memory has nothing
    /// near.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="stop">Ends reading.</param>
    public MemoryGrowth(Model model, IReadOnlyDictionary<ulong, int> groups, int vectors,
        IReadOnlyList<GoodPicture> pictures, Func<ulong, bool> isWhole, Device device, CancellationToken stop)
    {
        var config = model.Metadata.Config;
        (_memory, _width) = (new(config, model.Weights, groups, new Dictionary<ulong, List<ImageItem>>()),
            config.Memory.Width);
        Radius = LastDistance(model.Weights[MemoryNetwork.Vectors], vectors);
        using var reader = new CellReader(config, model.Weights, model.Metadata.Preprocessing, device, (x, image) =>
        {
            var network = new MemoryNetwork(config);
            var cells = network.Cells(x, image);
            var (distance, _) = x.NearestVector(cells, config.Memory.Size, MemoryNetwork.Vectors, MemoryNetwork.Groups);
            return [cells, distance];
        });
        // In the order of what they show: neither names nor folders matter.
        reader.Read(pictures.OrderBy(picture => picture.Contents), (picture, cells, distances, _) =>
        {
            CellReader.Finite(picture, cells);
            double least = isWhole(picture.Owner) ? 0 : Radius;
            for (int cell = 0; cell < distances.Length; cell++)
                if (distances[cell] > least)
                    _cells.Add(new(picture.Owner, cells.Slice(cell * _width, _width).ToArray())
                    {
                        Square = (double)distances[cell] * distances[cell],
                    });
        }, stop);
    }

    /// <summary>The distance of the last vector that was chosen to the nearest before it: about as far as a cell of the
    /// images that it was made of may be from the memory.</summary>
    public double Radius { get; }

    /// <summary>Cells that were taken so far.</summary>
    public int Count => _taken.Count;

    /// <summary>Takes cells, the furthest first, of equals the first, until none is further than a radius.</summary>
    /// <param name="radius">The radius.</param>
    /// <param name="from">The pictures whose cells are taken.</param>
    public void Take(double radius, Func<ulong, bool> from)
    {
        // What is taken makes distances smaller: the largest of old ones is a bound, and is the next if it stands.
        var next = new PriorityQueue<int, (double, int)>(_cells.Index()
            .Where(cell => from(cell.Item.Picture)).Select(cell => (cell.Index, (-cell.Item.Square, cell.Index))));
        while (next.TryDequeue(out int i, out var bound) && -bound.Item1 > radius * radius)
        {
            var cell = _cells[i];
            for (; cell.Compared < _taken.Count; cell.Compared++)
                cell.Square = SquaredDistance(cell.Vector, _cells[_taken[cell.Compared]].Vector, cell.Square);
            if (cell.Square < -bound.Item1) next.Enqueue(i, (-cell.Square, i));
            else _taken.Add(i);
        }
    }

    /// <summary>The memory and what was taken; scales of new vectors are 0 and 1.</summary>
    public MadeMemory Grown()
    {
        var (was, width) = (_memory.Config.Memory, _width);
        int size = was.Size + _taken.Count;
        var config = _memory.Config with
        {
            Memory = was with { Size = size, Candidates = Math.Max(size, was.Candidates) },
        };
        try { config.Validate(); }
        catch (MlffAdException e)
        {
            throw new MlffAdException(ExitCode.BadData,
                $"With what is new in these pictures the memory would be too large: {e.Message}", e);
        }
        var list = MlffNetwork.Parameters(config);
        var weights = new NetworkWeights(list, _memory.Weights.Trained, _memory.Weights.Statistics,
            new float[list.ConstantFloats]);
        foreach (var constant in _memory.Weights.List.Constants)
            _memory.Weights[constant].CopyTo(weights[constant.Name]);
        var groups = _memory.Groups.ToDictionary();
        int nextGroup = (int)_memory.Weights[MemoryNetwork.Groups].ToArray().Max() + 1;
        foreach (ulong picture in _taken.Select(i => _cells[i].Picture).Distinct().Order())
            groups.Add(picture, nextGroup++);
        for (int j = was.Size; j < size; j++)
        {
            var cell = _cells[_taken[j - was.Size]];
            cell.Vector.CopyTo(weights[MemoryNetwork.Vectors].Slice(j * width, width));
            weights[MemoryNetwork.Groups][j] = groups[cell.Picture];
            if (was.Scaling == Configuration.Scaling.Vector) weights[MemoryNetwork.Scales][2 * j + 1] = 1;
        }
        return _memory with { Config = config, Weights = weights, Groups = groups };
    }

    /// <summary>In the order of numbers, as distances are measured; no further than to what is least already.</summary>
    private static double SquaredDistance(ReadOnlySpan<float> a, ReadOnlySpan<float> b, double least)
    {
        double sum = 0;
        for (int k = 0; k < a.Length && sum < least; k++) sum += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
        return Math.Min(sum, least);
    }

    private double LastDistance(ReadOnlySpan<float> vectors, int count)
    {
        if (count < 2) return 0;
        var last = vectors.Slice((count - 1) * _width, _width);
        double least = double.MaxValue;
        for (int j = 0; j < count - 1; j++)
            least = SquaredDistance(last, vectors.Slice(j * _width, _width), least);
        return Math.Sqrt(least);
    }
}
