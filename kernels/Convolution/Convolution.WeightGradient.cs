using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

public static unsafe partial class Convolution
{
    /// <summary>Positions of a block of the sum, and the extents of a block of dw.</summary>
    private const int BlockP = 128, BlockO = 288, BlockT = 256;

    /// <summary>Positions packed together: their rows stay in the first-level cache across panels.</summary>
    private const int FewPositions = 8;

    /// <summary>Blocks of work wanted; with fewer, the positions are split into parts of at least
    /// <see cref="LeastPart"/>, whose sums are added in order.</summary>
    private const int EnoughParts = 16, LeastPart = 1024;

    /// <summary>Runs of <see cref="BlockP"/> floats that hold a block of positions.</summary>
    private const int BlockRuns = BlockP * ((BlockO + BlockP - 1) / BlockP + (BlockT + BlockP - 1) / BlockP);

    private static void WeightGradientHost(Tensor x, Tensor dy, Tensor dw, ConvGeometry g, bool add) =>
        WeightGradientBy(Choose(Pass.WeightGradient, g, x.Shape, dy.C), x, dy, dw, g, add);

    internal static void WeightGradientBy(HostAlgorithm algorithm, Tensor x, Tensor dy, Tensor dw, ConvGeometry g,
        bool add)
    {
        switch (algorithm)
        {
            case HostAlgorithm.Winograd2: Winograd.WeightGradient<Winograd2>(x, dy, dw, g.Pad, add); return;
            case HostAlgorithm.Winograd4: Winograd.WeightGradient<Winograd4>(x, dy, dw, g.Pad, add); return;
        }
        using var padded = PadFewChannels(x, g);
        Tiles.Dispatch(new WeightCall(Patches(x, padded, dy.Shape, g), dy, dw, add));
    }

    /// <summary><c>dw[o, (t, c)] = Σ_p dy[p, o] · patch[p, t][c]</c>: a product whose sum runs over positions p. Both
    /// factors lie across it and are packed, block by block.</summary>
    private readonly struct WeightCall(Gather x, Tensor dy, Tensor dw, bool add) : Tiles.ICall
    {
        public void With<TWide, TNarrow>() where TWide : ITile where TNarrow : ITile
        {
            int positions = dy.Rows, outputs = dy.C, terms = x.Taps * x.Length;
            int blockO = Part(outputs, (outputs + BlockO - 1) / BlockO, TWide.Rows);
            int blockT = Part(terms, (terms + BlockT - 1) / BlockT, TWide.Width);
            int blocksO = (outputs + blockO - 1) / blockO, blocksT = (terms + blockT - 1) / blockT;
            int parts = Math.Clamp(EnoughParts / (blocksO * blocksT), 1, Math.Max(1, positions / LeastPart));
            int part = Part(positions, parts, BlockP);
            parts = (positions + part - 1) / part;

            var device = dw.Device;
            int threads = Math.Min(device.Team.Count, blocksO * blocksT * parts), scratch = BlockP * (BlockO + blockT);
            using var packed = Tensor.Rent(device, Shape.Of(threads, 1, scratch), "packed blocks");
            using var partial = parts == 1
                ? null
                : Tensor.Rent(device, Shape.Of(parts, outputs, terms), "partial weight gradients");
            device.Team.Share(threads, blocksO * blocksT * parts,
                new WeightJob<TWide, TNarrow>(x: x, dy: dy.Host, positions: positions, part: part,
                    dw: (partial ?? dw).Host.Data, outputs: outputs, terms: terms, blockO: blockO, blockT: blockT,
                    add: parts == 1 && add, packed: packed.Host.Data, scratch: scratch));
            if (partial is not null)
                device.Team.For((int)dw.Count, new SumJob(partial.Host.Data, parts, (nint)dw.Count, dw.Host.Data, add),
                    1);
        }
    }

    /// <summary>The extent of equal parts, rounded up to a multiple of <paramref name="unit"/>.</summary>
    private static int Part(int extent, int parts, int unit) => ((extent + parts - 1) / parts + unit - 1) / unit * unit;

