using ILGPU;

namespace MlffAd.Kernels;

/// <summary>How a warp multiplies fragments: on tensor cores, or emulated, for tests.</summary>
internal interface IFragments
{
    /// <summary>Floats of shared memory that the emulation exchanges fragments through.</summary>
    int Exchange { get; }

    /// <summary>Whether factors are BF16 in memory: a word of a tile then holds two elements.</summary>
    bool ReadsBf16 { get; }

    /// <summary>Whether two terms are rounded into a word of an operand, so that a multiplication takes 16 terms of
    /// float32 tiles, not 8.</summary>
    bool TakesPairs { get; }

    /// <summary>Four 8×4 blocks of a tile [row][term] in shared memory: block i has rows from
    /// <see cref="Fragment.RowOf"/>, terms from <see cref="Fragment.ChunkOf"/>.</summary>
    Four Load(ArrayView<float> shared, int from, int row, int chunk, bool right);

    /// <summary>The same blocks of a BF16 tile [term][row]: of 8 rows and 8 terms each, block i at rows and
    /// terms as above.</summary>
    /// <param name="shared">Shared memory.</param>
    /// <param name="from">The tile.</param>
    /// <param name="row">First row.</param>
    /// <param name="chunk">First term, in eights.</param>
    /// <param name="rows">The tile's rows.</param>
    /// <param name="right">Whether it is the right factor.</param>
    Four LoadAcross(ArrayView<float> shared, int from, int row, int chunk, int rows, bool right);

    /// <summary>Two terms, rounded, in a word, if it takes pairs.</summary>
    float Pack(float low, float high);

    /// <summary>A warp's 16×8 sums and 8 or 16 more terms of them.</summary>
    Four Multiply(Four c, Four a, float b0, float b1, ArrayView<float> exchange);

    /// <summary>Copies 16 bytes to shared memory asynchronously, from element <paramref name="at"/> on; zeros where it
    /// is negative.</summary>
    void Copy(ArrayView<float> shared, int to, ArrayView<float> data, int at);

    /// <summary>Ends a batch of copies.</summary>
    void Commit();

    /// <summary>Waits for all batches but the last.</summary>
    void Wait();

    /// <summary>Waits for all batches.</summary>
    void WaitForAll();
}

/// <summary>Which element of a tile belongs to which thread of a warp, and where it lies in shared memory. Thread 4g +
/// q of a warp holds A[g (+8), q (+4)], B[q (+4), g] and C[g (+8), 2q (+1)].</summary>
internal static class Fragment
{
    /// <summary>Words of a tile's row of terms, or of a row's terms: four chunks of 16 bytes.</summary>
    public const int Words = 16;

    /// <summary>Elements of 16 bytes.</summary>
    public static int ElementsOf<T>() where T : unmanaged, IFragments => default(T).ReadsBf16 ? 8 : 4;

    /// <summary>Terms of a tile.</summary>
    public static int TermsOf<T>() where T : unmanaged, IFragments => 4 * ElementsOf<T>();

    /// <summary>Row, from the fragment's first, whose address thread <paramref name="lane"/> gives: for A blocks (rows
    /// 0, terms 0), (8, 0), (0, 4), (8, 4); for B (columns 0, terms 0), (0, 4), (8, 0), (8, 4).</summary>
    public static int RowOf(int lane, bool right) => right ? (lane & 7) + (lane >> 4 << 3) : lane & 15;

    /// <summary>The chunk of terms likewise.</summary>
    public static int ChunkOf(int lane, bool right) => right ? lane >> 3 & 1 : lane >> 4;

    /// <summary>Chunks of terms that one multiplication takes.</summary>
    public static int ChunksOf<T>() where T : unmanaged, IFragments => default(T).TakesPairs ? 4 : 2;

    /// <summary>An operand of a multiplication, of 8 terms or, if it takes pairs, of 16 from a
    /// tile [row][term].</summary>
    public static Four Operand<T>(ArrayView<float> shared, int from, int row, int chunk, bool right)
        where T : unmanaged, IFragments
    {
        var first = default(T).Load(shared, from, row, chunk, right);
        return default(T).TakesPairs
            ? Join<T>(first, default(T).Load(shared, from, row, chunk + 2, right), right)
            : first;
    }

    /// <summary>Joins two operands of 8 terms into one of 16, in pairs: a word holds terms q and q + 4, or q + 8 and q
    /// + 12. The order of terms is free, as long as both factors have the same.</summary>
    public static Four Join<T>(Four first, Four second, bool right) where T : unmanaged, IFragments => right
        ? new(default(T).Pack(first.X, first.Y), default(T).Pack(second.X, second.Y),
            default(T).Pack(first.Z, first.W), default(T).Pack(second.Z, second.W))
        : new(default(T).Pack(first.X, first.Z), default(T).Pack(first.Y, first.W),
            default(T).Pack(second.X, second.Z), default(T).Pack(second.Y, second.W));

    /// <summary>Offset of a chunk in a tile [row][term], swizzled: eight rows of a chunk lie in eight groups of four
    /// banks.</summary>
    public static int Along(int row, int chunk) => row * Words + ((chunk ^ row >> 1 & 3) << 2);

    /// <summary>Offset of an element in a tile [term][row] of <paramref name="rows"/> rows, swizzled: eight rows of
    /// four terms lie in 32 banks; four adjacent rows stay contiguous.</summary>
    public static int Across(int row, int term, int rows) => term * rows + (row ^ (term & 3) << 3);

