using ILGPU;
using ILGPU.Runtime;
using Device = MlffAd.Kernels.Runtime.Device;

namespace MlffAd.Kernels;

/// <summary>Earlier versions of the GPU's body for <c>y = a·bᵀ</c> of one pair, one idea a rung.</summary>
/// <remarks>Version 0 is the definition: a thread a result. Version 1 loads tiles of both factors into shared memory, so
/// that a loaded element serves 16 results. Version 2 is <see cref="TiledProduct{TA,TB,TFunction,TEpilogue}"/>: 4 × 4
/// results a thread in registers, 64 results an element. Version 3 uses tensor cores, one tile at a time. Version 4 is
/// <see cref="TensorCoreProduct{TA,TB,TFunction,TFragments,TTile,TEpilogue}"/>: larger tiles in a pipeline of three.
/// The last two need tensor cores, terms a multiple of four and an even number of columns.</remarks>
public static partial class MatMul
{
    static partial void GpuLadder(Device device, ref (string Name, Rung Forward)[] rungs)
    {
        var arithmetic = ((GpuDevice)device).Arithmetic;
        (string, Rung)[] plain =
        [
            ("0: the definition", (a, b, y) => DefinitionOnGpu.Launch(device, Pair(a, b, y))),
                ("1: tiles in shared memory", (a, b, y) => SharedTiles.Launch(device, Pair(a, b, y))),
            ("2: 4 × 4 results in registers",
                (a, b, y) => TiledProduct<RowsOfTerms, RowsOfTerms, Identity, Stored<Float32Map>>.Launch(device, 1,
                    Pair(a, b, y))),
        ];
        Rung? tensor = arithmetic switch
        {
            Arithmetic.Tf32 => (a, b, y) => OneTensorTile<Tf32Fragments>.Launch(device, Pair(a, b, y)),
            Arithmetic.Bf16 => (a, b, y) => OneTensorTile<Bf16Fragments>.Launch(device, Pair(a, b, y)),
            Arithmetic.EmulatedTf32 =>
                (a, b, y) => OneTensorTile<EmulatedFragments<Tf32Word>>.Launch(device, Pair(a, b, y)),
            Arithmetic.EmulatedBf16 =>
                (a, b, y) => OneTensorTile<EmulatedFragments<Bf16Word>>.Launch(device, Pair(a, b, y)),
            _ => null,
        };
        rungs = tensor is null
            ? plain
            : [.. plain, ("3: tensor cores", tensor), ("4: three tiles in flight",
                (a, b, y) => GpuProduct.Launch<RowsOfTerms, RowsOfTerms, Identity>(device, 1, Pair(a, b, y)))];
    }

    private static GpuProductArgs Pair(Tensor a, Tensor b, Tensor y) => new()
    {
        A = Matrix(a),
        B = Matrix(b),
        Y = y.Gpu,
        M = y.Rows,
        N = y.C,
        K = a.C,
    };

    private static class DefinitionOnGpu
    {
        private static readonly GpuKernel<GpuProductArgs> Launcher = new("product.definition", Body);

        public static void Launch(Device device, in GpuProductArgs p) =>
            Launcher.LaunchItems(device, (long)p.M * p.N, p);

        private static void Body(GpuProductArgs p)
        {
            int i = Grid.GlobalIndex.X, m = i / p.N, n = i % p.N;
            if (m >= p.M) return;
            float sum = 0;
            for (int k = 0; k < p.K; k++) sum += p.A.Data[m, k] * p.B.Data[n, k];
            p.Y[m, n] = sum;
        }
    }

    private static class SharedTiles
    {
        /// <summary>Rows, columns and terms of a tile; a thread a result. A row is a float longer, so that sixteen
        /// rows' elements lie in sixteen banks.</summary>
        private const int Tile = 16, Pitch = Tile + 1;

        private static readonly GpuKernel<GpuProductArgs> Launcher = new("product.shared", Body, Tile * Tile,
            2 * Tile * Pitch * sizeof(float));

        public static void Launch(Device device, in GpuProductArgs p) =>
            Launcher.Launch(device, new Index3D((p.M + Tile - 1) / Tile, (p.N + Tile - 1) / Tile, 1), p);

