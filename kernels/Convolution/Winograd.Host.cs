using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

/// <summary>3×3 convolutions at stride 1 by minimal filtering (<see cref="IMinimalFilter"/>): tiles of the input are
/// transformed to (m + 2)² points, at each point the channels are multiplied as matrices, and the sums are transformed
/// back to m×m outputs.</summary>
internal static unsafe partial class Winograd
{
    /// <summary>Bytes of transformed tiles in flight, so that they are read again from the last-level cache; at least
    /// the filter's, which is read once a lot.</summary>
    private const long Lot = 4 << 20;

    /// <summary>Channels of an item of the transformations.</summary>
    private const int Channels = 64;

    /// <summary>Padding between the points' tiles, in floats, so that the points do not share cache sets.</summary>
    private const int Gap = Cache.Line;

    /// <summary>Whether channels fill the transformations' vectors.</summary>
    public static bool Takes(ConvGeometry g, int inputs, int outputs) =>
        Vector.IsHardwareAccelerated && g is { Kernel: 3, Stride: 1 } && inputs % V == 0 && outputs % V == 0;

    /// <summary>Transforms and packs filters [Cout, 3, 3, Cin]: at each point a factor [Cin, Cout].</summary>
    public static Panels Filters<T>(Device device, float* w, Shape shape) where T : IMinimalFilter
    {
        int points = T.Outputs + 2;
        var panels = Panels.Empty(device, points * points, shape.C, shape.N);
        device.Team.For(panels.Count, new FilterJob<T>(w, shape.C, panels));
        return panels;
    }

    /// <summary>The same for the gradient to the input, a convolution by the filters rotated by 180°: at each point a
    /// factor [Cout, Cin].</summary>
    private static Panels TurnedFilters<T>(Device device, Tensor w) where T : IMinimalFilter
    {
        int points = T.Outputs + 2;
        var panels = Panels.Empty(device, points * points, w.Shape.N, w.C);
        device.Team.For(panels.Count, new TurnedFilterJob<T>(w.Host.Data, w.C, panels));
        return panels;
    }

    /// <summary><c>y = f(x ∗ filters + bias + residual)</c>.</summary>
    /// <param name="x">Input.</param>
    /// <param name="filters">Transformed and packed.</param>
    /// <param name="bias">One number a channel, or null.</param>
    /// <param name="y">Output.</param>
    /// <param name="pad">Zeros around the input; −1 leaves its border out.</param>
    /// <param name="residual">A summand; it may be y.</param>
    /// <param name="f">Applied last.</param>
    public static void Run<T>(Tensor x, Panels filters, Tensor? bias, Tensor y, int pad, Tensor? residual,
        Activation f) where T : IMinimalFilter
    {
        var device = y.Device;
        int points = (T.Outputs + 2) * (T.Outputs + 2), threads = device.Team.Here;
        var grid = new Grid(y.Shape, T.Outputs);
        long perTile = (long)points * (x.C + y.C) * sizeof(float), ofFilters = points * filters.Size * sizeof(float);
        // A thread with tiles of its own finds them in its own caches, but reads all filters: worth
        // it where those are less.
        int parts = grid.Tiles * perTile >= threads * ofFilters ? Math.Min(threads, grid.Tiles) : 1;
        int tiles = (grid.Tiles + parts - 1) / parts;
        long most = Math.Max(Lot, ofFilters / 2);
        int lots = (int)((tiles * perTile + most - 1) / most), lot = (tiles + lots - 1) / lots;
        using Tensor v =
            Tensor.Rent(device, Shape.Of(parts * points, 1, checked(lot * x.C + Gap)), "transformed input");
        using Tensor s =
            Tensor.Rent(device, Shape.Of(parts * points, 1, checked(lot * y.C + Gap)), "transformed output");
        device.Team.For(parts, new LotJob<T>(x: x, filters: filters, bias: bias is null
            ? null
            : bias.Host.Data, y: y, pad: pad, residual: residual is null
            ? default
            : residual.Host, f: f, grid: grid, tiles: tiles, lot: lot, v: v, s: s));
    }

