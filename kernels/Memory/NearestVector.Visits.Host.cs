using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MlffAd.Kernels;

public static unsafe partial class NearestVector
{
    /// <summary>Pairs of query and panel to compare, visited panel by panel, so that each is read once.</summary>
    private sealed class Visits(int panels)
    {
        private readonly List<(int Panel, int Row)> _all = [];

        public int Count => _all.Count;

        public int Panels => panels;

        /// <summary>Adds one thread's visits, in any order; thread-safe.</summary>
        public void Add(List<(int Panel, int Row)> some)
        {
            lock (_all) _all.AddRange(some);
        }

        /// <summary>The rows grouped by panel, and each panel's start.</summary>
        public (int[] Starts, int[] Rows) ByPanel()
        {
            var (starts, rows) = (new int[panels + 1], new int[_all.Count]);
            var all = CollectionsMarshal.AsSpan(_all);
            foreach (var (panel, _) in all) starts[panel + 1]++;
            for (int p = 0; p < panels; p++) starts[p + 1] += starts[p];
            int[] next = starts[..panels];
            foreach (var (panel, row) in all) rows[next[panel]++] = row;
            return (starts, rows);
        }
    }

    /// <summary>A vector and its squared distance; ties go to the lower index.</summary>
    private record struct Found(double Square, int Which)
    {
        public readonly bool IsNearerThan(Found other) =>
            Square < other.Square || (Square == other.Square && Which < other.Which);
    }

    /// <summary>Finds the nearest vectors by exact distances in the panels whose largest ranks allow it.</summary>
    private static void Decide(
        Tensor queries, PackedVectors vectors, Tensor? groups, Tensor largest, Tensor distance, Tensor index)
    {
        var team = queries.Device.Team;
        var nearest = new Found[queries.Rows];
        var visits = new Visits(vectors.Panels!.Value.Count);
        team.For(queries.Rows, new AllowJob(queries, vectors, largest, visits, nearest));
        var (starts, rows) = visits.ByPanel();
        var found = new Found[rows.Length];
        team.Share(Math.Min(team.Here, visits.Panels), visits.Panels,
            new LookJob(queries: queries, vectors: vectors, groups: groups, starts: starts, rows: rows, found: found));
        for (int i = 0; i < rows.Length; i++)
            if (found[i].IsNearerThan(nearest[rows[i]])) nearest[rows[i]] = found[i];
        for (int i = 0; i < nearest.Length; i++)
        {
            Number(distance, i) = (float)Math.Sqrt(nearest[i].Square);
            Number(index, i) = nearest[i].Which;
        }
    }

    /// <summary>Collects the panels that may hold each query's nearest vector; none for a query that is not
    /// finite.</summary>
    private readonly struct AllowJob(
        Tensor queries, PackedVectors vectors, Tensor largest, Visits visits, Found[] nearest) : IJob
    {
        public void Run(int begin, int end)
        {
            int panels = visits.Panels;
            var some = new List<(int, int)>(end - begin);
            for (int i = begin; i < end; i++)
            {
                float* ranks = largest.Host.Row(i);
                double square = Ranks.Square(queries.Host.Row(i), vectors.Width), norm = Math.Sqrt(square);
                bool finite = double.IsFinite(square), all = norm + vectors.LargestNorm > Ranks.Overflow;
                nearest[i] = new(finite ? double.PositiveInfinity : double.NaN, -1);
                // Twice: the nearest one's rank may be too small, and the largest rank too large.
                double reach = Ranks.Largest(ranks, panels) - 2 * Ranks.Error(vectors.Width, norm, vectors.LargestNorm);
                for (int p = 0; p < panels && finite; p++)
                    if (all || !(ranks[p] < reach || float.IsNegativeInfinity(ranks[p]))) some.Add((p, i));
            }
            visits.Add(some);
        }
    }

    /// <summary>Items are panels: finds the nearest of a panel's vectors for each visit.</summary>
    private readonly struct LookJob(Tensor queries, PackedVectors vectors, Tensor? groups, int[] starts, int[] rows,
        Found[] found) : IItemJob
    {
        [SkipLocalsInit]
        public void Run(int part, int p)
        {
            var panels = vectors.Panels!.Value;
            var panel = panels.Panel(p);
            var (_, column, count, width) = panel;
            double* squares = stackalloc double[Tiles.Wide];
            float* vectorGroups = groups is null ? null : vectors.Groups!.Host.Data;
            for (int i = starts[p]; i < starts[p + 1]; i++)
            {
                float own = groups is null ? 0 : Number(groups, rows[i]);
                var nearest = new Found(double.PositiveInfinity, -1);
                Ranks.SquaredDistances(queries.Host.Row(rows[i]), panel.To, panels.K, width, squares);
                for (int j = 0; j < count; j++)
                {
                    if (vectorGroups != null && vectorGroups[column + j] == own) continue;
                    var one = new Found(squares[j], vectors.Coarse?.Order[column + j] ?? column + j);
                    if (one.IsNearerThan(nearest)) nearest = one;
                }
                found[i] = nearest;
            }
        }
    }
}
