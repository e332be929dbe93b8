using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static MlffAd.Kernels.Runtime.VectorRows;

namespace MlffAd.Kernels;

internal static unsafe partial class Winograd
{
    /// <summary>The layout of transformed tiles: for each point a matrix of tiles × channels, in panels
    /// <c>[panel][tile][column]</c>.</summary>
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
    private readonly struct TileJob<TTransform>(HostRows x, Shape shape, Grid grid, int pad, int first,
        Points to) : IJob where TTransform : IToPoints
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
                        for (int j = 0; j < size; j++)
                            TTransform.Run(corner + (nint)j * x.Pitch + c, line, d + j * V, side);
                    else
                    {
                        for (int i = 0; i < size; i++)
                            for (int j = 0; j < size; j++)
                            {
                                bool exists = (uint)(top + i) < (uint)shape.H && (uint)(left + j) < (uint)shape.W;
                                (exists ? Vector.Load(corner + i * line + (nint)j * x.Pitch + c)
                                    : Vector<float>.Zero).Store(d + i * side + j * V);
                            }
                        for (int j = 0; j < size; j++) TTransform.Run(d + j * V, side, d + j * V, side);
                    }
                    float* target = to.At(tile, c, shape.C);
                    for (int i = 0; i < points; i++)
                        TTransform.Run(d + i * side, V, target + i * points * to.Pitch, to.Pitch);
                }
            }
        }
    }

    private readonly struct OutputJob<T, TFunction>(HostRows from, Grid grid, int first, float* bias,
        HostRows residual, HostRows y, Shape shape) : IJob
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
                int height = Math.Min(T.Outputs, shape.H - top);
                int width = Math.Min(T.Outputs, shape.W - left);
                int corner = (n * shape.H + top) * shape.W + left;
                for (int c = c0; c < c1; c += V)
                {
                    float* source = from.Data + (nint)tile * shape.C + c;
                    for (int j = 0; j < points; j++)
                        T.Output(source + j * from.Pitch, (nint)points * from.Pitch, s + j * V, side);
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

    /// <summary>Transforms filters into panels, V input channels at a time, then transposes: filters are stored across
    /// a panel's columns.</summary>
    private readonly struct FilterJob<T>(float* w, int inputs, Panels panels) : IJob where T : IMinimalFilter
    {
        [SkipLocalsInit]
        public void Run(int begin, int end)
        {
            int points = T.Outputs + 2;
            float* scratch = stackalloc float[3 * points * V];
            float* columns = stackalloc float[points * points * Tiles.Wide * V];
            for (int item = begin; item < end; item++)
            {
                var panel = panels.Panel(item);
                var (_, column, count, width) = panel;
                new Span<float>(columns, points * points * Tiles.Wide * V).Clear();
                for (int c = 0; c < inputs; c += V)
                {
                    for (int j = 0; j < count; j++)
                        Transform<T>(w + (nint)(column + j) * 9 * inputs + c, inputs, scratch, columns + j * V,
                            width * V);
                    for (int e = 0; e < points * points; e++)
                        Turn(columns + e * width * V, width, panel.To + e * panels.Size + (nint)c * width);
                }
            }
        }

        /// <summary>Transposes columns of V terms each to V rows of columns.</summary>
        private static void Turn(float* columns, int width, float* to)
        {
            for (int j = 0; j < width; j += 4, columns += 4 * V)
                for (int k = 0; k < V; k++)
                    Vector128.Create(columns[k], columns[V + k], columns[2 * V + k], columns[3 * V + k])
                        .Store(to + k * width + j);
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
                        if (j < count)
                            Transform<T>(w + ((nint)o * 9 + 8) * inputs + column + j, -inputs, scratch, to,
                                (nint)panels.Size);
                        else for (int e = 0; e < points * points; e++) Vector<float>.Zero.Store(to + e * panels.Size);
                    }
            }
        }
    }

    /// <summary>3×3 taps, <paramref name="tap"/> floats apart, to all points,
    /// <paramref name="pitch"/> floats apart.</summary>
    private static void Transform<T>(float* taps, nint tap, float* scratch, float* to, nint pitch)
        where T : IMinimalFilter
    {
        int points = T.Outputs + 2;
        for (int v = 0; v < 3; v++) T.Filter(taps + v * tap, 3 * tap, scratch + v * V, 3 * V);
        for (int i = 0; i < points; i++) T.Filter(scratch + i * 3 * V, V, to + i * points * pitch, pitch);
    }
}
