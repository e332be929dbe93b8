using ILGPU;

namespace MlffAd.Kernels;

/// <summary>What a word of an operand holds, for <see cref="EmulatedFragments{TWord}"/>.</summary>
internal interface IWord
{
    /// <summary>See <see cref="IFragments.ReadsBf16"/>.</summary>
    bool ReadsBf16 { get; }

    /// <summary>See <see cref="IFragments.TakesPairs"/>.</summary>
    bool TakesPairs { get; }

    /// <summary>See <see cref="IFragments.Pack"/>.</summary>
    float Pack(float low, float high);

    /// <summary>The product of two words' terms, or the sum of both products.</summary>
    float Multiply(float a, float b);
}

/// <summary>A number of TF32.</summary>
internal readonly struct Tf32Word : IWord
{
    public bool ReadsBf16 => false;

    public bool TakesPairs => false;

    public float Pack(float low, float high) => low;

    public float Multiply(float a, float b) => Fragment.ToTf32(a) * Fragment.ToTf32(b);
}

/// <summary>Two numbers of BF16, the first in the lower half.</summary>
internal readonly struct Bf16Word : IWord
{
    public bool ReadsBf16 => false;

    public bool TakesPairs => true;

    public float Pack(float low, float high) => Bf16.Pack(low, high);

    public float Multiply(float a, float b) => Bf16.Low(a) * Bf16.Low(b) + Bf16.High(a) * Bf16.High(b);
}

/// <summary>Two numbers that are BF16 in memory.</summary>
internal readonly struct Bf16MapWord : IWord
{
    public bool ReadsBf16 => true;

    public bool TakesPairs => false;

    public float Pack(float low, float high) => low;

    public float Multiply(float a, float b) => default(Bf16Word).Multiply(a, b);
}

/// <summary>The same fragments by plain arithmetic, for any device: threads pass each other their operands through
/// shared memory. Only tests run it.</summary>
internal readonly struct EmulatedFragments<TWord> : IFragments where TWord : unmanaged, IWord
{
    private const int Operands = 6;

    public int Exchange => Operands * 256;

    public bool ReadsBf16 => default(TWord).ReadsBf16;

    public bool TakesPairs => default(TWord).TakesPairs;

    public float Pack(float low, float high) => default(TWord).Pack(low, high);

    public Four Load(ArrayView<float> shared, int from, int row, int chunk, bool right)
    {
        Four v;
        (v.X, v.Y, v.Z, v.W) = (Element(shared, from, row, chunk, right, 0),
            Element(shared, from, row, chunk, right, 1), Element(shared, from, row, chunk, right, 2),
            Element(shared, from, row, chunk, right, 3));
        return v;
    }

    private static float Element(ArrayView<float> shared, int from, int row, int chunk, bool right, int block)
    {
        int thread = Group.IdxX & 31, lane = 8 * block + (thread >> 2);   // who gives this row's address
        return shared[from + Fragment.Along(row + Fragment.RowOf(lane, right), chunk + Fragment.ChunkOf(lane, right))
            + (thread & 3)];
    }

    public Four LoadAcross(ArrayView<float> shared, int from, int row, int chunk, int rows, bool right)
    {
        Four v;
        (v.X, v.Y, v.Z, v.W) = (Pair(shared, from, row, chunk, rows, right, 0),
            Pair(shared, from, row, chunk, rows, right, 1), Pair(shared, from, row, chunk, rows, right, 2),
            Pair(shared, from, row, chunk, rows, right, 3));
        return v;
    }

    /// <summary>Two terms of a row.</summary>
    private static float Pair(ArrayView<float> shared, int from, int row, int chunk, int rows, bool right, int block)
    {
        int thread = Group.IdxX & 31, g = thread >> 2;
        int term = 8 * (chunk + Fragment.ChunkOf(8 * block, right)) + 2 * (thread & 3);
        row += Fragment.RowOf(8 * block, right) & ~7;
        uint low = Half(shared[from + Fragment.AcrossBf16(row, term, rows) + (g >> 1)], g);
        uint high = Half(shared[from + Fragment.AcrossBf16(row, term + 1, rows) + (g >> 1)], g);
        return Interop.IntAsFloat(low | high << 16);
    }

    private static uint Half(float word, int row) => Interop.FloatAsInt(word) >> 16 * (row & 1) & 0xFFFFu;

    public Four Multiply(Four c, Four a, float b0, float b1, ArrayView<float> exchange)
    {
        int thread = Group.IdxX, warp = thread & ~31, g = (thread & 31) >> 2, q = thread & 3;
        Group.Barrier();
        int mine = thread * Operands;
        (exchange[mine], exchange[mine + 1], exchange[mine + 2], exchange[mine + 3], exchange[mine + 4],
            exchange[mine + 5]) = (a.X, a.Y, a.Z, a.W, b0, b1);
        Group.Barrier();
        for (int k = 0; k < 8; k++)
        {
            int from = (warp + 4 * g + (k & 3)) * Operands + (k >> 2 << 1);
            int left = (warp + 4 * (2 * q) + (k & 3)) * Operands + 4 + (k >> 2);
            float above = exchange[from], below = exchange[from + 1], b = exchange[left];
            float next = exchange[left + 4 * Operands];
            c.X += default(TWord).Multiply(above, b);
            c.Y += default(TWord).Multiply(above, next);
            c.Z += default(TWord).Multiply(below, b);
            c.W += default(TWord).Multiply(below, next);
        }
        return c;
    }

    public void Copy(ArrayView<float> shared, int to, ArrayView<float> data, int at)
    {
        int word = default(TWord).ReadsBf16 ? at >> 1 : at;
        for (int i = 0; i < 4; i++) shared[to + i] = at < 0 ? 0 : data[word + i];
    }

    public void Commit() { }

    public void Wait() { }

    public void WaitForAll() { }
}
