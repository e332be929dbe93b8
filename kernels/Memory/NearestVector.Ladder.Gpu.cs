using ILGPU;

namespace MlffAd.Kernels;

/// <summary>Earlier versions of the GPU's search for the nearest vector, one idea a rung.</summary>
/// <remarks>Version 0 is the definition: one thread per query sums its squared distance to every vector in float64.
/// Version 1 (<see cref="ForwardGpu"/>) ranks the vectors by a float32 product that reuses each element 64 times, and
/// sums only the distances that rounding leaves in doubt.</remarks>
public static partial class NearestVector
{
    /// <summary>Operands of a rung, as of
    /// <see cref="Forward(Tensor, PackedVectors, Tensor, Tensor, Tensor?)"/>.</summary>
    internal sealed record LadderOperands(Tensor Queries, PackedVectors Vectors, Tensor Distance, Tensor Index);

    private static readonly GpuKernel<NearestArgs> DefinitionLauncher =
        new("memory.nearest.definition", DefinitionBody, float64: true);

    /// <summary>The rungs, lowest first.</summary>
    internal static readonly (string Name, Action<LadderOperands> Run)[] ForwardLadder =
    [
        ("0: a thread a query", t => DefinitionLauncher.LaunchItems(
            t.Queries.Device, t.Queries.Rows, Args(t.Queries, t.Vectors, t.Distance, t.Index, null))),
        ("1: ranks first, by a product", t => Forward(t.Queries, t.Vectors, t.Distance, t.Index)),
    ];

    private static void DefinitionBody(NearestArgs p)
    {
        int i = Grid.GlobalIndex.X, nearest = -1;
        if (i >= p.M) return;
        double least = double.PositiveInfinity;
        for (int j = 0; j < p.B; j++)
        {
            double sum = PackedVectors.SquaredDistance(p.Queries, i, p.Tiled, j, p.D, double.PositiveInfinity);
            if (sum < least) (least, nearest) = (sum, j);
        }
        p.Distance[i, 0] = nearest >= 0 ? (float)Math.Sqrt(least) : float.NaN;
        p.Index[i, 0] = nearest;
    }
}
