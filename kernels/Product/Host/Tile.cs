using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>The product's micro-kernel: a few rows of the left factor times one packed panel of the right, accumulated
/// in registers.</summary>
/// <remarks>Unrolled by hand, because accumulators in an array would live in memory.</remarks>
internal unsafe interface ITile
{
    /// <summary>Rows of the left factor.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the panel.</summary>
    static abstract int Width { get; }

    /// <summary><c>y[i][column + j] = (bias + residual + Σ_s Σ_k rows[s·stride + i][k·step] · b[(s·length + k)·Width +
    /// j]) + y</c>, of the summands those that are asked for, and rectified if that is.</summary>
    /// <param name="rows">For each segment the <see cref="Rows"/> starts of its rows; all must be readable.</param>
    /// <param name="stride">Pointers from one segment to the next.</param>
    /// <param name="segments">Segments: runs of the sum, such as the taps of a filter.</param>
    /// <param name="length">Terms of a segment.</param>
    /// <param name="step">Floats from one term of a row to the next.</param>
    /// <param name="b">The panel, at its first term.</param>
    /// <param name="epilogue">Bias, accumulation and ReLU.</param>
    /// <param name="y">Rows of the result, as many as the tile has; written over the whole width.</param>
    /// <param name="residual">Rows of a summand, or null.</param>
    /// <param name="due">Rows to prefetch meanwhile.</param>
    static abstract void Run(float** rows, int stride, int segments, int length, nint step, float* b,
        in TileEpilogue epilogue, float** y, float** residual, in Due due);

    /// <summary>Rows to prefetch while a tile accumulates, a cache line at a time: all at once they would exceed the
    /// line-fill buffers.</summary>
    /// <param name="rows">1, 2, 4 or 8 rows.</param>
    /// <param name="count">How many.</param>
    readonly struct Due(float** rows, int count)
    {
        private readonly float** _rows = rows;
        private readonly int _rowMask = count - 1;
        private readonly int _termMask = Cache.Line / count - 1;
        private readonly int _shift = BitOperations.Log2((uint)(Cache.Line / count));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fetch(int term)
        {
            if ((term & _termMask) == 0) Cache.Fetch(_rows[term >> _shift & _rowMask] + term);
        }
    }

    /// <summary>A tile's epilogue, in registers: sums start from the bias; the old result is added last, so that long
    /// sums can go block by block.</summary>
    /// <param name="column">The tile's first column.</param>
    /// <param name="bias">A summand for each column, or null.</param>
    /// <param name="add">Whether the result's old value is a summand.</param>
    /// <param name="rectify">Whether negative sums become 0.</param>
    readonly struct TileEpilogue(nint column, float* bias, bool add, bool rectify)
    {
        public readonly nint Column = column;
        public readonly float* Bias = bias;
        public readonly bool Add = add, Rectify = rectify;
    }
}

