namespace MlffAd.Kernels;

/// <summary>The nearest of a memory's vectors to each query, and its distance: <c>j(i) = argmin_j ‖q_i − m_j‖</c>,
/// <c>d_i = ‖q_i − m_j(i)‖</c> (spec §14).</summary>
/// <remarks>Queries are the rows of <c>[N, H, W, D]</c>, M in number, vectors those of <c>[1, 1, B, D]</c>, D ≤ 512.
/// The result is exact. A float32 product ranks the vectors by <c>q·m − ½‖m‖²</c> and keeps each panel's largest rank;
/// where rounding could hide the nearest, <c>Σ_k (q_k − m_k)²</c> is summed in float64 in the order of k. Ties go to
/// the lowest index, so neither tiles nor threads nor the batch matter; a query contained in the memory has distance 0.
/// A query that is not finite has distance NaN and index −1.
/// <para>Groups: vectors of a query's own group are skipped; if none is left, distance +∞ and index −1.</para>
/// <para>Gradients: <c>dq_i = dd_i·(q_i − m_j(i))/d_i</c>, and <c>dm_j</c> is the sum of the negatives over the queries
/// that j is nearest to, in their order; both are 0 where d is 0. The choice of j has no gradient.</para>
/// FLOP: 2·M·B·D; bytes: 4·(M·D + B·D + 2·M).</remarks>
public static partial class NearestVector
{
    /// <summary>Largest D: a tile accumulates this many products in registers.</summary>
    public const int MaxWidth = Product.BlockK;

    private static readonly Kernel ForwardKernel = new("memory.nearest"),
        QueryGradientKernel = new("memory.nearest.dq"), VectorGradientKernel = new("memory.nearest.dm");

    /// <summary>Finds the nearest vectors.</summary>
    /// <param name="queries">M rows of D.</param>
    /// <param name="vectors">The memory, packed once.</param>
    /// <param name="distance">M numbers: Euclidean distances.</param>
    /// <param name="index">M numbers: the vector's index, from 0.</param>
    /// <param name="groups">M integers, the queries' groups; null to skip no vector.</param>
    public static void Forward(
        Tensor queries, PackedVectors vectors, Tensor distance, Tensor index, Tensor? groups = null)
    {
        Shape.Require("memory.nearest", queries.C == vectors.Width,
            $"queries have {queries.C} numbers, vectors {vectors.Width}", queries);
        Shape.Require("memory.nearest", distance.Count == queries.Rows && index.Count == queries.Rows
            && (groups is null || groups.Count == queries.Rows), $"one result and one group a query are wanted",
            queries, distance, index);
        if (groups is not null && !vectors.HasGroups)
            throw new ArgumentException("memory.nearest: the queries have groups, the vectors were packed without.");
        long m = queries.Rows, b = vectors.Count, d = vectors.Width;
        using var _ = ForwardKernel.Begin(queries, 2 * m * b * d, 4 * (m * d + b * d + 2 * m));
        if (queries.Device.IsHost) ForwardHost(queries, vectors, distance, index, groups);
        else ForwardGpu(queries, vectors, distance, index, groups);
    }

    /// <summary>Packs the vectors for this call only, then searches.</summary>
    /// <param name="queries">M rows of D.</param>
    /// <param name="vectors">B rows of D.</param>
    /// <param name="distance">M numbers: Euclidean distances.</param>
    /// <param name="index">M numbers: the vector's index, from 0.</param>
    /// <param name="queryGroups">M integers, or null; both or neither.</param>
    /// <param name="vectorGroups">B integers, or null.</param>
    public static void Forward(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor? queryGroups = null, Tensor? vectorGroups = null)
    {
        using var packed = PackedVectors.Pack(vectors, vectorGroups);
        Forward(queries, packed, distance, index, queryGroups);
    }

    /// <summary>The gradient of the queries.</summary>
    /// <param name="queries">As in <see cref="Forward(Tensor, Tensor, Tensor, Tensor, Tensor?, Tensor?)"/>.</param>
    /// <param name="vectors">B rows of D.</param>
    /// <param name="distance">As forward wrote it.</param>
    /// <param name="index">As forward wrote it.</param>
    /// <param name="ddistance">Gradient of the distances.</param>
    /// <param name="dqueries">M rows of D, overwritten or added to.</param>
    /// <param name="add">Whether to add.</param>
    public static void QueryGradient(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor dqueries, bool add = false)
    {
        Shape.Same("memory.nearest.dq", queries, dqueries);
        Require("memory.nearest.dq", queries, vectors, distance, index, ddistance);
        long bytes = 4 * ((add ? 4L : 3L) * queries.Count + 3L * queries.Rows);
        using var _ = QueryGradientKernel.Begin(queries, 2 * queries.Count, bytes);
        if (queries.Device.IsHost) QueryGradientHost(queries, vectors, distance, index, ddistance, dqueries, add);
        else QueryGradientGpu(queries, vectors, distance, index, ddistance, dqueries, add);
    }

    /// <summary>The gradient of the vectors; 0 for a vector that is nearest to no query.</summary>
    /// <param name="queries">As in <see cref="Forward(Tensor, Tensor, Tensor, Tensor, Tensor?, Tensor?)"/>.</param>
    /// <param name="vectors">B rows of D.</param>
    /// <param name="distance">As forward wrote it.</param>
    /// <param name="index">As forward wrote it.</param>
    /// <param name="ddistance">Gradient of the distances.</param>
    /// <param name="dvectors">B rows of D, overwritten or added to.</param>
    /// <param name="add">Whether to add.</param>
    public static void VectorGradient(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor dvectors, bool add = false)
    {
        Shape.Same("memory.nearest.dm", vectors, dvectors);
        Require("memory.nearest.dm", queries, vectors, distance, index, ddistance);
        long bytes = 4 * (2 * queries.Count + (add ? 2L : 1L) * vectors.Count + 3L * queries.Rows);
        using var _ = VectorGradientKernel.Begin(vectors, 3 * queries.Count, bytes);
        if (queries.Device.IsHost) VectorGradientHost(queries, vectors, distance, index, ddistance, dvectors, add);
        else VectorGradientGpu(queries, vectors, distance, index, ddistance, dvectors, add);
    }

    private static void Require(
        string op, Tensor queries, Tensor vectors, Tensor distance, Tensor index, Tensor ddistance) =>
        Shape.Require(op, queries.C == vectors.C && distance.Count == queries.Rows && index.Count == queries.Rows
            && ddistance.Count == queries.Rows, $"queries and vectors must be equally wide, with one result a query",
            queries, vectors, distance, index, ddistance);

    static partial void ForwardGpu(
        Tensor queries, PackedVectors vectors, Tensor distance, Tensor index, Tensor? groups);

    static partial void QueryGradientGpu(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor dqueries, bool add);

    static partial void VectorGradientGpu(Tensor queries, Tensor vectors, Tensor distance, Tensor index,
        Tensor ddistance, Tensor dvectors, bool add);
}
