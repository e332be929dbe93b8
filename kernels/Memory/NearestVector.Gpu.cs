using ILGPU;

namespace MlffAd.Kernels;

public static partial class NearestVector
{
    /// <summary>Queries and vectors per tile; numbers staged in shared memory at a time; threads per group.</summary>
    private const int Tile = PackedVectors.TileVectors, Terms = 16, GroupSize = 256;

    /// <summary>Pitch of the staged queries, <c>[number][query]</c>, in floats.</summary>
    private const int Pitch = Tile + 4;

    /// <summary>Threads of a group that sums a vector's gradient.</summary>
    private const int Adding = 128;

    /// <summary>M queries, B vectors of D numbers; <paramref name="Largest"/> is [M, tiles].</summary>
    internal readonly record struct NearestArgs(
        GpuRows Queries, GpuRows Tiled, GpuRows HalfNorms, GpuRows QueryGroups, GpuRows VectorGroups, GpuRows Largest,
        GpuRows Distance, GpuRows Index, double LargestNorm, int M, int B, int D, int HasGroups)
    {
        public int Tiles => (B + Tile - 1) / Tile;

        /// <summary>A query's group; −1, which no vector has, if there are no groups.</summary>
        public float GroupOf(int i) => HasGroups != 0 && i < M ? QueryGroups[i, 0] : -1;
    }

    internal readonly record struct GradientArgs(
        GpuRows Queries, GpuRows Vectors, GpuRows Distance, GpuRows Index, GpuRows Ddistance, GpuRows Out,
        int M, int D, int Add)
    {
        /// <summary><c>dd/d</c>; 0 where d is 0 or no vector was found.</summary>
        public float Slope(int i) =>
            Distance[i, 0] > 0 && Index[i, 0] >= 0 ? Ddistance[i, 0] / Distance[i, 0] : 0;
    }

    private static readonly GpuKernel<NearestArgs>
        RankLauncher = new("memory.nearest.rank", RankBody, GroupSize, Terms * (Pitch + Tile) * sizeof(float)),
        DecideLauncher = new("memory.nearest.decide", DecideBody, Tile,
            Tile * (sizeof(double) + sizeof(int) + sizeof(float)), float64: true);

    private static readonly GpuKernel<GradientArgs> QueryLauncher = new("memory.nearest.dq", QueryBody),
        VectorLauncher = new("memory.nearest.dm", VectorBody, Adding, sizeof(int));

    static partial void ForwardGpu(
        Tensor queries, PackedVectors vectors, Tensor distance, Tensor index, Tensor? groups)
    {
        int tiles = vectors.Tiled!.Shape.N;
        using var largest = Tensor.Rent(queries.Device, Shape.Of(1, queries.Rows, tiles), "largest ranks");
        var p = Args(queries, vectors, distance, index, groups) with { Largest = largest.Gpu };
        RankLauncher.Launch(queries.Device, new Index3D((p.M + Tile - 1) / Tile, tiles, 1), p);
        DecideLauncher.Launch(queries.Device, p.M, p);
    }

    private static NearestArgs Args(
        Tensor queries, PackedVectors vectors, Tensor distance, Tensor index, Tensor? groups) =>
        new(Queries: queries.Gpu, Tiled: vectors.Tiled!.Gpu, HalfNorms: vectors.HalfNorms.Gpu,
            QueryGroups: groups is null ? default : Column(groups), VectorGroups: vectors.Groups?.Gpu ?? default,
            Largest: default, Distance: Column(distance), Index: Column(index), LargestNorm: vectors.LargestNorm,
            M: queries.Rows, B: vectors.Count, D: vectors.Width, HasGroups: groups is null ? 0 : 1);

    /// <summary>M numbers as M rows, from a column or a row.</summary>
    private static GpuRows Column(Tensor t) => (t.C == 1 ? t : t.Reshape(Shape.Of(1, (int)t.Count, 1))).Gpu;

