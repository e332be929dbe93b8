using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MlffAd.Kernels;

/// <summary>The right factor [K, N] of a product (or of a batch), packed into panels of a tile's columns,
/// <c>[panel][k][column]</c>: a tile reads it as one stream.</summary>
/// <remarks>The packer fills the last panel with zeros to its width; a product computes those columns, whatever
/// they hold, and drops them. Weights that do not change between calls may be packed once and kept.</remarks>
internal readonly unsafe struct Panels : IDisposable
{
    /// <summary>Padding between two factors, in floats, so that a batch does not fall into the same cache
    /// sets.</summary>
    private const int Gap = Cache.Line;

    private readonly Tensor _data;

    private Panels(Device device, int batches, int k, int n)
    {
        (K, N, Size) = (k, n, (long)k * Padded(n) + Gap);
        _data = Tensor.Rent(device, new Shape(batches, 1, 1, checked((int)Size)), "packed panels");
    }

    public int K { get; }

    public int N { get; }

    /// <summary>Floats from one factor to the next.</summary>
    public long Size { get; }

    /// <summary>Panels of one factor.</summary>
    public int Count => (N + Tiles.Wide - 1) / Tiles.Wide;

    public float* Data => _data.Host.Data;

    /// <summary>Columns of the panel that starts at a column.</summary>
    public static int Width(int n, int column) => n - column > Tiles.Narrow ? Tiles.Wide : Tiles.Narrow;

    /// <summary>Columns of all panels.</summary>
    public static int Padded(int n)
    {
        int last = (n - 1) / Tiles.Wide * Tiles.Wide;
        return last + Width(n, last);
    }

    /// <summary>Unpacked room for <paramref name="batches"/> factors.</summary>
    public static Panels Empty(Device device, int batches, int k, int n) => new(device, batches, k, n);

    /// <summary>Packs <paramref name="batches"/> matrices stored as rows of N, [K, N].</summary>
    public static Panels OfRows(Device device, HostRows source, int batches, int k, int n)
    {
        var panels = new Panels(device, batches, k, n);
        panels.Pack(new RowsJob(source, panels), batches);
        return panels;
    }

    /// <summary>Packs <paramref name="batches"/> matrices stored by columns, [N, K]: the weights of a convolution.
    /// With an order, column j is the stored <c>order[j]</c>.</summary>
    public static Panels OfColumns(
        Device device, HostRows source, int batches, int k, int n, int[]? order = null)
    {
        var panels = new Panels(device, batches, k, n);
        panels.Pack(new ColumnsJob(source, panels, order), batches);
        return panels;
    }

    /// <summary>Packs the weights [Cout, taps, Cin] for the product over (tap, cout): row (t, co) is
    /// <c>w[co, tap(t), ·]</c>, with the taps firstY, firstY − stride … down, and so along x.</summary>
    public static Panels OfTaps(Device device, Tensor w, int tapsY, int tapsX, int firstY, int firstX, int stride)
    {
        var panels = new Panels(device, 1, tapsY * tapsX * w.Shape.N, w.C);
        panels.Pack(new TapsJob(w: w.Host.Data, shape: w.Shape, panels: panels, tapsX: tapsX, firstY: firstY,
            firstX: firstX, stride: stride), 1);
        return panels;
    }

    public void Dispose() => _data.Dispose();

    /// <summary>Copies rows into a panel: <c>panel[i, 0…count−1] = row(i)</c>, zeros up to the width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyRow(float* from, int count, int width, float* to)
    {
        int j = 0;
        for (; j <= count - Vector<float>.Count; j += Vector<float>.Count) Vector.Load(from + j).Store(to + j);
        if (j < count && count >= Vector128<float>.Count)
        {
            // The rest in one or two vectors that overlap what is copied already.
            if (count >= Vector<float>.Count)
                Vector.Load(from + count - Vector<float>.Count).Store(to + count - Vector<float>.Count);
            else
            {
                Vector128.Load(from).Store(to);
                Vector128.Load(from + count - Vector128<float>.Count).Store(to + count - Vector128<float>.Count);
            }
            j = count;
        }
        for (; j < count; j++) to[j] = from[j];
        for (; j < width; j++) to[j] = 0;
    }

    private void Pack<TJob>(TJob job, int batches) where TJob : struct, IJob =>
        _data.Device.Team.For(batches * Count, job, K * Tiles.Wide / 2);

    /// <summary>The panel of a job's item: its batch, first column, columns in use, width and place.</summary>
    public PanelSlot Panel(int item)
    {
        int batch = item / Count, column = item % Count * Tiles.Wide;
        return new PanelSlot(batch, column, Math.Min(Tiles.Wide, N - column), Width(N, column),
            Data + batch * Size + (long)column * K);
    }

    public readonly struct PanelSlot(int batch, int column, int count, int width, float* to)
    {
        public readonly float* To = to;

        public void Deconstruct(out int batch_, out int column_, out int count_, out int width_) =>
            (batch_, column_, count_, width_) = (batch, column, count, width);
    }

    private readonly struct RowsJob(HostRows source, Panels panels) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int item = begin; item < end; item++)
            {
                var panel = panels.Panel(item);
                var (batch, column, count, width) = panel;
                float* to = panel.To;
                for (int k = 0; k < panels.K; k++)
                    CopyRow(source.Row(batch * panels.K + k) + column, count, width, to + (nint)k * width);
            }
        }
    }

    private readonly struct TapsJob(float* w, Shape shape, Panels panels, int tapsX, int firstY, int firstX,
        int stride) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int item = begin; item < end; item++)
            {
                var panel = panels.Panel(item);
                var (_, column, count, width) = panel;
                float* to = panel.To;
                for (int k = 0; k < panels.K; k++, to += width)
                {
                    int co = k % shape.N, t = k / shape.N, ty = firstY - t / tapsX * stride;
                    int tx = firstX - t % tapsX * stride;
                    CopyRow(w + (((nint)co * shape.H + ty) * shape.W + tx) * shape.C + column, count, width, to);
                }
            }
        }
    }

    private readonly struct ColumnsJob(HostRows source, Panels panels, int[]? order) : IJob
    {
        /// <summary>Terms copied of one column before the next, so that each cache line is touched once.</summary>
        private const int AtOnce = Cache.Line;

        public void Run(int begin, int end)
        {
            for (int item = begin; item < end; item++)
            {
                var panel = panels.Panel(item);
                var (batch, column, count, width) = panel;
                float* to = panel.To;
                for (int k = 0; k < panels.K; k += AtOnce)
                {
                    int terms = Math.Min(AtOnce, panels.K - k), j = 0;
                    // Four columns at a time, one store for four floats: it takes 0.3 ns a float where one at a time
                    // took 0.7, a tenth of a convolution on 16×16 cells.
                    for (; j <= count - 4; j += 4)
                    {
                        float* a = Column(batch, column + j) + k, b = Column(batch, column + j + 1) + k;
                        float* c = Column(batch, column + j + 2) + k, d = Column(batch, column + j + 3) + k;
                        float* target = to + (nint)k * width + j;
                        for (int i = 0; i < terms; i++)
                            Vector128.Create(a[i], b[i], c[i], d[i]).Store(target + i * width);
                    }
                    for (; j < width; j++)
                    {
                        float* target = to + (nint)k * width + j;
                        if (j < count)
                        {
                            float* from = Column(batch, column + j) + k;
                            for (int i = 0; i < terms; i++) target[i * width] = from[i];
                        }
                        else for (int i = 0; i < terms; i++) target[i * width] = 0;
                    }
                }
            }
        }

        private float* Column(int batch, int j) => source.Row(batch * panels.N + (order is null ? j : order[j]));
    }
}
