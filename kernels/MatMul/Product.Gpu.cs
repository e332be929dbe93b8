using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>How a product on a GPU finds the elements of its left or right factor: <c>row</c> is a row of A or a column of B, <c>k</c> a term of the sum.</summary>
internal interface IFactor
{
    /// <summary>The element; both indices are in range.</summary>
    float At(in GpuFactor f, int batch, int row, int k);

    /// <summary>Whether neighbouring terms adjoin in memory (else neighbouring rows do): threads of a group load along that direction.</summary>
    bool AlongTerms { get; }
}

/// <summary>A factor's data and the numbers its <see cref="IFactor"/> needs: extents and pitch of a map, its geometry, or pitches of a matrix.</summary>
internal readonly record struct GpuFactor(GpuRows Data, int H, int W, int C, int OutH, int OutW, int Kernel, int Stride, int Pad);

/// <summary>Arguments of the GPU's product <c>y[m, n] = f(Σ_k A[m, k]·B[n, k] + bias[n] + residual[m, n])</c>.</summary>
/// <param name="A">Left factor.</param>
/// <param name="B">Right factor.</param>
/// <param name="Y">Result; part p of a split sum or product p of a batch is M rows further.</param>
/// <param name="Bias">One row; read if <paramref name="HasBias"/> is not 0.</param>
/// <param name="Residual">Like the result; read if <paramref name="HasResidual"/> is not 0.</param>
/// <param name="M">Rows.</param>
/// <param name="N">Columns.</param>
/// <param name="K">Terms.</param>
/// <param name="Part">Terms a grid layer sums, if it is not a batch: layer z takes terms z·Part …</param>
/// <param name="Add">Not 0: the result's old value is a summand.</param>
/// <param name="HasBias">See <paramref name="Bias"/>.</param>
/// <param name="HasResidual">See <paramref name="Residual"/>.</param>
internal readonly record struct GpuProductArgs(GpuFactor A, GpuFactor B, GpuRows Y, GpuRows Bias, GpuRows Residual, int M, int N, int K, int Part, int Add, int HasBias, int HasResidual);

/// <summary>Four numbers in registers: an array indexed in a loop would lie in local memory.</summary>
internal struct Four
{
    public float X, Y, Z, W;

    public void MultiplyAdd(float a, Four b)
    {
        X += a * b.X;
        Y += a * b.Y;
        Z += a * b.Z;
        W += a * b.W;
    }
}

/// <summary>The GPU's one matrix product. A group of 256 threads computes 64 × 64 results, each thread 4 × 4 in registers, from tiles of 64 × 16 of both factors in shared memory.</summary>
/// <remarks>Each loaded element is used 64 times. Factors are indexed in place (implicit products): no patch is ever stored. The order of the sum is fixed.</remarks>
internal static class GpuProduct<TA, TB, TFunction> where TA : unmanaged, IFactor where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction
{
    private const int Tile = 64, Terms = 16, GroupSize = 256, Pitch = Tile + 4;

    private static readonly GpuKernel<GpuProductArgs> Launcher = new("product", Body, GroupSize, 2 * Terms * Pitch * sizeof(float));

    /// <summary>Computes the product in <paramref name="layers"/> parts or batch items.</summary>
    public static void Launch(Device device, int layers, in GpuProductArgs p) =>
        Launcher.Launch(device, new Index3D((p.M + Tile - 1) / Tile, (p.N + Tile - 1) / Tile, layers), p);

    private static void Body(GpuProductArgs p)
    {
        var a = SharedMemory.Allocate<float>(Terms * Pitch);
        var b = SharedMemory.Allocate<float>(Terms * Pitch);
        int thread = Group.IdxX, layer = Grid.IdxZ, m0 = Grid.IdxX * Tile, n0 = Grid.IdxY * Tile;
        int begin = p.Part == 0 ? 0 : layer * p.Part, end = p.Part == 0 ? p.K : Math.Min(p.K, begin + p.Part), batch = p.Part == 0 ? layer : 0;
        int row = thread / 16 * 4, column = thread % 16 * 4;
        Four c0 = default, c1 = default, c2 = default, c3 = default;
        for (int k0 = begin; k0 < end; k0 += Terms)
        {
            Load(default(TA), p.A, a, thread, batch, m0, p.M, k0, end);
            Load(default(TB), p.B, b, thread, batch, n0, p.N, k0, end);
            Group.Barrier();
            for (int k = 0; k < Terms; k++)
            {
                int i = k * Pitch + row, j = k * Pitch + column;
                Four v;
                (v.X, v.Y, v.Z, v.W) = (b[j], b[j + 1], b[j + 2], b[j + 3]);
                c0.MultiplyAdd(a[i], v);
                c1.MultiplyAdd(a[i + 1], v);
                c2.MultiplyAdd(a[i + 2], v);
                c3.MultiplyAdd(a[i + 3], v);
            }
            Group.Barrier();
        }
        Store(p, layer, m0 + row, n0 + column, c0);
        Store(p, layer, m0 + row + 1, n0 + column, c1);
        Store(p, layer, m0 + row + 2, n0 + column, c2);
        Store(p, layer, m0 + row + 3, n0 + column, c3);
    }

    /// <summary>Each thread brings four elements of a 64 × 16 tile, stored [term][row]; zeros beyond the factor.</summary>
    private static void Load<T>(T factor, in GpuFactor f, ArrayView<float> to, int thread, int batch, int row0, int rows, int k0, int end) where T : unmanaged, IFactor
    {
        for (int i = 0; i < Tile * Terms; i += GroupSize)
        {
            int e = i + thread, row = factor.AlongTerms ? e / Terms : e % Tile, k = factor.AlongTerms ? e % Terms : e / Tile;
            to[k * Pitch + row] = row0 + row < rows && k0 + k < end ? factor.At(f, batch, row0 + row, k0 + k) : 0;
        }
    }

    private static void Store(in GpuProductArgs p, int layer, int m, int n, Four c)
    {
        if (m >= p.M) return;
        int row = layer * p.M + m;
        if (n < p.N) Store(p, row, n, c.X);
        if (n + 1 < p.N) Store(p, row, n + 1, c.Y);
        if (n + 2 < p.N) Store(p, row, n + 2, c.Z);
        if (n + 3 < p.N) Store(p, row, n + 3, c.W);
    }

    private static void Store(in GpuProductArgs p, int row, int n, float sum)
    {
        if (p.Add != 0) sum += p.Y[row, n];
        if (p.HasBias != 0) sum += p.Bias[0, n];
        if (p.HasResidual != 0) sum += p.Residual[row, n];
        p.Y[row, n] = default(TFunction).Apply(sum);
    }
}

/// <summary>A matrix stored as [row, term]; an item is <c>H</c> stored rows.</summary>
internal readonly struct RowsOfTerms : IFactor
{
    public bool AlongTerms => true;

    public float At(in GpuFactor f, int batch, int row, int k) => f.Data[batch * f.H + row, k];
}

/// <summary>A matrix stored as [term, row]; an item is <c>H</c> stored rows.</summary>
internal readonly struct TermsOfRows : IFactor
{
    public bool AlongTerms => false;

    public float At(in GpuFactor f, int batch, int row, int k) => f.Data[batch * f.H + k, row];
}
