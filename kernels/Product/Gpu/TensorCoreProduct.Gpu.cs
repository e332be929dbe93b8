using ILGPU;
using ILGPU.Runtime;
using Device = MlffAd.Kernels.Runtime.Device;

namespace MlffAd.Kernels;

/// <summary>Extents of a group's tile: 64 columns a warp row and 32 a warp.</summary>
internal interface ITileOfWarps
{
    /// <summary>Warps along the columns: 4 for 128 columns, 2 for 64.</summary>
    int Across { get; }
}

/// <summary>128 × 128 results by eight warps.</summary>
internal readonly struct EightWarps : ITileOfWarps
{
    public int Across => 4;
}

/// <summary>128 × 64 results by four warps.</summary>
internal readonly struct FourWarps : ITileOfWarps
{
    public int Across => 2;
}

/// <summary>Four adjacent 16×8 fragments: 16 × 32 results of a warp.</summary>
internal struct Strip
{
    public Four A, B, C, D;
}

/// <summary>The GPU's product on tensor cores: a group computes 128 × 128 or 128 × 64 results, a warp 64 × 32 of them
/// in registers, from shared-memory tiles of 16 terms (32 in BF16).</summary>
/// <remarks>A pipeline of three tiles a factor, filled by asynchronous copies: one is multiplied while two are in
/// flight, with one barrier a tile. The layout of a tile is free of bank conflicts (<see cref="Fragment"/>). Factors
/// are read in place through <see cref="IFactor"/>. Alignment of data, pitch and channels: factors 16 bytes, results 8
/// bytes. The order of summation is fixed.</remarks>
internal static partial class TensorCoreProduct<TA, TB, TFunction, TFragments, TTile, TEpilogue>
    where TA : unmanaged, IFactor
    where TB : unmanaged, IFactor
    where TFunction : unmanaged, IFunction
    where TFragments : unmanaged, IFragments
    where TTile : unmanaged, ITileOfWarps where TEpilogue : unmanaged, IEpilogue
{
    public const int TileM = 128, WarpM = 64, WarpN = 32;

    private const int Stages = 3;

    public static int TileN => WarpN * default(TTile).Across;

    private static int Stage => (TileM + TileN) * Fragment.Words;

    private static readonly GpuKernel<GpuProductArgs> Launcher = new("product.tensor", Body,
        64 * default(TTile).Across, (Stages * Stage + default(TFragments).Exchange) * sizeof(float));

    /// <summary>Computes the product in <paramref name="layers"/> parts or batch items.</summary>
    public static void Launch(Device device, int layers, in GpuProductArgs p) =>
        Launcher.Launch(device, new Index3D((p.M + TileM - 1) / TileM, (p.N + TileN - 1) / TileN, layers), p);

    private static void Body(GpuProductArgs p)
    {
        var tiles = SharedMemory.Allocate<float>(Stages * (TileM + WarpN * default(TTile).Across) * Fragment.Words)
            .AsAligned(16);
        var exchange = default(TFragments).Exchange == 0
            ? tiles
            : SharedMemory.Allocate<float>(default(TFragments).Exchange);
        int thread = Group.IdxX, layer = Grid.IdxZ, m0 = Grid.IdxX * TileM, n0 = Grid.IdxY * TileN;
        int begin = p.Part == 0 ? 0 : layer * p.Part;
        int end = ProductEpilogue.End<TA>(p, layer, begin);
        int batch = p.Part == 0 ? layer : 0;
        var a = new Loader<TA>(f: p.A, thread: thread, batch: batch, first: m0, rows: p.M, extent: TileM, begin: begin);
        var b = new Loader<TB>(f: p.B, thread: thread, batch: batch, first: n0, rows: p.N, extent: TileN, begin: begin);
        int count = (end - begin + Fragment.TermsOf<TFragments>() - 1) / Fragment.TermsOf<TFragments>();
        a.Load(p.A, tiles, 0, end);
        b.Load(p.B, tiles, TileM * Fragment.Words, end);
        default(TFragments).Commit();
        a.Load(p.A, tiles, Stage, end);
        b.Load(p.B, tiles, Stage + TileM * Fragment.Words, end);
        default(TFragments).Commit();

        int warp = thread >> 5;
        int row = warp / default(TTile).Across * WarpM;
        int column = warp % default(TTile).Across * WarpN;
        Strip s0 = default, s1 = default, s2 = default, s3 = default;
        int current = 0, ahead = 2 * Stage;
        for (int tile = 0; tile < count; tile++)
        {
            default(TFragments).Wait();
            Group.Barrier();
            a.Load(p.A, tiles, ahead, end);
            b.Load(p.B, tiles, ahead + TileM * Fragment.Words, end);
            default(TFragments).Commit();
            for (int chunk = 0; chunk < 4; chunk += Fragment.ChunksOf<TFragments>())
            {
                Four left = Right(tiles, current + TileM * Fragment.Words, column, chunk);
                Four right = Right(tiles, current + TileM * Fragment.Words, column + 16, chunk);
                Multiply(ref s0, Left(tiles, current, row, chunk), left, right, exchange);
                Multiply(ref s1, Left(tiles, current, row + 16, chunk), left, right, exchange);
                Multiply(ref s2, Left(tiles, current, row + 32, chunk), left, right, exchange);
                Multiply(ref s3, Left(tiles, current, row + 48, chunk), left, right, exchange);
            }
            current = current == 2 * Stage ? 0 : current + Stage;
            ahead = ahead == 2 * Stage ? 0 : ahead + Stage;
        }
        int lane = thread & 31, m = m0 + row + (lane >> 2), n = n0 + column + 2 * (lane & 3);
        if (default(TEpilogue).MakesMoments)
            Moments(p, tiles, m0, n0, m, row / WarpM * 8 + (lane >> 2), column + 2 * (lane & 3), s0, s1, s2, s3);
        Store(p, layer, m, n, s0);
        Store(p, layer, m + 16, n, s1);
        Store(p, layer, m + 32, n, s2);
        Store(p, layer, m + 48, n, s3);
        // a group does not end before its copies, and they would overwrite what groups tell one another
        default(TFragments).WaitForAll();
        if (default(TEpilogue).AddsParts) ProductEpilogue.AddParts(p, tiles, TileM, TileN);
    }

    /// <summary>A's fragment of 16 rows, for one multiplication.</summary>
    private static Four Left(ArrayView<float> tiles, int from, int row, int chunk)
    {
        if (default(TA).AlongTerms) return Fragment.Operand<TFragments>(tiles, from, row, chunk, right: false);
        if (default(TFragments).ReadsBf16)
            return default(TFragments).LoadAcross(tiles, from, row, chunk, TileM, right: false);
        var first = LeftAcross(tiles, from, row, chunk);
        return default(TFragments).TakesPairs
            ? Fragment.Join<TFragments>(first, LeftAcross(tiles, from, row, chunk + 2), right: false)
            : first;
    }

    private static Four LeftAcross(ArrayView<float> tiles, int from, int row, int chunk)
    {
        int lane = Group.IdxX & 31, term = 4 * chunk + (lane & 3);
        row += lane >> 2;
        Four v;
        v.X = tiles[from + Fragment.Across(row, term, TileM)];
        v.Y = tiles[from + Fragment.Across(row + 8, term, TileM)];
        v.Z = tiles[from + Fragment.Across(row, term + 4, TileM)];
        v.W = tiles[from + Fragment.Across(row + 8, term + 4, TileM)];
        return v;
    }

    /// <summary>B's fragments of twice 8 columns, for one multiplication.</summary>
    private static Four Right(ArrayView<float> tiles, int from, int column, int chunk)
    {
        if (default(TB).AlongTerms) return Fragment.Operand<TFragments>(tiles, from, column, chunk, right: true);
        if (default(TFragments).ReadsBf16)
            return default(TFragments).LoadAcross(tiles, from, column, chunk, WarpN * default(TTile).Across,
                right: true);
        var first = RightAcross(tiles, from, column, chunk);
        return default(TFragments).TakesPairs
            ? Fragment.Join<TFragments>(first, RightAcross(tiles, from, column, chunk + 2), right: true)
            : first;
    }

    private static Four RightAcross(ArrayView<float> tiles, int from, int column, int chunk)
    {
        int lane = Group.IdxX & 31, term = 4 * chunk + (lane & 3), columns = WarpN * default(TTile).Across;
        column += lane >> 2;
        Four v;
        v.X = tiles[from + Fragment.Across(column, term, columns)];
        v.Y = tiles[from + Fragment.Across(column, term + 4, columns)];
        v.Z = tiles[from + Fragment.Across(column + 8, term, columns)];
        v.W = tiles[from + Fragment.Across(column + 8, term + 4, columns)];
        return v;
    }

    /// <summary>Accumulates one multiplication into a strip.</summary>
    public static void Multiply(ref Strip s, Four a, Four left, Four right, ArrayView<float> exchange)
    {
        s.A = default(TFragments).Multiply(s.A, a, left.X, left.Y, exchange);
        s.B = default(TFragments).Multiply(s.B, a, left.Z, left.W, exchange);
        s.C = default(TFragments).Multiply(s.C, a, right.X, right.Y, exchange);
        s.D = default(TFragments).Multiply(s.D, a, right.Z, right.W, exchange);
    }

    /// <summary>Mean and sum of squared deviations of the tile's rows, for each column: a thread sums its eight rows,
    /// then one thread a column sums the sixteen partial sums, in order.</summary>
    private static void Moments(in GpuProductArgs p, ArrayView<float> shared, int m0, int n0, int m, int line,
        int column, Strip s0, Strip s1, Strip s2, Strip s3)
    {
        const int lines = TileM / 8;
        int columns = WarpN * default(TTile).Across;
        int pitch = columns + 8, thread = Group.IdxX, at = line * pitch + column;
        int means = lines * pitch, rows = Math.Min(TileM, p.M - m0);
        default(TFragments).WaitForAll();
        Group.Barrier();   // tiles have been read
        Put(shared, at, Sum(s0.A, s1.A, s2.A, s3.A));
        Put(shared, at + 8, Sum(s0.B, s1.B, s2.B, s3.B));
        Put(shared, at + 16, Sum(s0.C, s1.C, s2.C, s3.C));
        Put(shared, at + 24, Sum(s0.D, s1.D, s2.D, s3.D));
        Group.Barrier();
        // All threads add, some of them the same column: they are idle otherwise.
        int mine = thread % columns;
        float mean = Total(shared, mine, pitch, lines) / rows;
        shared[means + mine] = mean;
        Group.Barrier();
        Put(shared, at, Squares(shared, means + column, m, p.M, s0.A, s1.A, s2.A, s3.A));
        Put(shared, at + 8, Squares(shared, means + column + 8, m, p.M, s0.B, s1.B, s2.B, s3.B));
        Put(shared, at + 16, Squares(shared, means + column + 16, m, p.M, s0.C, s1.C, s2.C, s3.C));
        Put(shared, at + 24, Squares(shared, means + column + 24, m, p.M, s0.D, s1.D, s2.D, s3.D));
        Group.Barrier();
        float squares = Total(shared, mine, pitch, lines);
        if (thread >= columns || n0 + thread >= p.N) return;
        p.Moments[2 * (m0 / TileM), n0 + thread] = mean;
        p.Moments[2 * (m0 / TileM) + 1, n0 + thread] = squares;
    }

    /// <summary>Lines are padded by eight floats: four of them then fall into different banks.</summary>
    private static void Put(ArrayView<float> shared, int at, Two v) => shared.Cast<Two>()[at / 2] = v;

    private static float Total(ArrayView<float> shared, int column, int pitch, int lines)
    {
        float sum = 0;
        for (int i = 0; i < lines; i++) sum += shared[i * pitch + column];
        return sum;
    }

    /// <summary>Sums of a thread's eight rows in two columns; rows beyond M hold zeros.</summary>
    private static Two Sum(Four a, Four b, Four c, Four d) =>
        new(((a.X + a.Z) + (b.X + b.Z)) + ((c.X + c.Z) + (d.X + d.Z)),
            ((a.Y + a.W) + (b.Y + b.W)) + ((c.Y + c.W) + (d.Y + d.W)));

    private static Two Squares(ArrayView<float> shared, int mean, int m, int rows, Four a, Four b, Four c, Four d)
    {
        float left = shared[mean], right = shared[mean + 1];
        return new(Squares(m, rows, left, a.X, a.Z, b.X, b.Z) + Squares(m + 32, rows, left, c.X, c.Z, d.X, d.Z),
            Squares(m, rows, right, a.Y, a.W, b.Y, b.W) + Squares(m + 32, rows, right, c.Y, c.W, d.Y, d.W));
    }

    private static float Squares(int m, int rows, float mean, float a, float b, float c, float d) =>
        (Square(m, rows, a - mean) + Square(m + 8, rows, b - mean))
            + (Square(m + 16, rows, c - mean) + Square(m + 24, rows, d - mean));

    private static float Square(int m, int rows, float d) => m < rows ? d * d : 0;

    /// <summary>Stores a thread's share of a strip; (m, n) is the first of it.</summary>
    public static void Store(in GpuProductArgs p, int layer, int m, int n, Strip s)
    {
        Store(p, layer, m, n, s.A);
        Store(p, layer, m, n + 8, s.B);
        Store(p, layer, m, n + 16, s.C);
        Store(p, layer, m, n + 24, s.D);
    }

    private static void Store(in GpuProductArgs p, int layer, int m, int n, Four c)
    {
        Store(p, layer, m, n, c.X, c.Y);
        Store(p, layer, m + 8, n, c.Z, c.W);
    }

    private static void Store(in GpuProductArgs p, int layer, int m, int n, float first, float second)
    {
        int row = ProductEpilogue.RowOf<TA>(p, layer, m);
        if (row >= 0 && n < p.N) ProductEpilogue.Store<TFunction, TEpilogue>(p, row, n, new Two(first, second));
    }
}
