using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

public static unsafe partial class NearestVector
{
    internal static void ForwardHost(
        Tensor queries, PackedVectors vectors, Tensor distance, Tensor index, Tensor? groups)
    {
        if (vectors.Coarse is { } coarse && ForwardPruned(queries, vectors, coarse, distance, index, groups)) return;
        ForwardWhole(queries, vectors, distance, index, groups);
    }

    /// <summary>Computes the largest rank of every panel for every query, then exact distances in the panels that may
    /// hold the nearest.</summary>
    internal static void ForwardWhole(
        Tensor queries, PackedVectors vectors, Tensor distance, Tensor index, Tensor? groups)
    {
        var panels = vectors.Panels!.Value;
        using var largest = Tensor.Rent(queries.Device, Shape.Of(1, queries.Rows, panels.Count), "largest ranks");
        Tiles.Dispatch(new Call(queries: queries, panels: panels, halfNorms: vectors.HalfNorms.Host.Data,
            vectors: vectors, groups: groups, largest: largest));
        Decide(queries, vectors, groups, largest, distance, index);
    }

    private readonly struct Call(Tensor queries, Panels panels, float* halfNorms, PackedVectors vectors, Tensor? groups,
        Tensor largest) : Tiles.ICall
    {
        public void With<TWide, TNarrow>() where TWide : ITile where TNarrow : ITile
        {
            var device = queries.Device;
            int blocksN = (panels.Count + Ranks.BlockPanels - 1) / Ranks.BlockPanels, most = device.Team.Here;
            int unit = TWide.Rows, units = (queries.Rows + unit - 1) / unit;
            int blocksM = Math.Clamp(Math.Max(queries.Rows / Ranks.BlockRows, most), 1, units);
            int parts = Math.Min(most, blocksM * blocksN), rows = (units + blocksM - 1) / blocksM * unit;
            using var room = Tensor.Rent(device, Shape.Of(parts, rows, Ranks.BlockPanels * Tiles.Wide), "ranks");
            float* vectorGroups = groups is null ? null : vectors.Groups!.Host.Data;
            device.Team.Share(parts, blocksM * blocksN, new RankJob<TWide, TNarrow>(queries: queries, panels: panels,
                halfNorms: halfNorms, vectorGroups: vectorGroups, groups: groups, largest: largest, room: room,
                units: units, blocksM: blocksM, blocksN: blocksN));
        }
    }

    /// <summary>Items are blocks of rows × panels; those of one block of panels are consecutive.</summary>
    private readonly struct RankJob<TWide,
        TNarrow>(Tensor queries, Panels panels, float* halfNorms, float* vectorGroups,
        Tensor? groups, Tensor largest, Tensor room, int units, int blocksM, int blocksN) : IItemJob
        where TWide : ITile where TNarrow : ITile
    {
        private readonly HostRows _queries = queries.Host, _largest = largest.Host;
        private readonly float* _room = room.Host.Data;
        private readonly int _rows = queries.Rows, _pitch = room.C, _floats = room.Shape.Area * room.C;

        [SkipLocalsInit]
        public void Run(int part, int item)
        {
            int i = item % blocksM, j = item / blocksM, m = ThreadTeam.Start(i, blocksM, units) * TWide.Rows;
            int rows = Math.Min(ThreadTeam.Start(i + 1, blocksM, units) * TWide.Rows, _rows) - m;
            if (rows <= 0) return;
            int first = ThreadTeam.Start(j, blocksN, panels.Count);
            int end = ThreadTeam.Start(j + 1, blocksN, panels.Count);
            int n = first * Tiles.Wide, columns = Math.Min(end * Tiles.Wide, panels.N) - n;
            int padded = (rows + TWide.Rows - 1) / TWide.Rows * TWide.Rows;
            float** q = stackalloc float*[padded];
            for (int r = 0; r < padded; r++) q[r] = _queries.Row(m + Math.Min(r, rows - 1));
            float* v = _room + (nint)part * _floats;
            Ranks.Fill<TWide, TNarrow>(q, rows, padded, panels, halfNorms, n, columns, v, _pitch);
            for (int r = 0; r < rows; r++, v += _pitch)
            {
                float* to = _largest.Row(m + r) + first;
                for (int at = 0; at < columns; at += Tiles.Wide)
                {
                    int count = Math.Min(Tiles.Wide, columns - at);
                    *to++ = vectorGroups == null ? Ranks.Largest(v + at, count)
                        : Ranks.Largest(v + at, count, vectorGroups + n + at, Number(groups!, m + r));
                }
            }
        }
    }

    internal static void QueryGradientHost(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor dqueries, bool add) =>
        queries.Device.Team.For(queries.Rows, new QueryJob(queries: queries, vectors: vectors, distance: distance,
            index: index, ddistance: ddistance, dqueries: dqueries, add: add), queries.C);

    private readonly struct QueryJob(Tensor queries, Tensor vectors, Tensor distance, Tensor index, Tensor ddistance,
        Tensor dqueries, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                float* q = queries.Host.Row(i), to = dqueries.Host.Row(i);
                float scale = Slope(distance, index, ddistance, i);
                float* m = vectors.Host.Row(Math.Max(0, (int)Number(index, i)));
                for (int k = 0; k < queries.C; k++)
                {
                    float g = scale == 0 ? 0 : scale * (q[k] - m[k]);
                    to[k] = add ? to[k] + g : g;
                }
            }
        }
    }

    internal static void VectorGradientHost(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor dvectors, bool add)
    {
        if (!add) Pointwise.Fill(dvectors, 0);
        vectors.Device.Team.For(vectors.C, new VectorJob(queries: queries, vectors: vectors, distance: distance,
            index: index, ddistance: ddistance, dvectors: dvectors), queries.Rows);
    }

    /// <summary>Items are columns: each sums over the queries in order, on any number of threads.</summary>
    private readonly struct VectorJob(Tensor queries, Tensor vectors, Tensor distance, Tensor index, Tensor ddistance,
        Tensor dvectors) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = 0; i < queries.Rows; i++)
            {
                float scale = Slope(distance, index, ddistance, i);
                if (scale == 0) continue;
                int j = (int)Number(index, i);
                float* q = queries.Host.Row(i), m = vectors.Host.Row(j), to = dvectors.Host.Row(j);
                for (int k = begin; k < end; k++) to[k] -= scale * (q[k] - m[k]);
            }
        }
    }

    /// <summary><c>dd/d</c>; 0 where d is 0 or no vector was found.</summary>
    private static float Slope(Tensor distance, Tensor index, Tensor ddistance, int i)
    {
        float d = Number(distance, i);
        return d > 0 && Number(index, i) >= 0 ? Number(ddistance, i) / d : 0;
    }

    /// <summary>Element i of a column or of a row.</summary>
    private static ref float Number(Tensor t, int i) => ref t.C == 1 ? ref t.Host[i, 0] : ref t.Host[0, i];
}