    /// <summary>A group ranks 64 queries against a tile of vectors, a thread 4 × 4 in registers; keeps each query's
    /// largest rank.</summary>
    private static void RankBody(NearestArgs p)
    {
        var q = SharedMemory.Allocate<Four>(Terms * Pitch / 4);
        var v = SharedMemory.Allocate<Four>(Terms * Tile / 4);
        int thread = Group.IdxX, m0 = Grid.IdxX * Tile, tile = Grid.IdxY, row = thread / 16, column = thread % 16;
        Four c0 = default, c1 = default, c2 = default, c3 = default;
        for (int k0 = 0; k0 < p.D; k0 += Terms)
        {
            for (int e = thread; e < Tile * Terms; e += GroupSize)
            {
                int m = m0 + e / Terms, k = k0 + e % Terms;
                q.Cast<float>()[e % Terms * Pitch + e / Terms] = m < p.M && k < p.D ? p.Queries[m, k] : 0;
            }
            Four four = default;
            if (k0 + row < p.D) four = p.Tiled.Wide(tile * p.D + k0 + row, 4 * column);
            v[thread] = four;
            Group.Barrier();
            for (int k = 0; k < Terms; k++)
            {
                Four a = q[k * Pitch / 4 + row], b = v[k * Tile / 4 + column];
                c0.MultiplyAdd(a.X, b);
                c1.MultiplyAdd(a.Y, b);
                c2.MultiplyAdd(a.Z, b);
                c3.MultiplyAdd(a.W, b);
            }
            Group.Barrier();
        }
        int i = m0 + 4 * row, j = tile * Tile + 4 * column;
        Four own = new(p.GroupOf(i), p.GroupOf(i + 1), p.GroupOf(i + 2), p.GroupOf(i + 3));
        const float none = float.NegativeInfinity;
        Four largest = new(none, none, none, none);
        Challenge(p, ref largest, own, j, new(c0.X, c1.X, c2.X, c3.X));
        Challenge(p, ref largest, own, j + 1, new(c0.Y, c1.Y, c2.Y, c3.Y));
        Challenge(p, ref largest, own, j + 2, new(c0.Z, c1.Z, c2.Z, c3.Z));
        Challenge(p, ref largest, own, j + 3, new(c0.W, c1.W, c2.W, c3.W));
        // A query's sixteen numbers lie Pitch apart, so that neighbouring threads store to different banks.
        q[column * Pitch / 4 + row] = largest;
        Group.Barrier();
        if (thread >= Tile || m0 + thread >= p.M) return;
        float most = none;
        for (int n = 0; n < 16; n++) most = MathF.Max(most, q.Cast<float>()[n * Pitch + thread]);
        p.Largest[m0 + thread, tile] = most;
    }

    /// <summary>Updates four queries' largest ranks with those of vector j; ignores NaN.</summary>
    private static void Challenge(in NearestArgs p, ref Four largest, Four own, int j, Four sums)
    {
        if (j >= p.B) return;
        float half = p.HalfNorms[0, j], group = p.HasGroups != 0 ? p.VectorGroups[0, j] : 0;
        if (own.X != group) largest.X = MathF.Max(largest.X, sums.X + half);
        if (own.Y != group) largest.Y = MathF.Max(largest.Y, sums.Y + half);
        if (own.Z != group) largest.Z = MathF.Max(largest.Z, sums.Z + half);
        if (own.W != group) largest.W = MathF.Max(largest.W, sums.W + half);
    }

