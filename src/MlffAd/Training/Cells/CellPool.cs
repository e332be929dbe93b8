namespace MlffAd.Training;

/// <summary>A cell of a good image, and its place in the order in which cells are drawn (spec §14).</summary>
/// <param name="Order">64 random bits of (seed, image, cell).</param>
/// <param name="Image">The image, by its contents.</param>
/// <param name="Cell">Row · M + column.</param>
internal readonly record struct CellKey(ulong Order, ulong Image, int Cell) : IComparable<CellKey>
{
    public static CellKey Of(int seed, ulong image, int cell)
    {
        Span<uint> counter = [(uint)cell, (uint)RngPurpose.Memory, (uint)image, (uint)(image >> 32)];
        Rng.Philox(counter, (uint)seed, 0);
        return new((ulong)counter[0] << 32 | counter[1], image, cell);
    }

    public int CompareTo(CellKey other) => (Order, Image, Cell).CompareTo((other.Order, other.Image, other.Cell));
}

/// <summary>The vectors of those cells, of all that are shown to it, that come first in the order of their keys:
/// whatever the order in which images come, and however many.</summary>
internal sealed class CellPool : IDisposable
{
    /// <summary>Cells whose usual distance is the unit of place.</summary>
    public const int UnitCells = 4096;

    /// <summary>Vectors of the small memory that they are judged by, which is chosen of as many cells.</summary>
    private const int UnitVectors = 256;

    private readonly Tensor _rows;
    private readonly int _capacity, _width;
    private readonly List<CellKey> _keys = [];
    private readonly PriorityQueue<int, CellKey> _last = new(Comparer<CellKey>.Create((a, b) => b.CompareTo(a)));

    /// <summary>Rents room.</summary>
    /// <param name="device">Where the vectors shall lie.</param>
    /// <param name="capacity">Most cells.</param>
    /// <param name="width">Numbers of a vector.</param>
    public CellPool(Device device, int capacity, int width)
    {
        (_capacity, _width) = (capacity, width);
        _rows = Tensor.Rent(device, Shape.Of(1, capacity, width), "pool of cells");
    }

    /// <summary>Each vector's cell; in the order of keys after <see cref="Sort"/>.</summary>
    public IReadOnlyList<CellKey> Keys => _keys;

    /// <summary>The vectors, <c>[1, 1, count, width]</c>.</summary>
    public Tensor Rows => First(_keys.Count);

    /// <summary>The first of the vectors.</summary>
    public Tensor First(int count) => _rows.Part(0, Shape.Of(1, count, _width));

    /// <summary>One vector.</summary>
    public Tensor Row(int i) => _rows.Part((long)i * _width, Shape.Of(_width));

    /// <summary>Shows it a cell.</summary>
    public void Add(CellKey key, ReadOnlySpan<float> vector)
    {
        int row = _keys.Count;
        if (row < _capacity) _keys.Add(key);
        else
        {
            if (!_last.TryPeek(out row, out var last) || key.CompareTo(last) >= 0) return;
            _last.Dequeue();
            _keys[row] = key;
        }
        _last.Enqueue(row, key);
        Row(row).Write(vector);
    }

    /// <summary>Brings the vectors into the order of their keys.</summary>
    public void Sort()
    {
        int[] from = [.. Enumerable.Range(0, _keys.Count).OrderBy(i => _keys[i])];
        float[] first = new float[_width], row = new float[_width];
        var sorted = from.Select(i => _keys[i]).ToArray();
        for (int start = 0; start < from.Length; start++)
        {
            // A cycle of the permutation at a time.
            if (from[start] == start) continue;
            Row(start).Read(first);
            int to = start;
            for (; from[to] != start; (to, from[to]) = (from[to], to))
            {
                Row(from[to]).Read(row);
                Row(to).Write(row);
            }
            Row(to).Write(first);
            from[to] = to;
        }
        _keys.Clear();
        _keys.AddRange(sorted);
        _last.Clear();
    }

    /// <summary>Some of the vectors, <c>[1, count, width]</c>, to be disposed.</summary>
    public Tensor Take(IReadOnlyList<int> rows)
    {
        var taken = Tensor.Rent(_rows.Device, Shape.Of(1, rows.Count, _width), "chosen cells");
        for (int j = 0; j < rows.Count; j++)
            taken.Part((long)j * _width, Shape.Of(_width)).Write(Row(rows[j]).ToArray());
        return taken;
    }

    /// <summary>Writes each cell's place beside its features (spec §14).</summary>
    /// <param name="step">What a cell aside counts.</param>
    /// <param name="side">M.</param>
    public void SetPlaces(float step, int side)
    {
        float[] places = [.. _keys.SelectMany(key => new[] { step * (key.Cell / side), step * (key.Cell % side) })];
        Rows.Slice(_width - MemoryNetwork.PlaceColumns, MemoryNetwork.PlaceColumns).Write(places);
    }

    /// <summary>The median distance of some pool's cells to the nearest vector of a small memory of this one, not of
    /// their image, places aside: they must not be set yet.</summary>
    /// <param name="cells">The cells, which may be this pool's.</param>
    /// <param name="stop">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public double UsualDistance(CellPool cells, CancellationToken stop)
    {
        var device = _rows.Device;
        int m = Math.Min(UnitCells, cells.Keys.Count), n = Math.Min(UnitCells, Keys.Count);
        int[] chosen = KCentre.Choose(First(n), Math.Min(UnitVectors, n), null, stop).Indices;
        var numbers = cells.Keys.Concat(Keys).Select(key => key.Image).Distinct().Index()
            .ToDictionary(entry => entry.Item, entry => (float)entry.Index);
        // Where the pool judges itself, by cells that the small memory was not chosen from if there are some.
        int first = cells == this ? Math.Min(n, cells.Keys.Count - m) : 0;
        float[] shown = [.. cells.Keys.Skip(first).Take(m).Select(key => numbers[key.Image])];
        using var queryGroups = Tensor.From(device, Shape.Of(m), shown, "groups of cells");
        using var vectorGroups = Tensor.From(device, Shape.Of(chosen.Length),
            [.. chosen.Select(row => numbers[Keys[row].Image])], "groups of vectors");
        using var vectors = Take(chosen);
        using var distance = Tensor.Rent(device, Shape.Of(1, m, 1), "distances");
        using var index = Tensor.Rent(device, Shape.Of(1, m, 1), "nearest");
        var queries = cells.Rows.Part((long)first * _width, Shape.Of(1, m, _width));
        NearestVector.Forward(queries, vectors, distance, index, queryGroups, vectorGroups);
        float[] found = [.. distance.ToArray().Where(float.IsFinite).Order()];
        return found.Length == 0 ? 0 : Quantile.OfSorted(found, 0.5);
    }

    /// <summary>Returns the memory.</summary>
    public void Dispose() => _rows.Dispose();
}

/// <summary>Cells that a memory may be chosen from.</summary>
public sealed class DrawnPool : IDisposable
{
    private readonly CellPool _pool;

    internal DrawnPool(CellPool pool) => _pool = pool;

    /// <summary>Their vectors, <c>[1, 1, count, width]</c>.</summary>
    public Tensor Rows => _pool.Rows;

    /// <summary>Returns the memory.</summary>
    public void Dispose() => _pool.Dispose();
}
