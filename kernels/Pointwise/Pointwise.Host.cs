using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

public static unsafe partial class Pointwise
{
    /// <summary>A contiguous tensor is split among threads at multiples of this, which is a multiple of every vector
    /// width: which elements go through the scalar functions, whose exponential rounds differently, depends on the
    /// shape alone.</summary>
    private const int Block = 1024;

    private static void ApplyHost<TFunction>(Tensor x, Tensor y) where TFunction : unmanaged, IFunction =>
        Map(new UnaryMap<TFunction>(), x, x, x, y);

    private static void GradientHost<TFunction>(Tensor y, Tensor dy, Tensor dx, bool add)
        where TFunction : unmanaged, IFunction
    {
        if (add) Map(new GradientMap<TFunction, Plus>(), y, dy, dx, dx);
        else Map(new GradientMap<TFunction, Overwrite>(), y, dy, dy, dx);
    }

    private static void AddHost(Tensor a, Tensor b, Tensor y) => Map(new SumMap(), a, b, b, y);

    private static void MultiplyHost(Tensor a, Tensor b, Tensor y, bool add)
    {
        if (add) Map(new ProductMap<Plus>(), a, b, y, y);
        else Map(new ProductMap<Overwrite>(), a, b, b, y);
    }

    private static void CopyHost(Tensor x, Tensor y, bool add)
    {
        if (add) Map(new SumMap(), x, y, y, y);
        else Map(new UnaryMap<Identity>(), x, x, x, y);
    }

    private static void FillHost(Tensor y, float value) => Map(new FillMap(value), y, y, y, y);

    /// <summary>Runs <c>y = map(a, b, c)</c> over all elements; unused operands repeat another.</summary>
    private static void Map<TMap>(TMap map, Tensor a, Tensor b, Tensor c, Tensor y) where TMap : unmanaged, IMap
    {
        // Contiguous: one long row, whose blocks are the items; else the items are rows.
        bool flat = a.IsContiguous && b.IsContiguous && c.IsContiguous && y.IsContiguous;
        int width = flat ? Block : y.C;
        y.Device.Team.For(flat
            ? (int)((y.Count + Block - 1) / Block)
            : y.Rows, new MapJob<TMap>(map: map, a: a.Host, b: b.Host, c: c.Host, y: y.Host, width: width, flat: flat
                ? y.Count
                : 0), width);
    }

    /// <summary>Items are blocks of the <paramref name="flat"/> elements, or, if that is 0, rows.</summary>
    private readonly struct MapJob<TMap>(TMap map, HostRows a, HostRows b, HostRows c, HostRows y, int width,
        long flat) : IJob where TMap : unmanaged, IMap
    {
        public void Run(int begin, int end)
        {
            nint first = (nint)begin * Block;
            if (flat > 0)
                Row(a.Data + first, b.Data + first, c.Data + first, y.Data + first,
                    (int)(Math.Min(flat, (long)end * Block) - first));
            else for (int r = begin; r < end; r++) Row(a.Row(r), b.Row(r), c.Row(r), y.Row(r), width);
        }

        private void Row(float* a, float* b, float* c, float* y, int n)
        {
            int i = 0;
            for (; i <= n - Vector<float>.Count; i += Vector<float>.Count)
                map.Of(Vector.Load(a + i), Vector.Load(b + i), Vector.Load(c + i)).Store(y + i);
            for (; i < n; i++) y[i] = map.Of(a[i], b[i], c[i]);
        }
    }

    private interface IMap
    {
        float Of(float a, float b, float c);
        Vector<float> Of(Vector<float> a, Vector<float> b, Vector<float> c);
    }

    /// <summary>Whether the output is overwritten or added to.</summary>
    private interface IOld
    {
        float Combine(float old, float value);
        Vector<float> Combine(Vector<float> old, Vector<float> value);
    }

    private readonly struct Overwrite : IOld
    {
        public float Combine(float old, float value) => value;
        public Vector<float> Combine(Vector<float> old, Vector<float> value) => value;
    }

    private readonly struct Plus : IOld
    {
        public float Combine(float old, float value) => old + value;
        public Vector<float> Combine(Vector<float> old, Vector<float> value) => old + value;
    }

    private readonly struct UnaryMap<TFunction> : IMap where TFunction : unmanaged, IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public float Of(float a, float b, float c) => default(TFunction).Apply(a);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<float> Of(Vector<float> a, Vector<float> b, Vector<float> c) => default(TFunction).Apply(a);
    }

    private readonly struct GradientMap<TFunction, TOld> : IMap
        where TFunction : unmanaged, IFunction where TOld : unmanaged, IOld
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public float Of(float y, float dy, float old) => default(TOld).Combine(old, default(TFunction).Gradient(y, dy));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<float> Of(Vector<float> y, Vector<float> dy, Vector<float> old) =>
        default(TOld).Combine(old, default(TFunction).Gradient(y, dy));
    }

    private readonly struct SumMap : IMap
    {
        public float Of(float a, float b, float c) => a + b;
        public Vector<float> Of(Vector<float> a, Vector<float> b, Vector<float> c) => a + b;
    }

    private readonly struct ProductMap<TOld> : IMap where TOld : unmanaged, IOld
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public float Of(float a, float b, float old) => default(TOld).Combine(old, a * b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<float> Of(Vector<float> a, Vector<float> b, Vector<float> old) =>
        default(TOld).Combine(old, a * b);
    }

    private readonly struct FillMap(float value) : IMap
    {
        private readonly float _value = value;

        public float Of(float a, float b, float c) => _value;
        public Vector<float> Of(Vector<float> a, Vector<float> b, Vector<float> c) => new(_value);
    }
}
