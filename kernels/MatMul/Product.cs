using System.Runtime.CompilerServices;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>The host's one matrix product, under every convolution and row product: <c>Y[M, N] = epilogue(A[M, K] · B[K, N])</c>.</summary>
/// <remarks>A is read in place through row pointers (<see cref="Gather"/>), B lies packed (<see cref="Panels"/>). Y is cut into blocks that stay,
/// with the parts of A and B they need, in the second-level cache; the blocks depend on the shapes alone and each is summed in the same order
/// by whichever thread takes it. K is summed in registers over runs of at most <see cref="BlockK"/> terms, then block by block.</remarks>
internal readonly unsafe struct Product
{
    /// <summary>Terms of a block of the sum: a panel of 32 columns and a tile's rows fill the first-level cache.</summary>
    public const int BlockK = 256;

    /// <summary>Rows and columns of a block of Y.</summary>
    public const int BlockM = 96, BlockN = 256;

    /// <summary>Blocks wanted, so that a handful of threads find equal work.</summary>
    private const int EnoughBlocks = 16;

    private const int MaxSegments = 16;

    public Gather A { get; init; }

    public Panels B { get; init; }

    /// <summary>Rows of A in one product, and products in the batch: product b takes A's rows b·M …</summary>
    public int M { get; init; }
    public int Batches { get; init; }

    /// <summary>Where Y's rows go: output position (n, y, x) of A to row (n, y·Stride + OriginY, x·Stride + OriginX) of Y's map.</summary>
    public Scatter Y { get; init; }

    /// <summary>A summand with the rows of Y, or null data.</summary>
    public Scatter Residual { get; init; }

    public Epilogue Epilogue { get; init; }

    public void Run(Device device) => Tiles.Dispatch(new Call(this, device));

    /// <summary>Splits an extent into at least <paramref name="least"/> parts of at most <paramref name="most"/>, multiples of <paramref name="unit"/>, as equal as can be.</summary>
    public static int Block(int extent, int most, int least, int unit)
    {
        int parts = Math.Max((extent + most - 1) / most, least), part = (extent + parts - 1) / parts;
        return (part + unit - 1) / unit * unit;
    }

    private readonly struct Call(Product product, Device device) : Tiles.ICall
    {
        public void With<TWide, TNarrow>() where TWide : ITile where TNarrow : ITile
        {
            int n = product.B.N, blockN = Block(n, BlockN, 1, TWide.Width), blocksN = (n + blockN - 1) / blockN * product.Batches;
            int blockM = Block(product.M, BlockM, Math.Min((EnoughBlocks + blocksN - 1) / blocksN, (product.M + 31) / 32), TWide.Rows);
            int blocksM = (product.M + blockM - 1) / blockM;
            int next = 0;
            var job = new Job<TWide, TNarrow>(product, blockM, blockN, blocksM, blocksM * blocksN, &next);
            device.Team.For(Math.Min(device.Team.Count, blocksM * blocksN), job);
        }
    }

    /// <summary>Takes blocks until none is left: whichever thread is free takes the next, so a thread that other programs delay holds up nobody.</summary>
    private readonly struct Job<TWide, TNarrow>(Product product, int blockM, int blockN, int blocksM, int blocks, int* next) : IJob
        where TWide : ITile where TNarrow : ITile
    {
        public void Run(int begin, int end)
        {
            for (int block; (block = Interlocked.Increment(ref *next) - 1) < blocks;)
            {
                int blocksN = blocks / blocksM / product.Batches, batch = block / (blocksM * blocksN), m = block % blocksM * blockM, n = block / blocksM % blocksN * blockN;
                Block(batch, m, Math.Min(blockM, product.M - m), n, Math.Min(blockN, product.B.N - n));
            }
        }

        [SkipLocalsInit]
        private void Block(int batch, int m, int rows, int n, int columns)
        {
            int padded = (rows + TWide.Rows - 1) / TWide.Rows * TWide.Rows, first = batch * product.M + m;
            var places = stackalloc Gather.Place[padded];
            float** a = stackalloc float*[MaxSegments * padded], y = stackalloc float*[rows], residual = stackalloc float*[rows];
            var A = product.A;
            A.Locate(first, rows, padded, places);
            product.Y.Fill(A, first, rows, y);
            bool hasResidual = product.Residual.Rows.Data != null;
            if (hasResidual) product.Residual.Fill(A, first, rows, residual);

            // A segment longer than a block is cut; short ones share a block.
            int runs = (A.Length + BlockK - 1) / BlockK, run = (A.Length + runs - 1) / runs, taps = A.Taps;
            int most = Math.Clamp(BlockK / A.Length, 1, MaxSegments), groups = (taps + most - 1) / most, group = (taps + groups - 1) / groups;
            for (int t = 0; t < taps; t += group)
                for (int offset = 0; offset < A.Length; offset += run)
                {
                    int segments = Math.Min(group, taps - t), length = Math.Min(run, A.Length - offset);
                    for (int s = 0; s < segments; s++) A.Fill(t + s, offset, padded, places, a + s * padded);
                    Sweep<TWide, TNarrow>(new Sums(a, padded, segments, length, A.Step), rows, product.B.Data + batch * product.B.Size, product.B.K, (nint)t * A.Length + offset,
                        n, columns, product.B.N, y, hasResidual ? residual : null, product.Epilogue, t == 0 && offset == 0, t + segments == taps && offset + length == A.Length);
                }
        }
    }

    /// <summary>The rows of A within one block of the sum.</summary>
    public readonly struct Sums(float** rows, int stride, int segments, int length, nint step)
    {
        public readonly float** Rows = rows;
        public readonly int Stride = stride, Segments = segments, Length = length;
        public readonly nint Step = step;
    }

    /// <summary>One block of Y by one block of the sum: each panel stays in the first-level cache while all rows pass.</summary>
    /// <param name="a">Rows of A.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <param name="panels">Panels of B, <paramref name="k"/> terms each, of which the block begins at term <paramref name="term"/>.</param>
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
    public static void Sweep<TWide, TNarrow>(in Sums a, int rows, float* panels, int k, nint term, int n, int columns, int allColumns,
        float** y, float** residual, in Epilogue epilogue, bool first, bool last) where TWide : ITile where TNarrow : ITile
    {
        float* tile = stackalloc float[TWide.Rows * TWide.Width];
        for (int column = n; column < n + columns; column += TWide.Width)
        {
            int width = Panels.Width(allColumns, column), count = Math.Min(TWide.Width, n + columns - column);
            float* b = panels + (nint)column * k + term * width;
            for (int i = 0; i < rows; i += TWide.Rows)
            {
                if (width == TWide.Width) TWide.Run(a.Rows + i, a.Stride, a.Segments, a.Length, a.Step, b, tile);
                else TNarrow.Run(a.Rows + i, a.Stride, a.Segments, a.Length, a.Step, b, tile);
                epilogue.Store(tile, width, Math.Min(TWide.Rows, rows - i), count, column, y + i, residual == null ? null : residual + i, first, last);
            }
        }
    }
}