    /// <summary>Offset, in words, of eight rows of a term in a BF16 tile [term][row], swizzled: eight terms lie in
    /// eight groups of four banks.</summary>
    public static int AcrossBf16(int row, int term, int rows) => term * (rows / 2) + ((row >> 3 ^ term & 7) << 2);

    /// <summary>Rounds to TF32 (13 mantissa bits fewer), ties away from zero; NaN and infinities are kept.</summary>
    public static float ToTf32(float x)
    {
        uint bits = Interop.FloatAsInt(x);
        if ((bits & 0x7F800000u) != 0x7F800000u) bits += 0x1000u;
        return Interop.IntAsFloat(bits & ~0x1FFFu);
    }
}

/// <summary>TF32 fragments on tensor cores, with asynchronous copies (sm_80 and later).</summary>
internal readonly struct Tf32Fragments : IFragments
{
    public int Exchange => 0;

    public bool ReadsBf16 => false;

    public bool TakesPairs => false;

    public Four Load(ArrayView<float> shared, int from, int row, int chunk, bool right)
    {
        int lane = Group.IdxX & 31;
        return TensorCore.LoadMatrices(
            ref shared[from
                + Fragment.Along(row + Fragment.RowOf(lane, right), chunk + Fragment.ChunkOf(lane, right))]);
    }

    public Four LoadAcross(ArrayView<float> shared, int from, int row, int chunk, int rows, bool right) => default;

    public float Pack(float low, float high) => low;

    public Four Multiply(Four c, Four a, float b0, float b1, ArrayView<float> exchange) =>
        TensorCore.MultiplyTf32(c, TensorCore.RoundToTf32(a.X), TensorCore.RoundToTf32(a.Y),
            TensorCore.RoundToTf32(a.Z), TensorCore.RoundToTf32(a.W), TensorCore.RoundToTf32(b0),
            TensorCore.RoundToTf32(b1));

    public void Copy(ArrayView<float> shared, int to, ArrayView<float> data, int at) =>
        TensorCore.CopyAsync(ref shared[to], ref data[at < 0 ? 0 : at], at < 0 ? 0 : 16);

    public void Commit() => TensorCore.Commit();

    public void Wait() => TensorCore.WaitForAllButOne();

    public void WaitForAll() => TensorCore.WaitForAll();
}

/// <summary>BF16 fragments on tensor cores: float32 tiles as in <see cref="Tf32Fragments"/>, rounded in
/// registers.</summary>
internal readonly struct Bf16Fragments : IFragments
{
    public int Exchange => 0;

    public bool ReadsBf16 => false;

    public bool TakesPairs => true;

    public Four Load(ArrayView<float> shared, int from, int row, int chunk, bool right) =>
        default(Tf32Fragments).Load(shared, from, row, chunk, right);

    public Four LoadAcross(ArrayView<float> shared, int from, int row, int chunk, int rows, bool right) => default;

    public float Pack(float low, float high) => Interop.IntAsFloat(TensorCore.PackBf16(low, high));

    public Four Multiply(Four c, Four a, float b0, float b1, ArrayView<float> exchange) =>
        TensorCore.MultiplyBf16(c, Interop.FloatAsInt(a.X), Interop.FloatAsInt(a.Y), Interop.FloatAsInt(a.Z),
            Interop.FloatAsInt(a.W), Interop.FloatAsInt(b0), Interop.FloatAsInt(b1));

    public void Copy(ArrayView<float> shared, int to, ArrayView<float> data, int at) =>
        default(Tf32Fragments).Copy(shared, to, data, at);

    public void Commit() => TensorCore.Commit();

    public void Wait() => TensorCore.WaitForAllButOne();

    public void WaitForAll() => TensorCore.WaitForAll();
}

/// <summary>Fragments of factors that are BF16 in memory: the blocks of <see cref="Tf32Fragments"/>, of words that hold
/// two terms each.</summary>
internal readonly struct Bf16MapFragments : IFragments
{
    public int Exchange => 0;

    public bool ReadsBf16 => true;

    public bool TakesPairs => false;

    public Four Load(ArrayView<float> shared, int from, int row, int chunk, bool right) =>
        default(Tf32Fragments).Load(shared, from, row, chunk, right);

    public Four LoadAcross(ArrayView<float> shared, int from, int row, int chunk, int rows, bool right)
    {
        int lane = Group.IdxX & 31, term = 8 * (chunk + Fragment.ChunkOf(lane, right)) + (lane & 7);
        return TensorCore.LoadMatricesTransposed(
            ref shared[from + Fragment.AcrossBf16(row + (Fragment.RowOf(lane, right) & ~7), term, rows)]);
    }

    public float Pack(float low, float high) => low;

    public Four Multiply(Four c, Four a, float b0, float b1, ArrayView<float> exchange) =>
        default(Bf16Fragments).Multiply(c, a, b0, b1, exchange);

    public void Copy(ArrayView<float> shared, int to, ArrayView<float> data, int at) =>
        default(Tf32Fragments).Copy(shared, to, data, at >> 1);

    public void Commit() => TensorCore.Commit();

    public void Wait() => TensorCore.WaitForAllButOne();

    public void WaitForAll() => TensorCore.WaitForAll();
}
