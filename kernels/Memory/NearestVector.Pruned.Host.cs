using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>Host body for many wide vectors: coarse ranks, an eighth of the product, rule out most panels
/// (<see cref="CoarseVectors"/>).</summary>
/// <remarks>A query's best coarse rank selects a panel, whose full ranks bound the distance; bound and coarse ranks
/// leave a few panels. Each panel is read once and multiplied by all queries that need it, as fast as in the full
/// product.</remarks>
public static unsafe partial class NearestVector
{
    /// <summary>If more than one panel in this many is needed, the full product is faster.</summary>
    private const int FewestSpared = 6;

    /// <summary>Finds the nearest vectors, or returns false if the directions rule out too few panels.</summary>
    private static bool ForwardPruned(Tensor queries, PackedVectors vectors, CoarseVectors coarse, Tensor distance,
        Tensor index, Tensor? groups)
    {
        var device = queries.Device;
        int m = queries.Rows, panels = coarse.Panels.Count;
        using var seen = Tensor.Rent(device, Shape.Of(1, m, CoarseVectors.Directions), "queries from few directions");
        using var coarsely = Tensor.Rent(device, Shape.Of(1, m, panels), "largest coarse ranks");
        using var largest = Tensor.Rent(device, coarsely.Shape, "largest ranks");
        MatMul.ForwardPacked(queries, coarse.Basis, seen);
        Tiles.Dispatch(new Call(queries: seen, panels: coarse.Panels, halfNorms: coarse.HalfNorms, vectors: vectors,
            groups: groups, largest: coarsely));
        Pointwise.Fill(largest, float.NegativeInfinity);

        var first = new Visits(panels);
        device.Team.For(m, new BestJob(coarsely, first));
        Tiles.Dispatch(new VisitCall(queries, vectors, groups, largest, first));

        var rest = new Visits(panels);
        device.Team.For(m, new PruneJob(queries: queries, vectors: vectors, coarse: coarse, seen: seen,
            coarsely: coarsely, largest: largest, visits: rest));
        if (rest.Count > (long)m * panels / FewestSpared) return false;
        Tiles.Dispatch(new VisitCall(queries, vectors, groups, largest, rest));
        Decide(queries, vectors, groups, largest, distance, index);
        return true;
    }

    /// <summary>Each query's panel of largest coarse rank.</summary>
    private readonly struct BestJob(Tensor coarsely, Visits visits) : IJob
    {
        public void Run(int begin, int end)
        {
            var some = new List<(int, int)>(end - begin);
            for (int i = begin; i < end; i++)
            {
                var ranks = new ReadOnlySpan<float>(coarsely.Host.Row(i), visits.Panels);
                some.Add((Math.Max(0, ranks.IndexOf(Ranks.Largest(coarsely.Host.Row(i), ranks.Length))), i));
            }
            visits.Add(some);
        }
    }

    private readonly struct VisitCall(
        Tensor queries, PackedVectors vectors, Tensor? groups, Tensor largest, Visits visits) : Tiles.ICall
    {
        public void With<TWide, TNarrow>() where TWide : ITile where TNarrow : ITile
        {
            var team = queries.Device.Team;
            var (starts, rows) = visits.ByPanel();
            int parts = Math.Min(team.Here, visits.Panels);
            using var room = Tensor.Rent(queries.Device, Shape.Of(parts, Ranks.BlockRows, Tiles.Wide), "ranks");
            team.Share(parts, visits.Panels, new VisitJob<TWide, TNarrow>(queries: queries, vectors: vectors,
                groups: groups, largest: largest, room: room, starts: starts, rows: rows));
        }
    }

    /// <summary>Items are panels, each multiplied by its queries a block at a time.</summary>
    private readonly struct VisitJob<TWide, TNarrow>(Tensor queries, PackedVectors vectors, Tensor? groups,
        Tensor largest, Tensor room, int[] starts, int[] rows) : IItemJob where TWide : ITile where TNarrow : ITile
    {
        private readonly HostRows _queries = queries.Host, _largest = largest.Host;
        private readonly float* _halfNorms = vectors.HalfNorms.Host.Data, _room = room.Host.Data,
            _groups = groups is null ? null : vectors.Groups!.Host.Data;

        [SkipLocalsInit]
        public void Run(int part, int p)
        {
            var panels = vectors.Panels!.Value;
            int n = p * Tiles.Wide, columns = Math.Min(Tiles.Wide, panels.N - n);
            float** q = stackalloc float*[Ranks.BlockRows];
            float* v = _room + (nint)part * Ranks.BlockRows * Tiles.Wide;
            for (int at = starts[p]; at < starts[p + 1]; at += Ranks.BlockRows)
            {
                int count = Math.Min(Ranks.BlockRows, starts[p + 1] - at);
                int padded = (count + TWide.Rows - 1) / TWide.Rows * TWide.Rows;
                for (int r = 0; r < padded; r++) q[r] = _queries.Row(rows[at + Math.Min(r, count - 1)]);
                Ranks.Fill<TWide, TNarrow>(q, count, padded, panels, _halfNorms, n, columns, v, Tiles.Wide);
                for (int r = 0; r < count; r++)
                    _largest[rows[at + r], p] = _groups == null ? Ranks.Largest(v + r * Tiles.Wide, columns)
                        : Ranks.Largest(v + r * Tiles.Wide, columns, _groups + n, Number(groups!, rows[at + r]));
            }
        }
    }

    /// <summary>Collects the unvisited panels that may hold a vector as near as the best known.</summary>
    private readonly struct PruneJob(Tensor queries, PackedVectors vectors, CoarseVectors coarse, Tensor seen,
        Tensor coarsely, Tensor largest, Visits visits) : IJob
    {
        public void Run(int begin, int end)
        {
            int panels = visits.Panels, width = vectors.Width;
            var some = new List<(int, int)>(end - begin);
            for (int i = begin; i < end; i++)
            {
                float* ranks = coarsely.Host.Row(i), known = largest.Host.Row(i);
                double square = Ranks.Square(queries.Host.Row(i), width), norm = Math.Sqrt(square);
                double norms = norm + vectors.LargestNorm, error = Ranks.Error(width, norm, vectors.LargestNorm);
                double most = Math.Max(0, square - 2 * (Ranks.Largest(known, panels) - error));
                // No bound for a query that is not finite or whose ranks may overflow.
                double reach = norms < Ranks.Overflow ? coarse.Reach(seen.Host.Row(i), width, norms, Math.Sqrt(most))
                    : double.NegativeInfinity;
                for (int p = 0; p < panels; p++)
                    if (!(ranks[p] < reach || float.IsNegativeInfinity(ranks[p])) && float.IsNegativeInfinity(known[p]))
                        some.Add((p, i));
            }
            visits.Add(some);
        }
    }
}
