using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>The host's matrix product, under every convolution and row product: <c>Y[M, N] = epilogue(A[M, K] · B[K,
/// N])</c>. The plain loop is in <c>MatMul.Ladder.cs</c>.</summary>
/// <remarks>A is read in place through row pointers (<see cref="Gather"/>), B is packed (<see cref="Panels"/>). Y is
/// cut into blocks whose part of B stays in the second-level cache while A's rows stream past; the order of summation
/// does not depend on the thread. K is summed in registers over runs of at most <see cref="BlockK"/> terms, then block
/// by block.</remarks>
internal readonly unsafe struct Product
{
    /// <summary>Terms of a block of the sum, and rows of a block of Y; its columns are as many as make the part of B
    /// fill half of the second-level cache. The terms, on which the sums' rounding depends, are the same on
    /// every machine.</summary>
    public const int BlockK = 512, BlockM = 192;

    /// <summary>Rows of a left factor that is packed across the sum lie side by side in groups of so many: a multiple
    /// of every tile's rows and of every vector, so that a tile finds its rows together and packing stores
    /// whole vectors.</summary>
    public const int Group = 48;

    /// <summary>Blocks a thread, for load balance, and the fewest tiles of a block along either side. Blocks may depend
    /// on the number of threads; how a sum is split, and so its rounding, does not.</summary>
    private const int BlocksPerThread = 8, LeastUnits = 4;

    private const int MaxSegments = 16;

    /// <summary>Room for the rows that a tile prefetches: at most its own where there is one panel, rounded up to a
    /// power of two.</summary>
    private const int MostDue = 8;

    public Gather A { get; init; }

    public Panels B { get; init; }

    /// <summary>Rows of A in one product, and products in the batch: product b takes A's rows b·M …</summary>
    public int M { get; init; }
    public int Batches { get; init; }

    /// <summary>Output positions of A from one product of the batch to the next, if they are more than M.</summary>
    public int Apart { get; init; }

    /// <summary>Where Y's rows go: output position (n, y, x) of A to row (n, y·Stride + OriginY, x·Stride +
    /// OriginX) of Y's map.</summary>
    public Scatter Y { get; init; }

    /// <summary>A summand with the rows of Y, or null data.</summary>
    public Scatter Residual { get; init; }

    public Epilogue Epilogue { get; init; }

    /// <summary>Blocks of Y's rows whose moments are wanted, if any are: Y's rows are then those
    /// of the product.</summary>
    public MomentBlocks Moments { get; init; }

    public void Run(Device device) => Tiles.Dispatch(new Call(this, device));

    private readonly struct Call(Product product, Device device) : Tiles.ICall
    {
        public void With<TWide, TNarrow>() where TWide : ITile where TNarrow : ITile
        {
            // Blocks end where moments' blocks end.
            var (unit, least) = product.Moments.Wanted ? (MomentBlocks.Rows, 1) : (TWide.Rows, LeastUnits);
            int m = product.M, n = product.B.N, unitsM = (m + unit - 1) / unit;
            int unitsN = (n + TWide.Width - 1) / TWide.Width;
            int blockN = Math.Max(TWide.Width, (int)(Cache.Second / 2 / sizeof(float)) / Math.Min(product.B.K, BlockK));
            int blocksM = (m + BlockM - 1) / BlockM;
            int blocksN = (n + blockN - 1) / blockN;
            int most = device.Team.Here;
            int enough = most == 1 ? 1 : BlocksPerThread * most;
            // Another row of blocks reads all of B once more, another column all of A: the
            // cheaper for the blocks it adds.
            while (blocksM * blocksN * product.Batches < enough)
            {
                bool canM = blocksM * least < unitsM, canN = blocksN * LeastUnits < unitsN;
                if (!canM && !canN) break;
                if (canM && (!canN || (long)n * blocksM <= (long)m * blocksN)) blocksM++;
                else blocksN++;
            }
            // The rows' blocks are dealt out evenly if they can be, so that a thread reads rows of A that it wrote; not
            // where all threads would read a B that is more, or where A's rows lie across.
            int threads = Math.Min(most, blocksM * blocksN * product.Batches);
            int even = (blocksM + threads - 1) / threads * threads;
            if (m >= n && product.A.Step == 1 && even * least <= unitsM) blocksM = even;
            device.Team.Share(threads, blocksM * blocksN * product.Batches,
                new Job<TWide, TNarrow>(product: product, unit: unit, unitsM: unitsM, unitsN: unitsN, blocksM: blocksM,
                    blocksN: blocksN, blocksOfShare: blocksM % threads == 0 ? blocksM / threads : blocksM));
        }
    }

    /// <summary>Items are blocks of Y. A share's rows meet B's columns one block of them after the other,
    /// product by product.</summary>
    private readonly struct Job<TWide, TNarrow>(Product product, int unit, int unitsM, int unitsN, int blocksM,
        int blocksN, int blocksOfShare) : IItemJob
        where TWide : ITile where TNarrow : ITile
    {
        public void Run(int part, int block)
        {
            int share = block / (blocksOfShare * blocksN * product.Batches);
            int i = share * blocksOfShare + block % blocksOfShare;
            int j = block / blocksOfShare % blocksN;
            int batch = block / (blocksOfShare * blocksN) % product.Batches;
            int m = ThreadTeam.Start(i, blocksM, unitsM) * unit, n = ThreadTeam.Start(j, blocksN, unitsN) * TWide.Width;
            Block(batch, m, Math.Min(ThreadTeam.Start(i + 1, blocksM, unitsM) * unit, product.M) - m, n,
                Math.Min(ThreadTeam.Start(j + 1, blocksN, unitsN) * TWide.Width, product.B.N) - n);
        }

        [SkipLocalsInit]
        private void Block(int batch, int m, int rows, int n, int columns)
        {
            int padded = (rows + TWide.Rows - 1) / TWide.Rows * TWide.Rows;
            int first = batch * Math.Max(product.M, product.Apart) + m;
            var places = stackalloc Gather.SourceRow[padded];
            float** a = stackalloc float*[MaxSegments * padded];
            float** y = stackalloc float*[rows];
            float** residual = stackalloc float*[rows];
            var A = product.A;
            A.Locate(first, rows, padded, places);
            product.Y.Fill(A, first, rows, y);
            bool hasResidual = product.Residual.Rows.Data != null;
            if (hasResidual) product.Residual.Fill(A, first, rows, residual);
            // A segment longer than a block is cut; short ones share a block.
            int runs = (A.Length + BlockK - 1) / BlockK, run = (A.Length + runs - 1) / runs, taps = A.Taps;
            int most = Math.Clamp(BlockK / A.Length, 1, MaxSegments);
            int groups = (taps + most - 1) / most;
            int group = (taps + groups - 1) / groups;
            for (int t = 0; t < taps; t += group)
                for (int offset = 0; offset < A.Length; offset += run)
                {
                    int segments = Math.Min(group, taps - t), length = Math.Min(run, A.Length - offset);
                    for (int s = 0; s < segments; s++) A.Fill(t + s, offset, padded, places, a + s * padded);
                    // The rows below a tile are fetched meanwhile; not where several segments, a filter's taps, read
                    // their neighbours' rows anyhow, nor where rows lie across.
                    int ahead = segments == 1 && A.Step == 1 ? Math.Max(0, rows - TWide.Rows) : 0;
                    Sweep<TWide, TNarrow>(new Sums(rows: a, stride: padded, segments: segments, length: length,
                        step: A.Step, coming: a + TWide.Rows, ahead: ahead), rows,
                        product.B.Data + batch * product.B.Size, product.B.K, (nint)t * A.Length + offset, n, columns,
                        product.B.N, y, hasResidual ? residual : null, product.Epilogue, t == 0
                        && offset == 0, t + segments == taps && offset + length == A.Length);
                }
            if (product.Moments.Wanted)
                for (int row = m; row < m + rows; row += MomentBlocks.Rows)
                    product.Moments.Make(row / MomentBlocks.Rows, n, columns);
        }
    }

    /// <summary>The rows of A within one block of the sum, and what will be needed soon: <paramref name="ahead"/> runs
    /// of as many floats as a segment has terms.</summary>
    public readonly struct Sums(float** rows, int stride, int segments, int length, nint step, float** coming,
        int ahead)
    {
        public readonly float** Rows = rows, Coming = coming;
        public readonly int Stride = stride, Segments = segments, Length = length, Ahead = ahead;
        public readonly nint Step = step;
    }

    /// <summary>For tiles that reach over the edge: rows that their sums begin with, rows that they go to, and memory
    /// for two tiles.</summary>
    private readonly struct Edge(float** begin, float** y, float* memory)
    {
        public readonly float** Begin = begin, Y = y;
        public readonly float* Memory = memory;
    }

    /// <summary>One block of Y by one block of the sum: a tile's rows of A, in the first-level cache, are multiplied by
    /// all panels, in the second.</summary>
    /// <param name="a">Rows of A.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <param name="panels">Panels of B, <paramref name="k"/> terms each; the block begins at term
    /// <paramref name="term"/>.</param>
    /// <param name="k">Terms in a panel.</param>
    /// <param name="term">First term.</param>
    /// <param name="n">First column, at the start of a panel.</param>
    /// <param name="columns">Columns of the block.</param>
    /// <param name="allColumns">Columns of B.</param>
    /// <param name="y">Rows of Y.</param>
    /// <param name="residual">Rows of the residual, or null.</param>
    /// <param name="epilogue">What is done to the sums.</param>
    /// <param name="first">Whether this is the first block of the sum.</param>
    /// <param name="last">Whether it is the last.</param>
    [SkipLocalsInit]
    public static void Sweep<TWide, TNarrow>(in Sums a, int rows, float* panels, int k, nint term, int n, int columns,
        int allColumns, float** y, float** residual, in Epilogue epilogue, bool first, bool last)
        where TWide : ITile where TNarrow : ITile
    {
        float* memory = stackalloc float[2 * TWide.Rows * TWide.Width];
        float** rowsOfEdge = stackalloc float*[2 * TWide.Rows], next = stackalloc float*[MostDue];
        new Span<float>(memory, 2 * TWide.Rows * TWide.Width).Clear();
        var scratch = new Edge(rowsOfEdge, rowsOfEdge + TWide.Rows, memory);
        int tiles = (rows - 1) / TWide.Rows * ((columns + TWide.Width - 1) / TWide.Width);
        int ahead = Math.Min(a.Ahead, MostDue * tiles);
        int due = 0;   // all but the last row of tiles fetch, evenly
        float** coming = a.Coming, end = coming + ahead;
        // a tile for which nothing is due fetches what is there already: cheaper than to ask whether
        next[0] = a.Rows[0];
        for (int i = 0; i < rows; i += TWide.Rows)
            for (int column = n; column < n + columns; column += TWide.Width)
            {
                int count = 0;
                for (due += ahead; due >= tiles && coming < end; due -= tiles) next[count++] = *coming++;
                int slots = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, 1));
                for (int j = count; j < slots; j++) next[j] = next[0];
                Tile<TWide, TNarrow>(a, rows, i, panels, k, term, n, columns, column, allColumns, y, residual,
                    epilogue, first, last, scratch, new(next, slots));
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile<TWide, TNarrow>(in Sums a, int rows, int i, float* panels, int k, nint term, int n,
        int columns, int column, int allColumns, float** y, float** residual, in Epilogue epilogue, bool first,
        bool last, in Edge scratch, in ITile.Due due) where TWide : ITile where TNarrow : ITile
    {
        int width = Panels.Width(allColumns, column);
        int count = Math.Min(TWide.Width, n + columns - column);
        int height = Math.Min(TWide.Rows, rows - i);
        float* b = panels + (nint)column * k + term * width, bias = first ? epilogue.Bias : null;
        bool add = epilogue.Add || !first, rectify = last && epilogue.Activation == Activation.ReLU;
        if (!first) residual = null;
        y += i;
        if (residual != null) residual += i;
        if (height == TWide.Rows && count == width)
        {
            Prefetch(y + TWide.Rows, residual == null
                ? null
                : residual + TWide.Rows, Math.Min(TWide.Rows, rows - i - TWide.Rows), column, width);
            Run<TWide, TNarrow>(a, i, width, b, new(column, bias, add, rectify), y, residual, due);
        }
        else if (count == width)
        {
            // Rows that there are not go nowhere.
            for (int r = 0; r < TWide.Rows; r++)
            {
                scratch.Y[r] = r < height ? y[r] : scratch.Memory + r * width - column;
                if (residual != null) scratch.Begin[r] = residual[Math.Min(r, height - 1)];
            }
            Run<TWide, TNarrow>(a, i, width, b, new(column, bias, add, rectify), scratch.Y, residual == null
                ? null
                : scratch.Begin, due);
        }
        else
        {
            // Where columns are missing, the same happens in a tile of its own.
            for (int r = 0; r < TWide.Rows; r++)
            {
                scratch.Y[r] = scratch.Memory + r * width;
                scratch.Begin[r] = scratch.Memory + (TWide.Rows + r) * width;
                for (int j = 0; j < count && r < height; j++)
                {
                    float begin = bias != null ? bias[column + j] : 0;
                    scratch.Begin[r][j] = residual != null ? begin + residual[r][column + j] : begin;
                    scratch.Y[r][j] = add ? y[r][column + j] : 0;
                }
            }
            Run<TWide, TNarrow>(a, i, width, b, new(0, null, add, rectify), scratch.Y, scratch.Begin, due);
            for (int r = 0; r < height; r++) Panels.CopyRow(scratch.Y[r], count, count, y[r] + column);
        }
        if (last) epilogue.Activate(y, height, column, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run<TWide, TNarrow>(in Sums a, int i, int width, float* b, in ITile.TileEpilogue epilogue,
        float** y, float** residual, in ITile.Due due) where TWide : ITile where TNarrow : ITile
    {
        if (width == TWide.Width)
            TWide.Run(a.Rows + i, a.Stride, a.Segments, a.Length, a.Step, b, epilogue, y, residual, due);
        else TNarrow.Run(a.Rows + i, a.Stride, a.Segments, a.Length, a.Step, b, epilogue, y, residual, due);
    }

    /// <summary>Prefetches the next tile's columns of Y and of the residual, row by row: a pattern that hardware
    /// prefetchers miss.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float** y, float** residual, int rows, int column, int width)
    {
        for (int r = 0; r < rows; r++)
        {
            Cache.Fetch(y[r] + column, width);
            if (residual != null) Cache.Fetch(residual[r] + column, width);
        }
    }
}
