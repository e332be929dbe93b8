namespace MlffAd.Kernels;

/// <summary>Earlier versions of the host body of <see cref="NearestVector"/>, one idea a rung.</summary>
/// <remarks>Version 0 is the definition: every difference, in float64. Version 1 ranks by a product of all queries with
/// all vectors, M × B numbers in memory, and decides exactly among those that rounding leaves in doubt. Version 2 keeps
/// the largest rank of each panel while the product's block is in the cache, so that M × B is never stored. Version 3,
/// the current body, ranks by few directions first, then only the panels that these leave.</remarks>
public static unsafe partial class NearestVector
{
    internal delegate void Rung(Tensor queries, PackedVectors vectors, Tensor distance, Tensor index);

    /// <summary>The rungs, lowest first.</summary>
    internal static readonly (string Name, Rung Forward)[] Ladder =
    [
        ("0: the definition", Definition), ("1: a stored product", StoredProduct),
        ("2: the largest of each panel", (q, m, d, i) => ForwardWhole(q, m, d, i, null)),
        ("3: few directions first", (q, m, d, i) => ForwardHost(q, m, d, i, null)),
    ];

    private static void Definition(Tensor queries, PackedVectors vectors, Tensor distance, Tensor index)
    {
        var panels = vectors.Panels!.Value;
        for (int i = 0; i < queries.Rows; i++)
        {
            var nearest = new Found(double.PositiveInfinity, -1);
            for (int p = 0; p < panels.Count; p++)
            {
                var panel = panels.Panel(p);
                var (_, column, count, width) = panel;
                for (int j = 0; j < count; j++)
                {
                    double square = Ranks.SquaredDistance(queries.Host.Row(i), panel.To + j, panels.K, width);
                    var one = new Found(square, vectors.Coarse?.Order[column + j] ?? column + j);
                    if (one.IsNearerThan(nearest)) nearest = one;
                }
            }
            (Number(distance, i), Number(index, i)) = ((float)Math.Sqrt(nearest.Square), nearest.Which);
        }
    }

    private static void StoredProduct(Tensor queries, PackedVectors vectors, Tensor distance, Tensor index)
    {
        var panels = vectors.Panels!.Value;
        using var product = Tensor.Rent(queries.Device, Shape.Of(1, queries.Rows, panels.N), "product");
        using var largest = Tensor.Rent(queries.Device, Shape.Of(1, queries.Rows, panels.Count), "largest ranks");
        MatMul.ForwardPacked(queries.Reshape(Shape.Of(1, queries.Rows, queries.C)), panels, product);
        float* halves = vectors.HalfNorms.Host.Data;
        for (int i = 0; i < queries.Rows; i++)
        {
            float* row = product.Host.Row(i);
            for (int j = 0; j < panels.N; j++) row[j] += halves[j];
            for (int p = 0; p < panels.Count; p++)
                largest.Host[i, p] =
                    Ranks.Largest(row + p * Tiles.Wide, Math.Min(Tiles.Wide, panels.N - p * Tiles.Wide));
        }
        Decide(queries, vectors, null, largest, distance, index);
    }
}