    /// <summary>One group per query; a thread takes one vector of each tile that may hold the nearest.</summary>
    private static void DecideBody(NearestArgs p)
    {
        var squares = SharedMemory.Allocate<double>(Tile);
        var numbers = SharedMemory.Allocate<int>(Tile);
        var ranks = SharedMemory.Allocate<float>(Tile);
        int i = Grid.IdxX, t = Group.IdxX, nearest = -1;
        double square = 0, least = double.PositiveInfinity;
        float rank = float.NegativeInfinity, own = p.GroupOf(i);
        for (int k = t; k < p.D; k += Tile)
        {
            double x = p.Queries[i, k];
            square += x * x;
        }
        for (int tile = t; tile < p.Tiles; tile += Tile) rank = MathF.Max(rank, p.Largest[i, tile]);
        square = GroupReduce.Sum(squares, square);
        rank = GroupReduce.Max(ranks, rank);
        if (t == 0) squares[0] = Reach(rank, p.D, Math.Sqrt(square), p.LargestNorm);
        Group.Barrier();
        double reach = squares[0];
        int tiles = double.IsFinite(square) ? p.Tiles : 0;
        for (int tile = 0, j = t; tile < tiles; tile++, j += Tile)
        {
            if (!(p.Largest[i, tile] >= reach) || j >= p.B) continue;
            if (p.HasGroups != 0 && p.VectorGroups[0, j] == own) continue;
            double sum = PackedVectors.SquaredDistance(p.Queries, i, p.Tiled, j, p.D, limit: least);
            if (sum < least) (least, nearest) = (sum, j);
        }
        least = GroupReduce.Least(squares, numbers, least, ref nearest);
        if (t != 0) return;
        p.Distance[i, 0] = double.IsFinite(square) ? (float)Math.Sqrt(least) : float.NaN;
        p.Index[i, 0] = nearest;
    }

    /// <summary>Lower bound of the nearest vector's rank.</summary>
    private static double Reach(float rank, int width, double norm, double largest)
    {
        if (norm + largest > Ranks.Overflow) return double.NegativeInfinity;
        // Twice: the nearest one's rank may be too small, and the largest rank too large.
        return rank - 2 * Ranks.Error(width, norm, largest);
    }

    static partial void QueryGradientGpu(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor dqueries, bool add) =>
        QueryLauncher.LaunchItems(queries.Device, queries.Count,
            Gradients(queries, vectors, distance, index, ddistance, dqueries, add));

    private static GradientArgs Gradients(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor to, bool add) =>
        new(Queries: queries.Gpu, Vectors: vectors.Gpu, Distance: Column(distance), Index: Column(index),
            Ddistance: Column(ddistance), Out: to.Gpu, M: queries.Rows, D: queries.C, Add: add ? 1 : 0);

    /// <summary>One thread per element.</summary>
    private static void QueryBody(GradientArgs p)
    {
        int i = Grid.GlobalIndex.X / p.D, k = Grid.GlobalIndex.X % p.D;
        if (i >= p.M) return;
        float slope = p.Slope(i), g = p.Add != 0 ? p.Out[i, k] : 0;
        if (slope != 0) g += slope * (p.Queries[i, k] - p.Vectors[(int)p.Index[i, 0], k]);
        p.Out[i, k] = g;
    }

    static partial void VectorGradientGpu(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor dvectors, bool add) =>
        VectorLauncher.Launch(vectors.Device, vectors.Rows,
            Gradients(queries, vectors, distance, index, ddistance, dvectors, add));

    /// <summary>One group per vector. Its threads scan the queries for those whose nearest it is, then each adds these,
    /// in order, to its own columns.</summary>
    private static void VectorBody(GradientArgs p)
    {
        var found = SharedMemory.Allocate<int>(1);
        int j = Grid.IdxX, t = Group.IdxX;
        for (int k = t; k < p.D && p.Add == 0; k += Adding) p.Out[j, k] = 0;
        for (int first = 0; first < p.M; first += Adding)
        {
            if (t == 0) found[0] = 0;
            Group.Barrier();
            if (first + t < p.M && p.Index[first + t, 0] == j) found[0] = 1;
            Group.Barrier();
            int end = found[0] != 0 ? IntrinsicMath.Min(first + Adding, p.M) : first;
            for (int i = first; i < end; i++)
            {
                float slope = p.Slope(i);
                if (p.Index[i, 0] != j || slope == 0) continue;
                for (int k = t; k < p.D; k += Adding) p.Out[j, k] -= slope * (p.Queries[i, k] - p.Vectors[j, k]);
            }
            Group.Barrier();
        }
    }
}
