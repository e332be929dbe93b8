using ILGPU;

namespace MlffAd.Kernels;

/// <summary>Arguments of the GPU's product
/// <c>y[m, n] = f(Σ_k A[m, k]·B[n, k] + bias[n] + residual[m, n])</c>.</summary>
internal struct GpuProductArgs
{
    /// <summary>Left and right factor.</summary>
    public GpuFactor A, B;

    /// <summary>Result; part p of a split sum, or product p of a batch, is M rows further.</summary>
    public GpuRows Y;

    /// <summary>One row; read if <see cref="HasBias"/> is not 0.</summary>
    public GpuRows Bias;

    /// <summary>Like the result; read if <see cref="HasResidual"/> is not 0.</summary>
    public GpuRows Residual;

    /// <summary>Sum of the parts, if the epilogue adds them.</summary>
    public GpuRows Total;

    /// <summary>Mean and squares of each 128 rows of each column, two rows for each 128, if the epilogue computes
    /// them; before anything is added.</summary>
    public GpuRows Moments;

    /// <summary>Of <see cref="LastGroup"/>, if the epilogue adds parts.</summary>
    public ArrayView<int> Counters;

    /// <summary>Rows, columns and terms.</summary>
    public int M, N, K;

    /// <summary>Terms that a grid layer sums, if it is not a batch: layer z takes terms z·Part …</summary>
    public int Part;

    /// <summary>Parts that one group adds, if the epilogue adds them.</summary>
    public int Set;

    /// <summary>Not 0: the result's old value is a summand; if the epilogue adds parts, the total's.</summary>
    public int Add;

    public int HasBias, HasResidual;
}