    private readonly struct WeightJob<TWide, TNarrow>(Gather x, HostRows dy, int positions, int part, float* dw,
        int outputs, int terms, int blockO, int blockT, bool add, float* packed, int scratch) : IItemJob
        where TWide : ITile where TNarrow : ITile
    {
        public void Run(int thread, int block)
        {
            int blocksO = (outputs + blockO - 1) / blockO, blocksT = (terms + blockT - 1) / blockT;
            int o = block % blocksO * blockO;
            int t = block / blocksO % blocksT * blockT;
            int p = block / (blocksO * blocksT) * part;
            Block(p, Math.Min(part, positions - p), o, Math.Min(blockO, outputs - o), t, Math.Min(blockT, terms - t),
                packed + (nint)thread * scratch);
        }

        [SkipLocalsInit]
        private void Block(int p0, int count, int o0, int rows, int t0, int columns, float* a)
        {
            int padded = (rows + TWide.Rows - 1) / TWide.Rows * TWide.Rows;
            const int pitch = BlockP * Product.Group;
            float* b = a + BlockO * BlockP;
            float** left = stackalloc float*[padded], y = stackalloc float*[rows];
            float** pointers = stackalloc float*[BlockP];
            float** coming = stackalloc float*[BlockRuns];
            var places = stackalloc Gather.SourceRow[BlockP];
            for (int i = 0; i < padded; i++) left[i] = a + i / Product.Group * pitch + i % Product.Group;
            for (int i = 0; i < rows; i++) y[i] = dw + ((nint)(p0 / part) * outputs + o0 + i) * terms + t0;
            for (int p = p0; p < p0 + count; p += BlockP)
            {
                int length = Math.Min(BlockP, p0 + count - p);
                for (int k = 0; k < length; k++)
                {
                    float* row = dy.Row(p + k) + o0, to = a + k * Product.Group;
                    for (int i = 0; i < rows; i += Product.Group, to += pitch)
                        Panels.CopyRow(row + i, Math.Min(Product.Group, rows - i), Math.Min(Product.Group, padded - i),
                            to);
                }
                x.Locate(p, length, length, places);
                PackPatches(t0, columns, length, places, pointers, b);
                int ahead = p + BlockP < p0 + count
                    ? NextBlock(p + BlockP, Math.Min(BlockP, p0 + count - p - BlockP), o0, rows, t0, columns, places,
                        pointers, coming)
                    : 0;
                Product.Sweep<TWide, TNarrow>(new Product.Sums(rows: left, stride: 0, segments: 1, length: length,
                    step: Product.Group, coming: coming, ahead: ahead), rows, b, BlockP, 0, 0, columns, columns, y,
                    null, new Epilogue { Add = add }, p == p0, last: false);
            }
        }

        /// <summary>Lists what the next block of positions reads of dy and of x's first tap, for the tiles to prefetch:
        /// runs of <see cref="BlockP"/> floats, over several positions where a row is shorter.</summary>
        private int NextBlock(int p, int length, int o0, int rows, int t0, int columns, Gather.SourceRow* places,
            float** pointers, float** coming)
        {
            int count = 0, c = t0 % x.Length, dense = x.Stride == 1 ? (int)Math.Max(1, BlockP / x.Pitch) : 1;
            for (int k = 0; k < length; k += Math.Max(1, BlockP / dy.Pitch))
                for (int i = 0; i < rows; i += BlockP) coming[count++] = dy.Row(p + k) + o0 + i;
            x.Locate(p, length, length, places);
            x.Fill(t0 / x.Length, c, length, places, pointers);
            for (int k = 0; k < length; k += dense)
                for (int i = 0; i < Math.Min(columns, x.Length - c); i += BlockP) coming[count++] = pointers[k] + i;
            return count;
        }

        /// <summary>Packs columns t0 … of the patches, (tap, channel) pairs, of one block of
        /// positions into panels.</summary>
        private void PackPatches(int t0, int columns, int length, Gather.SourceRow* places, float** pointers, float* to)
        {
            int run;
            for (int begin = 0; begin < columns; begin += run)
            {
                int tap = (t0 + begin) / x.Length, c = (t0 + begin) % x.Length;
                run = Math.Min(columns - begin, x.Length - c);
                x.Fill(tap, c, length, places, pointers);
                for (int k0 = 0; k0 < length; k0 += FewPositions)
                {
                    int count, k1 = Math.Min(length, k0 + FewPositions);
                    for (int j = begin; j < begin + run; j += count)
                    {
                        int panel = j / TWide.Width * TWide.Width, width = Panels.Width(columns, panel);
                        count = Math.Min(panel + width, begin + run) - j;
                        int filled = j + count == columns ? panel + width - j : count;
                        float* at = to + panel * BlockP + j - panel;
                        if (count == TWide.Width)
                            for (int k = k0; k < k1; k++)
                                Unsafe.CopyBlockUnaligned(at + k * TWide.Width, pointers[k] + j - begin,
                                    (uint)(TWide.Width * sizeof(float)));
                        else
                            for (int k = k0; k < k1; k++)
                                Panels.CopyRow(pointers[k] + j - begin, count, filled, at + k * width);
                    }
                }
            }
        }
    }

    /// <summary><c>to[i] (+)= Σ_part from[part, i]</c>, in order.</summary>
    private readonly struct SumJob(float* from, int parts, nint pitch, float* to, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                float sum = add ? to[i] : 0;
                for (int part = 0; part < parts; part++) sum += from[part * pitch + i];
                to[i] = sum;
            }
        }
    }

    private static void BiasGradientHost(Tensor dy, Tensor db, bool add)
    {
        int parts = (dy.Rows + BlockP - 1) / BlockP;
        using var partial = Tensor.Rent(dy.Device, Shape.Of(1, parts, dy.C), "partial bias gradients");
        dy.Device.Team.For(parts, new RowSumJob(dy.Host, dy.Rows, dy.C, partial.Host.Data), BlockP * dy.C / 2);
        dy.Device.Team.For(dy.C, new SumJob(partial.Host.Data, parts, dy.C, db.Host.Data, add), parts / 2);
    }

    /// <summary><c>partial[block, o] = Σ_{p in block} dy[p, o]</c>.</summary>
    private readonly struct RowSumJob(HostRows dy, int positions, int c, float* partial) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int block = begin; block < end; block++)
            {
                float* sums = partial + (nint)block * c;
                new Span<float>(sums, c).Clear();
                for (int p = block * BlockP; p < Math.Min(positions, (block + 1) * BlockP); p++)
                {
                    float* row = dy.Row(p);
                    int o = 0;
                    for (; o <= c - Vector<float>.Count; o += Vector<float>.Count)
                        (Vector.Load(sums + o) + Vector.Load(row + o)).Store(sums + o);
                    for (; o < c; o++) sums[o] += row[o];
                }
            }
        }
    }
}