/// <summary>Where the rows of a product's result go.</summary>
/// <param name="rows">The map's rows.</param>
/// <param name="h">Rows of an item's map.</param>
/// <param name="w">Columns of an item's map.</param>
/// <param name="stride">Step between output positions.</param>
/// <param name="originY">Where the first lies.</param>
/// <param name="originX">Where the first lies.</param>
/// <param name="itemPitch">Floats from one item to the next; 0 where they lie without gaps.</param>
internal readonly unsafe struct Scatter(HostRows rows, int h, int w, int stride = 1, int originY = 0, int originX = 0, nint itemPitch = 0)
{
    public readonly HostRows Rows = rows;
    private readonly nint _itemPitch = itemPitch > 0 ? itemPitch : (nint)h * w * rows.Pitch;

    /// <summary>Pointers to the rows of <paramref name="count"/> output positions of <paramref name="a"/> from the <paramref name="first"/> on.</summary>
    public void Fill(in Gather a, int first, int count, float** to)
    {
        int x = first % a.OutW, y = first / a.OutW % a.OutH, n = first / (a.OutW * a.OutH);
        for (int i = 0; i < count; i++)
        {
            to[i] = Rows.Data + n * _itemPitch + ((nint)(y * stride + originY) * w + x * stride + originX) * Rows.Pitch;
            if (++x < a.OutW) continue;
            x = 0;
            if (++y < a.OutH) continue;
            y = 0;
            n++;
        }
    }
}
