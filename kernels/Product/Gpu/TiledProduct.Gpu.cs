using ILGPU;

namespace MlffAd.Kernels;

/// <summary>The matrix product in float32, on any GPU. A group of 256 threads computes 64 × 64 results, each thread 4 ×
/// 4 in registers, from tiles of 64 × 16 of both factors in shared memory.</summary>
/// <remarks>Each loaded element is used 64 times. Factors are indexed in place (implicit products): no patch is ever
/// stored. The order of the sum is fixed.</remarks>
internal static class TiledProduct<TA, TB, TFunction, TEpilogue>
    where TA : unmanaged, IFactor
    where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction where TEpilogue : unmanaged, IEpilogue
{
    private const int Tile = 64, Terms = 16, GroupSize = 256, Pitch = Tile + 4;

    private static readonly GpuKernel<GpuProductArgs> Launcher = new("product", Body, GroupSize,
        2 * Terms * Pitch * sizeof(float));

    /// <summary>Computes the product in <paramref name="layers"/> parts or batch items.</summary>
    public static void Launch(Device device, int layers, in GpuProductArgs p) =>
        Launcher.Launch(device, new Index3D((p.M + Tile - 1) / Tile, (p.N + Tile - 1) / Tile, layers), p);

    private static void Body(GpuProductArgs p)
    {
        var a = SharedMemory.Allocate<Four>(Terms * Pitch / 4);
        var b = SharedMemory.Allocate<Four>(Terms * Pitch / 4);
        int thread = Group.IdxX, layer = Grid.IdxZ, m0 = Grid.IdxX * Tile, n0 = Grid.IdxY * Tile;
        int begin = p.Part == 0 ? 0 : layer * p.Part;
        int end = ProductEpilogue.End<TA>(p, layer, begin);
        int batch = p.Part == 0 ? layer : 0;
        int row = thread / 16 * 4, column = thread % 16 * 4;
        Four c0 = default, c1 = default, c2 = default, c3 = default;
        for (int k0 = begin; k0 < end; k0 += Terms)
        {
            Load(default(TA), p.A, a.Cast<float>(), thread, batch, m0, p.M, k0, end);
            Load(default(TB), p.B, b.Cast<float>(), thread, batch, n0, p.N, k0, end);
            Group.Barrier();
            for (int k = 0; k < Terms; k++)
            {
                Four u = a[(k * Pitch + row) / 4], v = b[(k * Pitch + column) / 4];
                c0.MultiplyAdd(u.X, v);
                c1.MultiplyAdd(u.Y, v);
                c2.MultiplyAdd(u.Z, v);
                c3.MultiplyAdd(u.W, v);
            }
            Group.Barrier();
        }
        Store(p, layer, m0 + row, n0 + column, c0);
        Store(p, layer, m0 + row + 1, n0 + column, c1);
        Store(p, layer, m0 + row + 2, n0 + column, c2);
        Store(p, layer, m0 + row + 3, n0 + column, c3);
        if (default(TEpilogue).AddsParts) ProductEpilogue.AddParts(p, a.Cast<float>(), Tile, Tile);
    }

    /// <summary>Each thread brings four elements of a 64 × 16 tile, stored [term][row]; zeros
    /// beyond the factor.</summary>
    private static void Load<T>(T factor, in GpuFactor f, ArrayView<float> to, int thread, int batch, int row0,
        int rows, int k0, int end) where T : unmanaged, IFactor
    {
        for (int i = 0; i < Tile * Terms; i += GroupSize)
        {
            int e = i + thread;
            int row = factor.AlongTerms ? e / Terms : e % Tile;
            int k = factor.AlongTerms ? e % Terms : e / Tile;
            int at = row0 + row < rows && k0 + k < end
                ? factor.At(f, factor.Row(f, batch, row0 + row), factor.Term(f, batch, k0 + k))
                : -1;
            to[k * Pitch + row] = at < 0 ? 0 : f.Data.Data[at];
        }
    }

    private static void Store(in GpuProductArgs p, int layer, int m, int n, Four c)
    {
        int row = ProductEpilogue.RowOf<TA>(p, layer, m);
        if (row < 0 || n >= p.N) return;
        Four v = new(Value(p, row, n, c.X), Value(p, row, n + 1, c.Y), Value(p, row, n + 2, c.Z),
            Value(p, row, n + 3, c.W));
        if (p.N % 4 == 0 && p.Y.IsAligned && p.Y.Pitch % 4 == 0)
        {
            p.Y.Wide(row, n) = v;
            return;
        }
        p.Y[row, n] = v.X;
        if (n + 1 < p.N) p.Y[row, n + 1] = v.Y;
        if (n + 2 < p.N) p.Y[row, n + 2] = v.Z;
        if (n + 3 < p.N) p.Y[row, n + 3] = v.W;
    }

    private static float Value(in GpuProductArgs p, int row, int n, float sum) =>
        n < p.N ? ProductEpilogue.Value<TFunction, TEpilogue>(p, row, n, sum) : sum;
}
