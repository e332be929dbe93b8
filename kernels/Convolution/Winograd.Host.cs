using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MlffAd.Kernels.Runtime;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

/// <summary>3×3 convolutions at stride 1 by minimal filtering (<see cref="IMinimalFilter"/>): tiles of the input are transformed to (m + 2)² points,
/// at each point the channels are multiplied as matrices, and the sums are transformed back to m×m outputs.</summary>
internal static unsafe partial class Winograd
{
    /// <summary>Bytes of transformed tiles that are in work at a time, so that they are still in the last-level cache when they are read again; more where the filter is larger,
    /// which is read once for each such lot.</summary>
    private const long Lot = 4 << 20;

    /// <summary>Channels of an item of the transformations.</summary>
    private const int Channels = 64;

    /// <summary>Floats between the points' tiles besides the tiles, so that the points do not all fall into the same set of the cache.</summary>
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

    /// <summary>The same for the gradient to the input, which is a convolution by the filters turned by half a turn: at each point a factor [Cout, Cin].</summary>
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
    public static void Run<T>(Tensor x, Panels filters, Tensor? bias, Tensor y, int pad, Tensor? residual, Activation f) where T : IMinimalFilter
    {
        var device = y.Device;
        int points = (T.Outputs + 2) * (T.Outputs + 2), threads = device.Team.Here;
        var grid = new Grid(y.Shape, T.Outputs);
        long perTile = (long)points * (x.C + y.C) * sizeof(float), ofFilters = points * filters.Size * sizeof(float);
        // A thread with tiles of its own finds them in its own caches, but reads all filters: worth it where those are less.
        int parts = grid.Tiles * perTile >= threads * ofFilters ? Math.Min(threads, grid.Tiles) : 1, tiles = (grid.Tiles + parts - 1) / parts;
        long most = Math.Max(Lot, ofFilters / 2);
        int lots = (int)((tiles * perTile + most - 1) / most), lot = (tiles + lots - 1) / lots;
        using Tensor v = Tensor.Rent(device, Shape.Of(parts * points, 1, checked(lot * x.C + Gap)), "transformed input"), s = Tensor.Rent(device, Shape.Of(parts * points, 1, checked(lot * y.C + Gap)), "transformed output");
        device.Team.For(parts, new LotJob<T>(x, filters, bias is null ? null : bias.Host.Data, y, pad, residual is null ? default : residual.Host, f, grid, tiles, lot, v, s));
    }

