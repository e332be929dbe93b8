using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>Repeatedly finds the pool's vector furthest from those chosen, as the plain loop would, but examines only
/// candidates.</summary>
/// <remarks>A vector's distance to the nearest chosen one only decreases, so its last value is an upper bound, and a
/// heap of bounds yields the candidates (lazy greedy: Minoux 1978). The few hundred largest are popped, updated with
/// all choices made since, as one product, and followed choice by choice until a vector in the heap may be further.
/// Bounds are float32 ranks plus their error (<see cref="Ranks.Error"/>); float64 distances alone decide the
/// choice.</remarks>
internal sealed unsafe class FarthestSearch : IDisposable
{
    /// <summary>Vectors followed at a time: four blocks of rows, which fit the L2 cache.</summary>
    private const int Most = 4 * Ranks.BlockRows;

    private readonly Tensor _pool, _halfNorms, _room;
    private readonly HostRows _rows;
    private readonly Panels _centres;
    private readonly int[] _chosen;
    private readonly double[] _norms;
    private readonly Nearest[] _nearest;
    private readonly PriorityQueue<int, Bound> _waiting = new();
    private readonly List<Followed> _followed = new(Most);
    private readonly double _largest;
    private int _count;

    /// <summary>A vector's three best ranks among the first <see cref="Seen"/> choices, and which choices the first two
    /// are.</summary>
    private struct Nearest
    {
        public float Best, Second, Third;
        public int Which, Other, Seen;

        /// <summary>Inserts a rank; returns whether it is the best.</summary>
        public bool Take(float rank, int which)
        {
            if (rank <= Third) return false;
            if (rank > Best)
            {
                (Third, Second, Other, Best, Which) = (Second, Best, Which, rank, which);
                return true;
            }
            if (rank > Second) (Third, Second, Other) = (Second, rank, which);
            else Third = rank;
            return false;
        }
    }

    /// <summary>A followed vector and its squared distance, an upper bound unless <paramref name="IsExact"/>.</summary>
    private record struct Followed(int Row, double Square, bool IsExact);

    /// <summary>Ordered largest first, ties by row.</summary>
    private readonly record struct Bound(double Square, int Row) : IComparable<Bound>
    {
        public int CompareTo(Bound other) =>
            Square != other.Square ? other.Square.CompareTo(Square) : Row.CompareTo(other.Row);
    }

    public FarthestSearch(Tensor pool, int count)
    {
        (_pool, _rows) = (pool, pool.Host);
        var device = pool.Device;
        int columns = (count + Tiles.Wide - 1) / Tiles.Wide * Tiles.Wide;
        _centres = Panels.Empty(device, 1, pool.C, columns);
        new Span<float>(_centres.Data, checked((int)_centres.Size)).Clear();
        _halfNorms = Tensor.Rent(device, Shape.Of(columns), "half squared norms");
        _halfNorms.HostSpan.Fill(float.NegativeInfinity);
        var room = Shape.Of(device.Team.Count, Ranks.BlockRows, Ranks.BlockPanels * Tiles.Wide);
        _room = Tensor.Rent(device, room, "ranks");
        _chosen = new int[count];
        _norms = new double[pool.Rows];
        _nearest = new Nearest[pool.Rows];
        device.Team.For(pool.Rows, new NormsJob(pool.Host, pool.C, _norms, _nearest), pool.C);
        _largest = _norms.Max();
        if (!Array.TrueForAll(_norms, norm => norm < Ranks.Overflow))
        {
            Dispose();
            throw new ArgumentException($"memory.kcentre: {pool} holds numbers that are too large or not finite.");
        }
    }

    /// <summary>Adds a row to the choice and finds the next furthest.</summary>
    /// <returns>Its squared distance.</returns>
    public double Choose(int row, out int furthest, CancellationToken stop)
    {
        Add(row);
        if (_count == 1) MeetFirst();
        else FollowChoice(row);
        while (true)
        {
            if (Furthest() is { } found)
            {
                furthest = found.Row;
                return found.Square;
            }
            stop.ThrowIfCancellationRequested();
            Refill();
        }
    }