/// <summary>8 rows × 2 vectors, for 32 vector registers: 16 sums, 2 of the panel, 1 broadcast; 8 row pointers fit x64's
/// 15. The panel is not prefetched: the hardware prefetcher of Zen 5 does it.</summary>
internal readonly unsafe struct Tile8x2<TLanes, TVector> : ITile
    where TLanes : ILanes<TVector> where TVector : unmanaged
{
    public static int Rows => 8;
    public static int Width => 2 * TLanes.Count;

    public static void Run(float** rows, int stride, int segments, int length, nint step, float* b,
        in ITile.TileEpilogue epilogue, float** y, float** residual, in ITile.Due due)
    {
        TVector c00 = default, c01 = default, c10 = default, c11 = default, c20 = default;
        TVector c21 = default, c30 = default, c31 = default, c40 = default, c41 = default;
        TVector c50 = default, c51 = default, c60 = default, c61 = default, c70 = default;
        TVector c71 = default;
        nint column = epilogue.Column;
        if (epilogue.Bias != null)
        {
            c00 = c10 = c20 = c30 = c40 = c50 = c60 = c70 = TLanes.Load(epilogue.Bias + column);
            c01 = c11 = c21 = c31 = c41 = c51 = c61 = c71 = TLanes.Load(epilogue.Bias + column + TLanes.Count);
        }
        if (residual != null)
        {
            (c00, c01) = (TLanes.Add(c00, TLanes.Load(residual[0] + column)),
                TLanes.Add(c01, TLanes.Load(residual[0] + column + TLanes.Count)));
            (c10, c11) = (TLanes.Add(c10, TLanes.Load(residual[1] + column)),
                TLanes.Add(c11, TLanes.Load(residual[1] + column + TLanes.Count)));
            (c20, c21) = (TLanes.Add(c20, TLanes.Load(residual[2] + column)),
                TLanes.Add(c21, TLanes.Load(residual[2] + column + TLanes.Count)));
            (c30, c31) = (TLanes.Add(c30, TLanes.Load(residual[3] + column)),
                TLanes.Add(c31, TLanes.Load(residual[3] + column + TLanes.Count)));
            (c40, c41) = (TLanes.Add(c40, TLanes.Load(residual[4] + column)),
                TLanes.Add(c41, TLanes.Load(residual[4] + column + TLanes.Count)));
            (c50, c51) = (TLanes.Add(c50, TLanes.Load(residual[5] + column)),
                TLanes.Add(c51, TLanes.Load(residual[5] + column + TLanes.Count)));
            (c60, c61) = (TLanes.Add(c60, TLanes.Load(residual[6] + column)),
                TLanes.Add(c61, TLanes.Load(residual[6] + column + TLanes.Count)));
            (c70, c71) = (TLanes.Add(c70, TLanes.Load(residual[7] + column)),
                TLanes.Add(c71, TLanes.Load(residual[7] + column + TLanes.Count)));
        }
        var next = due;   // a copy, which registers can hold
        for (int s = 0; s < segments; s++, rows += stride)
        {
            float* a0 = rows[0], a1 = rows[1], a2 = rows[2], a3 = rows[3], a4 = rows[4];
            float* a5 = rows[5], a6 = rows[6], a7 = rows[7];
            nint k = 0;
            for (int t = 0; t < length; t++, k += step, b += 2 * TLanes.Count)
            {
                next.Fetch(t);
                TVector b0 = TLanes.Load(b), b1 = TLanes.Load(b + TLanes.Count), a = TLanes.Broadcast(a0 + k);
                (c00, c01) = (TLanes.MultiplyAdd(a, b0, c00), TLanes.MultiplyAdd(a, b1, c01));
                a = TLanes.Broadcast(a1 + k);
                (c10, c11) = (TLanes.MultiplyAdd(a, b0, c10), TLanes.MultiplyAdd(a, b1, c11));
                a = TLanes.Broadcast(a2 + k);
                (c20, c21) = (TLanes.MultiplyAdd(a, b0, c20), TLanes.MultiplyAdd(a, b1, c21));
                a = TLanes.Broadcast(a3 + k);
                (c30, c31) = (TLanes.MultiplyAdd(a, b0, c30), TLanes.MultiplyAdd(a, b1, c31));
                a = TLanes.Broadcast(a4 + k);
                (c40, c41) = (TLanes.MultiplyAdd(a, b0, c40), TLanes.MultiplyAdd(a, b1, c41));
                a = TLanes.Broadcast(a5 + k);
                (c50, c51) = (TLanes.MultiplyAdd(a, b0, c50), TLanes.MultiplyAdd(a, b1, c51));
                a = TLanes.Broadcast(a6 + k);
                (c60, c61) = (TLanes.MultiplyAdd(a, b0, c60), TLanes.MultiplyAdd(a, b1, c61));
                a = TLanes.Broadcast(a7 + k);
                (c70, c71) = (TLanes.MultiplyAdd(a, b0, c70), TLanes.MultiplyAdd(a, b1, c71));
            }
        }
        if (epilogue.Add)
        {
            (c00, c01) = (TLanes.Add(c00, TLanes.Load(y[0] + column)),
                TLanes.Add(c01, TLanes.Load(y[0] + column + TLanes.Count)));
            (c10, c11) = (TLanes.Add(c10, TLanes.Load(y[1] + column)),
                TLanes.Add(c11, TLanes.Load(y[1] + column + TLanes.Count)));
            (c20, c21) = (TLanes.Add(c20, TLanes.Load(y[2] + column)),
                TLanes.Add(c21, TLanes.Load(y[2] + column + TLanes.Count)));
            (c30, c31) = (TLanes.Add(c30, TLanes.Load(y[3] + column)),
                TLanes.Add(c31, TLanes.Load(y[3] + column + TLanes.Count)));
            (c40, c41) = (TLanes.Add(c40, TLanes.Load(y[4] + column)),
                TLanes.Add(c41, TLanes.Load(y[4] + column + TLanes.Count)));
            (c50, c51) = (TLanes.Add(c50, TLanes.Load(y[5] + column)),
                TLanes.Add(c51, TLanes.Load(y[5] + column + TLanes.Count)));
            (c60, c61) = (TLanes.Add(c60, TLanes.Load(y[6] + column)),
                TLanes.Add(c61, TLanes.Load(y[6] + column + TLanes.Count)));
            (c70, c71) = (TLanes.Add(c70, TLanes.Load(y[7] + column)),
                TLanes.Add(c71, TLanes.Load(y[7] + column + TLanes.Count)));
        }
        if (epilogue.Rectify)
        {
            (c00, c01) = (TLanes.Rectify(c00), TLanes.Rectify(c01));
            (c10, c11) = (TLanes.Rectify(c10), TLanes.Rectify(c11));
            (c20, c21) = (TLanes.Rectify(c20), TLanes.Rectify(c21));
            (c30, c31) = (TLanes.Rectify(c30), TLanes.Rectify(c31));
            (c40, c41) = (TLanes.Rectify(c40), TLanes.Rectify(c41));
            (c50, c51) = (TLanes.Rectify(c50), TLanes.Rectify(c51));
            (c60, c61) = (TLanes.Rectify(c60), TLanes.Rectify(c61));
            (c70, c71) = (TLanes.Rectify(c70), TLanes.Rectify(c71));
        }
        TLanes.Store(c00, y[0] + column);
        TLanes.Store(c01, y[0] + column + TLanes.Count);
        TLanes.Store(c10, y[1] + column);
        TLanes.Store(c11, y[1] + column + TLanes.Count);
        TLanes.Store(c20, y[2] + column);
        TLanes.Store(c21, y[2] + column + TLanes.Count);
        TLanes.Store(c30, y[3] + column);
        TLanes.Store(c31, y[3] + column + TLanes.Count);
        TLanes.Store(c40, y[4] + column);
        TLanes.Store(c41, y[4] + column + TLanes.Count);
        TLanes.Store(c50, y[5] + column);
        TLanes.Store(c51, y[5] + column + TLanes.Count);
        TLanes.Store(c60, y[6] + column);
        TLanes.Store(c61, y[6] + column + TLanes.Count);
        TLanes.Store(c70, y[7] + column);
        TLanes.Store(c71, y[7] + column + TLanes.Count);
    }
}