    /// <summary>Parts of the tiles, each lot by lot; if there is one, all threads share each lot.</summary>
    private readonly struct LotJob<T>(Tensor x, Panels filters, float* bias, Tensor y, int pad, HostRows residual, Activation f, Grid grid, int tiles, int lot, Tensor v, Tensor s) : IJob
        where T : IMinimalFilter
    {
        public void Run(int begin, int end)
        {
            int points = (T.Outputs + 2) * (T.Outputs + 2);
            for (int part = begin; part < end; part++)
            {
                HostRows from = new(v.Host.Row(part * points), v.Pitch), to = new(s.Host.Row(part * points), s.Pitch);
                int last = Math.Min(grid.Tiles, (part + 1) * tiles);
                for (int first = part * tiles; first < last; first += lot) Do(first, Math.Min(lot, last - first), points, from, to);
            }
        }

        private void Do(int first, int count, int points, HostRows from, HostRows to)
        {
            var device = y.Device;
            device.Team.For(count * Blocks(x.C), new TileJob<OfInput<T>>(x.Host, x.Shape, grid, pad, first, new Points(from.Data, from.Pitch, count, x.C, x.C)), Work(x.C));
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
                case Activation.None: device.Team.For(items, new OutputJob<T, Identity>(to, grid, first, bias, residual, y.Host, y.Shape), Work(y.C)); break;
                case Activation.ReLU: device.Team.For(items, new OutputJob<T, ReLU>(to, grid, first, bias, residual, y.Host, y.Shape), Work(y.C)); break;
                case Activation.LeakyReLU: device.Team.For(items, new OutputJob<T, LeakyReLU>(to, grid, first, bias, residual, y.Host, y.Shape), Work(y.C)); break;
                default: device.Team.For(items, new OutputJob<T, Sigmoid>(to, grid, first, bias, residual, y.Host, y.Shape), Work(y.C)); break;
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
        public (int N, int Top, int Left) Corner(int tile) => (tile / (_across * _down), tile / _across % _down * side, tile % _across * side);
    }

    /// <summary>Where transformed tiles go: for each point a matrix of tiles × channels, cut into panels of some columns that lie one after the other, <c>[panel][tile][column]</c>.</summary>
    /// <param name="data">The first point's.</param>
    /// <param name="pitch">Floats from one point to the next.</param>
    /// <param name="tiles">Tiles.</param>
    /// <param name="panel">Columns of a panel; a matrix by rows is one panel.</param>
    /// <param name="last">Columns of the panel at the last <paramref name="panel"/> channels or fewer.</param>
    private readonly struct Points(float* data, nint pitch, int tiles, int panel, int last)
    {
        public readonly nint Pitch = pitch;

        public float* At(int tile, int c, int channels)
        {
            int start = c / panel * panel;
            return data + (nint)start * tiles + (nint)tile * (start + panel <= channels ? panel : last) + c - start;
        }
    }

    /// <summary>A transformation of a tile's rows and columns to the points.</summary>
    private interface IToPoints
    {
        /// <summary>Positions along the tile's side, and points.</summary>
        static abstract int Side { get; }
        static abstract int Points { get; }

        static abstract void Run(float* from, nint step, float* to, nint toStep);
    }

    private readonly struct OfInput<T> : IToPoints where T : IMinimalFilter
    {
        public static int Side => T.Outputs + 2;
        public static int Points => T.Outputs + 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run(float* from, nint step, float* to, nint toStep) => T.Input(from, step, to, toStep);
    }

    /// <summary>Tiles of a map to the points; zeros where a tile reaches over the map's edge.</summary>
    private readonly struct TileJob<TTransform>(HostRows x, Shape shape, Grid grid, int pad, int first, Points to) : IJob where TTransform : IToPoints
    {
        [SkipLocalsInit]
        public void Run(int begin, int end)
        {
            int points = TTransform.Points, size = TTransform.Side, blocks = Blocks(shape.C);
            nint side = points * V, line = (nint)shape.W * x.Pitch;
            float* d = stackalloc float[points * points * V];
            for (int item = begin; item < end; item++)
            {
                int tile = item / blocks, c0 = item % blocks * Channels, c1 = Math.Min(shape.C, c0 + Channels);
                var (n, top, left) = grid.Corner(first + tile);
                (top, left) = (top - pad, left - pad);
                bool inside = top >= 0 && left >= 0 && top + size <= shape.H && left + size <= shape.W;
                float* corner = x.Data + ((nint)(n * shape.H + top) * shape.W + left) * x.Pitch;
                for (int c = c0; c < c1; c += V)
                {
                    if (inside)
                        for (int j = 0; j < size; j++) TTransform.Run(corner + (nint)j * x.Pitch + c, line, d + j * V, side);
                    else
                    {
                        for (int i = 0; i < size; i++)
                            for (int j = 0; j < size; j++)
                            {
                                bool exists = (uint)(top + i) < (uint)shape.H && (uint)(left + j) < (uint)shape.W;
                                (exists ? Vector.Load(corner + i * line + (nint)j * x.Pitch + c) : Vector<float>.Zero).Store(d + i * side + j * V);
                            }
                        for (int j = 0; j < size; j++) TTransform.Run(d + j * V, side, d + j * V, side);
                    }
                    float* target = to.At(tile, c, shape.C);
                    for (int i = 0; i < points; i++) TTransform.Run(d + i * side, V, target + i * points * to.Pitch, to.Pitch);
                }
            }
        }
    }

    private readonly struct OutputJob<T, TFunction>(HostRows from, Grid grid, int first, float* bias, HostRows residual, HostRows y, Shape shape) : IJob
        where T : IMinimalFilter where TFunction : unmanaged, IFunction
    {
        [SkipLocalsInit]
        public void Run(int begin, int end)
        {
            int points = T.Outputs + 2, blocks = Blocks(shape.C);
            nint side = points * V;
            float* s = stackalloc float[points * points * V];
            for (int item = begin; item < end; item++)
            {
                int tile = item / blocks, c0 = item % blocks * Channels, c1 = Math.Min(shape.C, c0 + Channels);
                var (n, top, left) = grid.Corner(first + tile);
                int height = Math.Min(T.Outputs, shape.H - top), width = Math.Min(T.Outputs, shape.W - left), corner = (n * shape.H + top) * shape.W + left;
                for (int c = c0; c < c1; c += V)
                {
                    float* source = from.Data + (nint)tile * shape.C + c;
                    for (int j = 0; j < points; j++) T.Output(source + j * from.Pitch, (nint)points * from.Pitch, s + j * V, side);
                    for (int i = 0; i < height; i++)
                    {
                        float* line = s + i * side;
                        T.Output(line, V, line, V);
                        for (int j = 0; j < width; j++)
                        {
                            int row = corner + i * shape.W + j;
                            var sum = Vector.Load(line + j * V);
                            if (bias != null) sum += Vector.Load(bias + c);
                            if (residual.Data != null) sum += Vector.Load(residual.Row(row) + c);
                            default(TFunction).Apply(sum).Store(y.Row(row) + c);
                        }
                    }
                }
            }
        }
    }

    /// <summary>Filters' channels lie the other way than a panel wants them: a panel's columns are transformed, V input channels at a time, and then turned.</summary>
    private readonly struct FilterJob<T>(float* w, int inputs, Panels panels) : IJob where T : IMinimalFilter
    {
        [SkipLocalsInit]
        public void Run(int begin, int end)
        {
            int points = T.Outputs + 2;
            float* scratch = stackalloc float[3 * points * V], columns = stackalloc float[points * points * Tiles.Wide * V];
            for (int item = begin; item < end; item++)
            {
                var panel = panels.Panel(item);
                var (_, column, count, width) = panel;
                new Span<float>(columns, points * points * Tiles.Wide * V).Clear();
                for (int c = 0; c < inputs; c += V)
                {
                    for (int j = 0; j < count; j++) Transform<T>(w + (nint)(column + j) * 9 * inputs + c, inputs, scratch, columns + j * V, width * V);
                    for (int e = 0; e < points * points; e++) Turn(columns + e * width * V, width, panel.To + e * panels.Size + (nint)c * width);
                }
            }
        }

        /// <summary>Columns of V terms each to V rows of columns.</summary>
        private static void Turn(float* columns, int width, float* to)
        {
            for (int j = 0; j < width; j += 4, columns += 4 * V)
                for (int k = 0; k < V; k++) Vector128.Create(columns[k], columns[V + k], columns[2 * V + k], columns[3 * V + k]).Store(to + k * width + j);
        }
    }

    private readonly struct TurnedFilterJob<T>(float* w, int inputs, Panels panels) : IJob where T : IMinimalFilter
    {
        [SkipLocalsInit]
        public void Run(int begin, int end)
        {
            int points = T.Outputs + 2;
            float* scratch = stackalloc float[3 * points * V];
            for (int item = begin; item < end; item++)
            {
                var panel = panels.Panel(item);
                var (_, column, count, width) = panel;
                for (int o = 0; o < panels.K; o++)
                    for (int j = 0; j < width; j += V)
                    {
                        float* to = panel.To + (nint)o * width + j;
                        if (j < count) Transform<T>(w + ((nint)o * 9 + 8) * inputs + column + j, -inputs, scratch, to, (nint)panels.Size);
                        else for (int e = 0; e < points * points; e++) Vector<float>.Zero.Store(to + e * panels.Size);
                    }
            }
        }
    }

    /// <summary>3×3 taps, <paramref name="tap"/> floats apart, to all points, <paramref name="pitch"/> floats apart.</summary>
    private static void Transform<T>(float* taps, nint tap, float* scratch, float* to, nint pitch) where T : IMinimalFilter
    {
        int points = T.Outputs + 2;
        for (int v = 0; v < 3; v++) T.Filter(taps + v * tap, 3 * tap, scratch + v * V, 3 * V);
        for (int i = 0; i < points; i++) T.Filter(scratch + i * 3 * V, V, to + i * points * pitch, pitch);
    }
}