    public void Dispose()
    {
        _centres.Dispose();
        _halfNorms.Dispose();
        _room.Dispose();
    }

    /// <summary>The furthest of all, or null if it may not be among those followed.</summary>
    private Followed? Furthest()
    {
        while (_followed.Count > 0)
        {
            int at = 0;
            for (int i = 1; i < _followed.Count; i++)
            {
                double difference = _followed[i].Square - _followed[at].Square;
                if (difference > 0 || (difference == 0 && _followed[i].Row < _followed[at].Row)) at = i;
            }
            var first = _followed[at];
            // A vector in the heap may be further, or as far with a lower row.
            var bound = new Bound(first.Square, first.Row);
            if (_waiting.TryPeek(out _, out var other) && bound.CompareTo(other) > 0) return null;
            if (first.IsExact) return first;
            _followed[at] = first with { Square = Exact(first.Row), IsExact = true };
        }
        return _waiting.Count == 0 ? new Followed(0, 0, true) : null;
    }

    /// <summary>Returns the followed vectors to the heap, pops those with the largest bounds and updates
    /// them.</summary>
    private void Refill()
    {
        foreach (var followed in _followed) _waiting.Enqueue(followed.Row, new(followed.Square, followed.Row));
        _followed.Clear();
        while (_followed.Count < Most && _waiting.TryDequeue(out int row, out var bound))
            _followed.Add(new(row, bound.Square, false));
        // Sorted by Seen, since a block of rows is multiplied by all choices that its first row has not seen.
        int[] rows = [.. _followed.Select(followed => followed.Row).OrderBy(row => _nearest[row].Seen)];
        Tiles.Dispatch(new Call(this, rows));
        for (int i = 0; i < _followed.Count; i++)
            _followed[i] = _followed[i] with { Square = Math.Min(_followed[i].Square, AtMost(_followed[i].Row)) };
    }

    /// <summary>Compares all vectors with the first choice.</summary>
    private void MeetFirst()
    {
        int[] rows = [.. Enumerable.Range(0, _pool.Rows).Where(row => row != _chosen[0])];
        if (rows.Length == 0) return;
        Tiles.Dispatch(new Call(this, rows));
        _waiting.EnqueueRange(rows.Select(row => (row, new Bound(AtMost(row), row))));
    }

    /// <summary>Upper bound of a vector's squared distance to the nearest choice.</summary>
    private double AtMost(int row)
    {
        double norm = _norms[row];
        return Math.Max(0, norm * norm - 2 * _nearest[row].Best + 2 * Ranks.Error(_pool.C, norm, _largest));
    }

    /// <summary>Exact squared distance to the nearest choice: the least over those that ranks leave.</summary>
    private double Exact(int row)
    {
        var nearest = _nearest[row];
        float* x = _rows.Row(row);
        double reach = nearest.Best - 2 * Ranks.Error(_pool.C, _norms[row], _largest);
        if (nearest.Third < reach)
        {
            double first = Ranks.SquaredDistance(x, _rows.Row(_chosen[nearest.Which]), _pool.C);
            return nearest.Second < reach ? first
                : Math.Min(first, Ranks.SquaredDistance(x, _rows.Row(_chosen[nearest.Other]), _pool.C));
        }
        double least = double.PositiveInfinity;
        for (int l = 0; l < _count; l++)
        {
            float* centre = _rows.Row(_chosen[l]);
            float rank = VectorRows.Dot(x, centre, _pool.C) + _halfNorms.Host.Data[l];
            if (rank >= reach) least = Math.Min(least, Ranks.SquaredDistance(x, centre, _pool.C));
        }
        return least;
    }

    private void Add(int row)
    {
        int column = _count % Tiles.Wide;
        float* x = _rows.Row(row), to = _centres.Data + (nint)(_count - column) * _pool.C + column;
        for (int k = 0; k < _pool.C; k++) to[k * Tiles.Wide] = x[k];
        _halfNorms.Host.Data[_count] = (float)(-0.5 * Ranks.Square(x, _pool.C));
        _chosen[_count++] = row;
        int at = _followed.FindIndex(followed => followed.Row == row);
        if (at >= 0) _followed.RemoveAt(at);
    }

