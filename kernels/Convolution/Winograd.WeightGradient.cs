using System.Numerics;
using System.Runtime.CompilerServices;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

/// <summary>The gradient to the weights by minimal filtering: at each point a product of the transformed tiles of dy
/// and x, whose sum runs over the tiles, and back to 3×3 taps at the end.</summary>
internal static unsafe partial class Winograd
{
    /// <summary>Fewest tiles of a lot: each lot reads and writes the sums once.</summary>
    private const int LeastTiles = 128;

    /// <summary><c>dw (+)= Gᵀ[Σ_tiles (A·dy·Aᵀ) ⊙ (Bᵀ·x·B)]·G</c>.</summary>
    /// <param name="x">The forward's input.</param>
    /// <param name="dy">Gradient to the output.</param>
    /// <param name="dw">[Cout, 3, 3, Cin].</param>
    /// <param name="pad">Zeros around the input.</param>
    /// <param name="add">Whether dw keeps its old value as a summand.</param>
    public static void WeightGradient<T>(Tensor x, Tensor dy, Tensor dw, int pad, bool add) where T : IMinimalFilter
    {
        var device = dw.Device;
        int points = (T.Outputs + 2) * (T.Outputs + 2), groups = (dy.C + Product.Group - 1) / Product.Group;
        var grid = new Grid(dy.Shape, T.Outputs);
        long perTile = (long)points * (x.C + dy.C) * sizeof(float);
        int lots = (int)Math.Clamp(grid.Tiles * perTile / Math.Max(Lot, points * (long)x.C * dy.C * sizeof(float)), 1,
            Math.Max(1, grid.Tiles / LeastTiles));
        int lot = (grid.Tiles + lots - 1) / lots;
        using var sums = Tensor.Rent(device, Shape.Of(points, 1, x.C * dy.C + Gap), "transformed weight gradients");
        for (int first = 0; first < grid.Tiles; first += lot)
        {
            int count = Math.Min(lot, grid.Tiles - first);
            using var v = Panels.Empty(device, points, count, x.C);
            using var d = Tensor.Rent(device, Shape.Of(points, 1, groups * Product.Group * count + Gap),
                "transformed output gradients");
            int narrow = Panels.Width(x.C, (x.C - 1) / Tiles.Wide * Tiles.Wide);
            device.Team.For(count * Blocks(x.C), new TileJob<OfInput<T>>(x: x.Host, shape: x.Shape, grid: grid,
                pad: pad, first: first, to: new Points(v.Data, (nint)v.Size, count, Tiles.Wide, narrow)), Work(x.C));
            device.Team.For(count * Blocks(dy.C), new TileJob<OfOutputGradient<T>>(dy.Host, dy.Shape, grid, pad: 0,
                first, new Points(d.Host.Data, d.Pitch, count, Product.Group, Product.Group)), Work(dy.C));
            new Product
            {
                A = new Gather
                {
                    Data = d.Host.Data,
                    ItemPitch = d.Pitch,
                    Pitch = 1,
                    H = groups,
                    W = Product.Group * count,
                    OutH = groups,
                    OutW = Product.Group,
                    TapsY = 1,
                    TapsX = 1,
                    Stride = 1,
                    Length = count,
                    Step = Product.Group,
                },
                B = v,
                M = dy.C,
                Apart = groups * Product.Group,
                Batches = points,
                Y = new Scatter(new HostRows(sums.Host.Data, x.C), groups, Product.Group, itemPitch: sums.Pitch),
                Epilogue = new Epilogue { Add = first > 0 },
            }.Run(device);
        }
        device.Team.For(dy.C * Blocks(x.C), new FilterGradientJob<T>(sums.Host, x.C, dw.Host.Data, add), Work(x.C));
    }

    private readonly struct OfOutputGradient<T> : IToPoints where T : IMinimalFilter
    {
        public static int Side => T.Outputs;
        public static int Points => T.Outputs + 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run(float* from, nint step, float* to, nint toStep) =>
        T.OutputGradient(from, step, to, toStep);
    }

    /// <summary>Items are blocks of a filter's channels.</summary>
    private readonly struct FilterGradientJob<T>(HostRows sums, int inputs, float* dw, bool add) : IJob
        where T : IMinimalFilter
    {
        [SkipLocalsInit]
        public void Run(int begin, int end)
        {
            int points = T.Outputs + 2, blocks = Blocks(inputs);
            nint side = points * V;
            float* s = stackalloc float[3 * points * V];
            for (int item = begin; item < end; item++)
            {
                int o = item / blocks, c0 = item % blocks * Channels, c1 = Math.Min(inputs, c0 + Channels);
                for (int c = c0; c < c1; c += V)
                {
                    float* source = sums.Data + (nint)o * inputs + c, taps = dw + (nint)o * 9 * inputs + c;
                    for (int j = 0; j < points; j++)
                        T.FilterGradient(source + j * sums.Pitch, (nint)points * sums.Pitch, s + j * V, side);
                    for (int i = 0; i < 3; i++)
                    {
                        float* line = s + i * side;
                        T.FilterGradient(line, V, line, V);
                        for (int j = 0; j < 3; j++)
                        {
                            float* tap = taps + (i * 3 + j) * inputs;
                            var sum = Vector.Load(line + j * V);
                            (add ? Vector.Load(tap) + sum : sum).Store(tap);
                        }
                    }
                }
            }
        }
    }
}