    /// <summary>Items are parts of the tiles, each processed lot by lot; with one part, all threads share each
    /// lot.</summary>
    private readonly struct LotJob<T>(Tensor x, Panels filters, float* bias, Tensor y, int pad, HostRows residual,
        Activation f, Grid grid, int tiles, int lot, Tensor v, Tensor s) : IJob
        where T : IMinimalFilter
    {
        public void Run(int begin, int end)
        {
            int points = (T.Outputs + 2) * (T.Outputs + 2);
            for (int part = begin; part < end; part++)
            {
                HostRows from = new(v.Host.Row(part * points), v.Pitch), to = new(s.Host.Row(part * points), s.Pitch);
                int last = Math.Min(grid.Tiles, (part + 1) * tiles);
                for (int first = part * tiles; first < last; first += lot)
                    Do(first, Math.Min(lot, last - first), points, from, to);
            }
        }

        private void Do(int first, int count, int points, HostRows from, HostRows to)
        {
            var device = y.Device;
            device.Team.For(count * Blocks(x.C), new TileJob<OfInput<T>>(x: x.Host, shape: x.Shape, grid: grid,
                pad: pad, first: first, to: new Points(from.Data, from.Pitch, count, x.C, x.C)), Work(x.C));
            new Product
            {
                A = Gather.Matrix(new HostRows(from.Data, x.C), count, x.C) with { ItemPitch = from.Pitch },
                B = filters,
                M = count,
                Batches = points,
                Y = new Scatter(new HostRows(to.Data, y.C), count, 1, itemPitch: to.Pitch),
            }.Run(device);
            int items = count * Blocks(y.C);
            switch (f)
            {
                case Activation.None:
                    device.Team.For(items, new OutputJob<T, Identity>(from: to, grid: grid, first: first, bias: bias,
                        residual: residual, y: y.Host, shape: y.Shape), Work(y.C)); break;
                case Activation.ReLU:
                    device.Team.For(items, new OutputJob<T, ReLU>(from: to, grid: grid, first: first, bias: bias,
                        residual: residual, y: y.Host, shape: y.Shape), Work(y.C)); break;
                case Activation.LeakyReLU:
                    device.Team.For(items, new OutputJob<T, LeakyReLU>(from: to, grid: grid, first: first, bias: bias,
                        residual: residual, y: y.Host, shape: y.Shape), Work(y.C)); break;
                default:
                    device.Team.For(items, new OutputJob<T, Sigmoid>(from: to, grid: grid, first: first, bias: bias,
                        residual: residual, y: y.Host, shape: y.Shape), Work(y.C)); break;
            }
        }
    }

    /// <summary><c>dx (+)= dy ∗ turned filters</c>.</summary>
    /// <param name="dy">Gradient to the output.</param>
    /// <param name="w">[Cout, 3, 3, Cin].</param>
    /// <param name="dx">Gradient to the input.</param>
    /// <param name="pad">Zeros around the forward's input.</param>
    /// <param name="add">Whether dx keeps its old value as a summand.</param>
    public static void InputGradient<T>(Tensor dy, Tensor w, Tensor dx, int pad, bool add) where T : IMinimalFilter
    {
        using var turned = TurnedFilters<T>(dx.Device, w);
        Run<T>(dy, turned, null, dx, 2 - pad, add ? dx : null, Activation.None);
    }

    private static int Blocks(int c) => (c + Channels - 1) / Channels;

    /// <summary>An item's cost, for <see cref="ThreadTeam.For{T}(int, T, long)"/>.</summary>
    private static int Work(int c) => 16 * Math.Min(c, Channels);

    /// <summary>Tiles over the output maps, row by row; the last of a row or column may reach over the edge.</summary>
    private readonly struct Grid(Shape y, int side)
    {
        private readonly int _across = (y.W + side - 1) / side, _down = (y.H + side - 1) / side;

        public int Tiles => y.N * _across * _down;

        /// <summary>A tile's image and its first output's coordinates.</summary>
        public (int N, int Top, int Left) Corner(int tile) =>
            (tile / (_across * _down), tile / _across % _down * side, tile % _across * side);
    }
}