    /// <summary>Updates the followed vectors with the last choice.</summary>
    private void FollowChoice(int row)
    {
        float* centre = _rows.Row(row);
        float half = _halfNorms.Host.Data[_count - 1];
        for (int i = 0; i < _followed.Count; i++)
        {
            int other = _followed[i].Row;
            float rank = VectorRows.Dot(_rows.Row(other), centre, _pool.C) + half;
            bool isNearer = _nearest[other].Take(rank, _count - 1);
            _nearest[other].Seen = _count;
            double reach = _nearest[other].Best - 2 * Ranks.Error(_pool.C, _norms[other], _largest);
            if (isNearer || rank >= reach)
                _followed[i] = new(other, Math.Min(_followed[i].Square, AtMost(other)), false);
        }
    }

    private readonly struct NormsJob(HostRows pool, int width, double[] norms, Nearest[] nearest) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                norms[i] = Math.Sqrt(Ranks.Square(pool.Row(i), width));
                nearest[i] = new()
                {
                    Best = float.NegativeInfinity,
                    Second = float.NegativeInfinity,
                    Third = float.NegativeInfinity,
                };
            }
        }
    }

    private readonly struct Call(FarthestSearch search, int[] rows) : Tiles.ICall
    {
        public void With<TWide, TNarrow>() where TWide : ITile where TNarrow : ITile
        {
            int blocks = (rows.Length + Ranks.BlockRows - 1) / Ranks.BlockRows;
            var team = search._pool.Device.Team;
            team.Share(Math.Min(team.Here, blocks), blocks, new UpdateJob<TWide, TNarrow>(search, rows, blocks));
        }
    }

    /// <summary>Items are blocks of rows; a block is compared with the panels that its first row has not
    /// seen.</summary>
    private readonly struct UpdateJob<TWide, TNarrow>(FarthestSearch search, int[] rows, int blocks) : IItemJob
        where TWide : ITile where TNarrow : ITile
    {
        [SkipLocalsInit]
        public void Run(int part, int item)
        {
            int begin = ThreadTeam.Start(item, blocks, rows.Length);
            int count = ThreadTeam.Start(item + 1, blocks, rows.Length) - begin;
            int padded = (count + TWide.Rows - 1) / TWide.Rows * TWide.Rows, seen = search._nearest[rows[begin]].Seen;
            float** x = stackalloc float*[padded];
            for (int r = 0; r < padded; r++) x[r] = search._rows.Row(rows[begin + Math.Min(r, count - 1)]);
            float* v = search._room.Items(part, 1).Host.Data;
            int wide = Tiles.Wide, block = Ranks.BlockPanels * wide, end = (search._count + wide - 1) / wide * wide;
            for (int n = seen / wide * wide; n < end; n += block)
            {
                int columns = Math.Min(block, end - n);
                Ranks.Fill<TWide, TNarrow>(
                    x, count, padded, search._centres, search._halfNorms.Host.Data, n, columns, v, block);
                for (int r = 0; r < count; r++)
                {
                    ref var nearest = ref search._nearest[rows[begin + r]];
                    for (int p = 0; p < columns; p += wide) Take(ref nearest, v + r * block + p, n + p, search._count);
                }
            }
            for (int r = 0; r < count; r++) search._nearest[rows[begin + r]].Seen = search._count;
        }

        /// <summary>Inserts a panel's ranks for the columns that the row has not seen.</summary>
        private static void Take(ref Nearest nearest, float* ranks, int first, int end)
        {
            if (Ranks.Largest(ranks, Tiles.Wide) <= nearest.Third) return;
            for (int j = Math.Max(0, nearest.Seen - first); j < Tiles.Wide && first + j < end; j++)
                nearest.Take(ranks[j], first + j);
        }
    }
}
