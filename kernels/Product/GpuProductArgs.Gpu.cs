using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>Arguments of the GPU's product <c>y[m, n] = f(Σ_k A[m, k]·B[n, k] + bias[n] + residual[m, n])</c>.</summary>
/// <param name="A">Left factor.</param>
/// <param name="B">Right factor.</param>
/// <param name="Y">Result; part p of a split sum or product p of a batch is M rows further.</param>
/// <param name="Bias">One row; read if <paramref name="HasBias"/> is not 0.</param>
/// <param name="Residual">Like the result; read if <paramref name="HasResidual"/> is not 0.</param>
/// <param name="Total">Sum of the parts, if an ending adds them.</param>
/// <param name="Moments">Mean and squares of each 128 rows of each column, two rows for each 128, if an ending makes them; before anything is added.</param>
/// <param name="Counters">Of <see cref="LastGroup"/>, if an ending adds parts.</param>
/// <param name="M">Rows.</param>
/// <param name="N">Columns.</param>
/// <param name="K">Terms.</param>
/// <param name="Part">Terms a grid layer sums, if it is not a batch: layer z takes terms z·Part …</param>
/// <param name="Set">Parts that one group adds, if an ending adds them.</param>
/// <param name="Add">Not 0: the result's old value is a summand; if an ending adds parts, the total's.</param>
/// <param name="HasBias">See <paramref name="Bias"/>.</param>
/// <param name="HasResidual">See <paramref name="Residual"/>.</param>
internal readonly record struct GpuProductArgs(GpuFactor A, GpuFactor B, GpuRows Y, GpuRows Bias, GpuRows Residual, GpuRows Total, GpuRows Moments, ArrayView<int> Counters,
    int M, int N, int K, int Part, int Set, int Add, int HasBias, int HasResidual)
{
    /// <summary>A product without anything beside; whatever memory is not used must still be some.</summary>
    public GpuProductArgs(GpuFactor a, GpuFactor b, GpuRows y, int m, int n, int k) : this(a, b, y, y, y, y, y, default, m, n, k, Part: 0, Set: 0, Add: 0, HasBias: 0, HasResidual: 0) { }
}