/// <summary>6 rows × 2 vectors, for 16 vector registers: 12 sums, 2 of the panel, 1 broadcast.</summary>
internal readonly unsafe struct Tile6x2<TLanes, TVector> : ITile
    where TLanes : ILanes<TVector> where TVector : unmanaged
{
    /// <summary>Prefetch distance within the panel, in terms: a few latencies of the second-level cache. At the panel's
    /// end this reaches into the next panel; where the sum has several runs, those last prefetches are
    /// wasted.</summary>
    private const int Ahead = 16;

    public static int Rows => 6;
    public static int Width => 2 * TLanes.Count;

    public static void Run(float** rows, int stride, int segments, int length, nint step, float* b,
        in ITile.TileEpilogue epilogue, float** y, float** residual, in ITile.Due due)
    {
        TVector c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default,
            c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        nint column = epilogue.Column;
        if (epilogue.Bias != null)
        {
            c00 = c10 = c20 = c30 = c40 = c50 = TLanes.Load(epilogue.Bias + column);
            c01 = c11 = c21 = c31 = c41 = c51 = TLanes.Load(epilogue.Bias + column + TLanes.Count);
        }
        if (residual != null)
        {
            (c00, c01) = (TLanes.Add(c00, TLanes.Load(residual[0] + column)),
                TLanes.Add(c01, TLanes.Load(residual[0] + column + TLanes.Count)));
            (c10, c11) = (TLanes.Add(c10, TLanes.Load(residual[1] + column)),
                TLanes.Add(c11, TLanes.Load(residual[1] + column + TLanes.Count)));
            (c20, c21) = (TLanes.Add(c20, TLanes.Load(residual[2] + column)),
                TLanes.Add(c21, TLanes.Load(residual[2] + column + TLanes.Count)));
            (c30, c31) = (TLanes.Add(c30, TLanes.Load(residual[3] + column)),
                TLanes.Add(c31, TLanes.Load(residual[3] + column + TLanes.Count)));
            (c40, c41) = (TLanes.Add(c40, TLanes.Load(residual[4] + column)),
                TLanes.Add(c41, TLanes.Load(residual[4] + column + TLanes.Count)));
            (c50, c51) = (TLanes.Add(c50, TLanes.Load(residual[5] + column)),
                TLanes.Add(c51, TLanes.Load(residual[5] + column + TLanes.Count)));
        }
        var next = due;   // a copy, which registers can hold
        for (int s = 0; s < segments; s++, rows += stride)
        {
            float* a0 = rows[0], a1 = rows[1], a2 = rows[2], a3 = rows[3], a4 = rows[4], a5 = rows[5];
            nint k = 0;
            for (int t = 0; t < length; t++, k += step, b += 2 * TLanes.Count)
            {
                next.Fetch(t);
                Cache.Fetch(b + Ahead * Width);
                TVector b0 = TLanes.Load(b), b1 = TLanes.Load(b + TLanes.Count), a = TLanes.Broadcast(a0 + k);
                (c00, c01) = (TLanes.MultiplyAdd(a, b0, c00), TLanes.MultiplyAdd(a, b1, c01));
                a = TLanes.Broadcast(a1 + k);
                (c10, c11) = (TLanes.MultiplyAdd(a, b0, c10), TLanes.MultiplyAdd(a, b1, c11));
                a = TLanes.Broadcast(a2 + k);
                (c20, c21) = (TLanes.MultiplyAdd(a, b0, c20), TLanes.MultiplyAdd(a, b1, c21));
                a = TLanes.Broadcast(a3 + k);
                (c30, c31) = (TLanes.MultiplyAdd(a, b0, c30), TLanes.MultiplyAdd(a, b1, c31));
                a = TLanes.Broadcast(a4 + k);
                (c40, c41) = (TLanes.MultiplyAdd(a, b0, c40), TLanes.MultiplyAdd(a, b1, c41));
                a = TLanes.Broadcast(a5 + k);
                (c50, c51) = (TLanes.MultiplyAdd(a, b0, c50), TLanes.MultiplyAdd(a, b1, c51));
            }
        }
        if (epilogue.Add)
        {
            (c00, c01) = (TLanes.Add(c00, TLanes.Load(y[0] + column)),
                TLanes.Add(c01, TLanes.Load(y[0] + column + TLanes.Count)));
            (c10, c11) = (TLanes.Add(c10, TLanes.Load(y[1] + column)),
                TLanes.Add(c11, TLanes.Load(y[1] + column + TLanes.Count)));
            (c20, c21) = (TLanes.Add(c20, TLanes.Load(y[2] + column)),
                TLanes.Add(c21, TLanes.Load(y[2] + column + TLanes.Count)));
            (c30, c31) = (TLanes.Add(c30, TLanes.Load(y[3] + column)),
                TLanes.Add(c31, TLanes.Load(y[3] + column + TLanes.Count)));
            (c40, c41) = (TLanes.Add(c40, TLanes.Load(y[4] + column)),
                TLanes.Add(c41, TLanes.Load(y[4] + column + TLanes.Count)));
            (c50, c51) = (TLanes.Add(c50, TLanes.Load(y[5] + column)),
                TLanes.Add(c51, TLanes.Load(y[5] + column + TLanes.Count)));
        }
        if (epilogue.Rectify)
        {
            (c00, c01) = (TLanes.Rectify(c00), TLanes.Rectify(c01));
            (c10, c11) = (TLanes.Rectify(c10), TLanes.Rectify(c11));
            (c20, c21) = (TLanes.Rectify(c20), TLanes.Rectify(c21));
            (c30, c31) = (TLanes.Rectify(c30), TLanes.Rectify(c31));
            (c40, c41) = (TLanes.Rectify(c40), TLanes.Rectify(c41));
            (c50, c51) = (TLanes.Rectify(c50), TLanes.Rectify(c51));
        }
        TLanes.Store(c00, y[0] + column);
        TLanes.Store(c01, y[0] + column + TLanes.Count);
        TLanes.Store(c10, y[1] + column);
        TLanes.Store(c11, y[1] + column + TLanes.Count);
        TLanes.Store(c20, y[2] + column);
        TLanes.Store(c21, y[2] + column + TLanes.Count);
        TLanes.Store(c30, y[3] + column);
        TLanes.Store(c31, y[3] + column + TLanes.Count);
        TLanes.Store(c40, y[4] + column);
        TLanes.Store(c41, y[4] + column + TLanes.Count);
        TLanes.Store(c50, y[5] + column);
        TLanes.Store(c51, y[5] + column + TLanes.Count);
    }
}
