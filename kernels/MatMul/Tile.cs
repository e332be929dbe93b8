namespace MlffAd.Kernels;

/// <summary>The product's micro-kernel: a few rows of the left factor times one packed panel of the right, summed in registers.</summary>
/// <remarks>Written out by hand because accumulators in an array would live in memory.</remarks>
internal unsafe interface ITile
{
    /// <summary>Rows of the left factor.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the panel.</summary>
    static abstract int Width { get; }

    /// <summary><c>tile[i, j] = Σ_s Σ_k rows[s·stride + i][k·step] · b[(s·length + k)·Width + j]</c>.</summary>
    /// <param name="rows">For each segment the <see cref="Rows"/> starts of its rows; all must be readable.</param>
    /// <param name="stride">Pointers from one segment to the next.</param>
    /// <param name="segments">Segments: runs of the sum, such as the taps of a filter.</param>
    /// <param name="length">Terms of a segment.</param>
    /// <param name="step">Floats from one term of a row to the next.</param>
    /// <param name="b">The panel, at its first term.</param>
    /// <param name="tile">Receives Rows × Width sums.</param>
    static abstract void Run(float** rows, int stride, int segments, int length, nint step, float* b, float* tile);
}

/// <summary>8 rows × 2 vectors, for 32 vector registers: 16 sums, 2 of the panel, 1 broadcast; 8 row pointers fit x64's 15.</summary>
internal readonly unsafe struct Tile8x2<TLanes, TVector> : ITile where TLanes : ILanes<TVector> where TVector : unmanaged
{
    public static int Rows => 8;
    public static int Width => 2 * TLanes.Count;

    public static void Run(float** rows, int stride, int segments, int length, nint step, float* b, float* tile)
    {
        TVector c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default,
            c40 = default, c41 = default, c50 = default, c51 = default, c60 = default, c61 = default, c70 = default, c71 = default;
        nint end = length * step;
        for (int s = 0; s < segments; s++, rows += stride)
        {
            float* a0 = rows[0], a1 = rows[1], a2 = rows[2], a3 = rows[3], a4 = rows[4], a5 = rows[5], a6 = rows[6], a7 = rows[7];
            for (nint k = 0; k < end; k += step, b += 2 * TLanes.Count)
            {
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
        TLanes.Store(c00, tile + 0 * TLanes.Count);
        TLanes.Store(c01, tile + 1 * TLanes.Count);
        TLanes.Store(c10, tile + 2 * TLanes.Count);
        TLanes.Store(c11, tile + 3 * TLanes.Count);
        TLanes.Store(c20, tile + 4 * TLanes.Count);
        TLanes.Store(c21, tile + 5 * TLanes.Count);
        TLanes.Store(c30, tile + 6 * TLanes.Count);
        TLanes.Store(c31, tile + 7 * TLanes.Count);
        TLanes.Store(c40, tile + 8 * TLanes.Count);
        TLanes.Store(c41, tile + 9 * TLanes.Count);
        TLanes.Store(c50, tile + 10 * TLanes.Count);
        TLanes.Store(c51, tile + 11 * TLanes.Count);
        TLanes.Store(c60, tile + 12 * TLanes.Count);
        TLanes.Store(c61, tile + 13 * TLanes.Count);
        TLanes.Store(c70, tile + 14 * TLanes.Count);
        TLanes.Store(c71, tile + 15 * TLanes.Count);
    }
}

/// <summary>6 rows × 2 vectors, for 16 vector registers: 12 sums, 2 of the panel, 1 broadcast.</summary>
internal readonly unsafe struct Tile6x2<TLanes, TVector> : ITile where TLanes : ILanes<TVector> where TVector : unmanaged
{
    public static int Rows => 6;
    public static int Width => 2 * TLanes.Count;

    public static void Run(float** rows, int stride, int segments, int length, nint step, float* b, float* tile)
    {
        TVector c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default,
            c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        nint end = length * step;
        for (int s = 0; s < segments; s++, rows += stride)
        {
            float* a0 = rows[0], a1 = rows[1], a2 = rows[2], a3 = rows[3], a4 = rows[4], a5 = rows[5];
            for (nint k = 0; k < end; k += step, b += 2 * TLanes.Count)
            {
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
        TLanes.Store(c00, tile + 0 * TLanes.Count);
        TLanes.Store(c01, tile + 1 * TLanes.Count);
        TLanes.Store(c10, tile + 2 * TLanes.Count);
        TLanes.Store(c11, tile + 3 * TLanes.Count);
        TLanes.Store(c20, tile + 4 * TLanes.Count);
        TLanes.Store(c21, tile + 5 * TLanes.Count);
        TLanes.Store(c30, tile + 6 * TLanes.Count);
        TLanes.Store(c31, tile + 7 * TLanes.Count);
        TLanes.Store(c40, tile + 8 * TLanes.Count);
        TLanes.Store(c41, tile + 9 * TLanes.Count);
        TLanes.Store(c50, tile + 10 * TLanes.Count);
        TLanes.Store(c51, tile + 11 * TLanes.Count);
    }
}