        private static void Body(GpuProductArgs p)
        {
            var a = SharedMemory.Allocate<float>(Tile * Pitch);
            var b = SharedMemory.Allocate<float>(Tile * Pitch);
            int row = Group.IdxX / Tile, column = Group.IdxX % Tile, m0 = Grid.IdxX * Tile, n0 = Grid.IdxY * Tile;
            float sum = 0;
            for (int k0 = 0; k0 < p.K; k0 += Tile)
            {
                a[row * Pitch + column] = m0 + row < p.M && k0 + column < p.K ? p.A.Data[m0 + row, k0 + column] : 0;
                b[row * Pitch + column] = n0 + row < p.N && k0 + column < p.K ? p.B.Data[n0 + row, k0 + column] : 0;
                Group.Barrier();
                for (int k = 0; k < Tile; k++) sum += a[row * Pitch + k] * b[column * Pitch + k];
                Group.Barrier();
            }
            if (m0 + row < p.M && n0 + column < p.N) p.Y[m0 + row, n0 + column] = sum;
        }
    }

    /// <summary>64 × 32 results by four warps, 16 × 32 each. The tile of 16 terms passes through registers into shared
    /// memory, is waited for, multiplied, and waited for again.</summary>
    private static class OneTensorTile<TFragments> where TFragments : unmanaged, IFragments
    {
        private const int TileM = 64;
        private const int TileN = 32;
        private const int GroupSize = 128;
        private const int B = TileM * Fragment.Words;
        private const int Floats = (TileM + TileN) * Fragment.Words;

        private static readonly GpuKernel<GpuProductArgs> Launcher = new("product.tile", Body, GroupSize,
            (Floats + default(TFragments).Exchange) * sizeof(float));

        public static void Launch(Device device, in GpuProductArgs p) =>
            Launcher.Launch(device, new Index3D((p.M + TileM - 1) / TileM, (p.N + TileN - 1) / TileN, 1), p);

        private static void Body(GpuProductArgs p)
        {
            var tiles = SharedMemory.Allocate<float>(Floats).AsAligned(16);
            var exchange = default(TFragments).Exchange == 0
                ? tiles
                : SharedMemory.Allocate<float>(default(TFragments).Exchange);
            int thread = Group.IdxX, row = thread >> 5 << 4, line = thread / 4, chunk = thread % 4;
            int m0 = Grid.IdxX * TileM, n0 = Grid.IdxY * TileN;
            Strip s = default;
            for (int k0 = 0; k0 < p.K; k0 += Fragment.Words)
            {
                int k = k0 + 4 * chunk;
                Bring(tiles, Fragment.Along(line, chunk), p.A.Data, m0 + line, p.M, k, p.K);
                Bring(tiles, Fragment.Along(line + 32, chunk), p.A.Data, m0 + line + 32, p.M, k, p.K);
                Bring(tiles, B + Fragment.Along(line, chunk), p.B.Data, n0 + line, p.N, k, p.K);
                Group.Barrier();
                for (int c = 0; c < 4; c += Fragment.ChunksOf<TFragments>())
                    TensorCoreProduct<RowsOfTerms, RowsOfTerms, Identity, TFragments, FourWarps, Stored<Float32Map>>
                        .Multiply(ref s, Fragment.Operand<TFragments>(tiles, 0, row, c, right: false),
                            Fragment.Operand<TFragments>(tiles, B, 0, c, right: true),
                            Fragment.Operand<TFragments>(tiles, B, 16, c, right: true), exchange);
                Group.Barrier();
            }
            int lane = thread & 31;
            TensorCoreProduct<RowsOfTerms, RowsOfTerms, Identity, TFragments, FourWarps, Stored<Float32Map>>.Store(p,
                0, m0 + row + (lane >> 2), n0 + 2 * (lane & 3), s);
        }

        private static void Bring(ArrayView<float> tiles, int to, in GpuRows from, int row, int rows, int k, int terms)
        {
            Four v = default;
            if (row < rows && k < terms) v = from.Wide(row, k);
            (tiles[to], tiles[to + 1], tiles[to + 2], tiles[to + 3]) = (v.X, v.Y, v.Z, v.W);
        }
    }
}
