using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>How a warp multiplies fragments: by tensor cores, or by the plain arithmetic that the tests hold them against.</summary>
internal interface IFragments
{
    /// <summary>Shared floats a group needs for it.</summary>
    int Exchange { get; }

    /// <summary>Four 8×4 blocks of a tile [row][term] in shared memory: block i has rows from <see cref="Fragment.RowOf"/>, terms from <see cref="Fragment.ChunkOf"/>.</summary>
    Four Load(ArrayView<float> shared, int from, int row, int chunk, bool right);

    /// <summary>A warp's 16×8 sums and 8 more terms of them.</summary>
    Four Multiply(Four c, Four a, float b0, float b1, ArrayView<float> exchange);

    /// <summary>Brings 16 bytes to shared memory, or zeros where <paramref name="at"/> is negative.</summary>
    void Copy(ArrayView<float> shared, int to, ArrayView<float> data, int at);

    /// <summary>Ends a batch of copies.</summary>
    void Commit();

    /// <summary>Waits for all batches but the last.</summary>
    void Wait();

    /// <summary>Waits for all batches.</summary>
    void WaitForAll();
}

/// <summary>Which element of a tile belongs to which thread of a warp, and where it lies in shared memory. Thread 4g + q of a warp holds A[g (+8), q (+4)], B[q (+4), g] and C[g (+8), 2q (+1)].</summary>
internal static class Fragment
{
    /// <summary>Terms of a tile; a row of them is four chunks of 16 bytes.</summary>
    public const int Terms = 16;

    /// <summary>Row, from the fragment's first, whose address thread <paramref name="lane"/> gives: for A blocks (rows 0, terms 0), (8, 0), (0, 4), (8, 4); for B (columns 0, terms 0), (0, 4), (8, 0), (8, 4).</summary>
    public static int RowOf(int lane, bool right) => right ? (lane & 7) + (lane >> 4 << 3) : lane & 15;

    /// <summary>The chunk of terms likewise.</summary>
    public static int ChunkOf(int lane, bool right) => right ? lane >> 3 & 1 : lane >> 4;

    /// <summary>Place of a chunk in a tile [row][term]: eight rows of a chunk lie in eight different groups of four banks.</summary>
    public static int Along(int row, int chunk) => row * Terms + ((chunk ^ row >> 1 & 3) << 2);

    /// <summary>Place of an element in a tile [term][row] of <paramref name="rows"/> rows: eight rows of four terms lie in 32 banks, and four neighbouring rows stay together.</summary>
    public static int Across(int row, int term, int rows) => term * rows + (row ^ (term & 3) << 3);

    /// <summary>The nearest number of TF32, which has 13 bits less; halves away from 0. What is not finite stays so.</summary>
    public static float ToTf32(float x)
    {
        uint bits = Interop.FloatAsInt(x);
        if ((bits & 0x7F800000u) != 0x7F800000u) bits += 0x1000u;
        return Interop.IntAsFloat(bits & ~0x1FFFu);
    }
}

/// <summary>Fragments on tensor cores, with copies that pass the registers by (sm_80 and later).</summary>
internal readonly struct Tf32Fragments : IFragments
{
    public int Exchange => 0;

    public Four Load(ArrayView<float> shared, int from, int row, int chunk, bool right)
    {
        int lane = Group.IdxX & 31;
        return TensorCore.LoadMatrices(ref shared[from + Fragment.Along(row + Fragment.RowOf(lane, right), chunk + Fragment.ChunkOf(lane, right))]);
    }

    public Four Multiply(Four c, Four a, float b0, float b1, ArrayView<float> exchange) =>
        TensorCore.MultiplyTf32(c, TensorCore.RoundToTf32(a.X), TensorCore.RoundToTf32(a.Y), TensorCore.RoundToTf32(a.Z), TensorCore.RoundToTf32(a.W), TensorCore.RoundToTf32(b0), TensorCore.RoundToTf32(b1));

    public void Copy(ArrayView<float> shared, int to, ArrayView<float> data, int at) =>
        TensorCore.CopyAsync(ref shared[to], ref data[at < 0 ? 0 : at], at < 0 ? 0 : 16);

    public void Commit() => TensorCore.Commit();

    public void Wait() => TensorCore.WaitForAllButOne();

    public void WaitForAll() => TensorCore.WaitForAll();
}

/// <summary>The same fragments by plain arithmetic, for any device: threads pass each other their operands through shared memory. Only tests run it.</summary>
internal readonly struct EmulatedFragments : IFragments
{
    private const int Operands = 6;

    public int Exchange => Operands * 256;

    public Four Load(ArrayView<float> shared, int from, int row, int chunk, bool right)
    {
        Four v;
        (v.X, v.Y, v.Z, v.W) = (Element(shared, from, row, chunk, right, 0), Element(shared, from, row, chunk, right, 1), Element(shared, from, row, chunk, right, 2), Element(shared, from, row, chunk, right, 3));
        return v;
    }

    private static float Element(ArrayView<float> shared, int from, int row, int chunk, bool right, int block)
    {
        int thread = Group.IdxX & 31, lane = 8 * block + (thread >> 2);   // who gives this row's address
        return shared[from + Fragment.Along(row + Fragment.RowOf(lane, right), chunk + Fragment.ChunkOf(lane, right)) + (thread & 3)];
    }

    public Four Multiply(Four c, Four a, float b0, float b1, ArrayView<float> exchange)
    {
        int thread = Group.IdxX, warp = thread & ~31, g = (thread & 31) >> 2, q = thread & 3;
        Group.Barrier();
        int mine = thread * Operands;
        (exchange[mine], exchange[mine + 1], exchange[mine + 2], exchange[mine + 3], exchange[mine + 4], exchange[mine + 5]) =
            (Fragment.ToTf32(a.X), Fragment.ToTf32(a.Y), Fragment.ToTf32(a.Z), Fragment.ToTf32(a.W), Fragment.ToTf32(b0), Fragment.ToTf32(b1));
        Group.Barrier();
        for (int k = 0; k < 8; k++)
        {
            int from = (warp + 4 * g + (k & 3)) * Operands + (k >> 2 << 1), left = (warp + 4 * (2 * q) + (k & 3)) * Operands + 4 + (k >> 2);
            float above = exchange[from], below = exchange[from + 1], b = exchange[left], next = exchange[left + 4 * Operands];
            c.X += above * b;
            c.Y += above * next;
            c.Z += below * b;
            c.W += below * next;
        }
        return c;
    }

    public void Copy(ArrayView<float> shared, int to, ArrayView<float> data, int at)
    {
        for (int i = 0; i < 4; i++) shared[to + i] = at < 0 ? 0 : data[at + i];
    }

    public void Commit() { }

    public void Wait() { }

    public void WaitForAll() { }
}
