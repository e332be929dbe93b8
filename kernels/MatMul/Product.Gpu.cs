using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>Arguments of the GPU's product <c>y[m, n] = f(Σ_k A[m, k]·B[n, k] + bias[n] + residual[m, n])</c>.</summary>
/// <param name="A">Left factor.</param>
/// <param name="B">Right factor.</param>
/// <param name="Y">Result; part p of a split sum or product p of a batch is M rows further.</param>
/// <param name="Bias">One row; read if <paramref name="HasBias"/> is not 0.</param>
/// <param name="Residual">Like the result; read if <paramref name="HasResidual"/> is not 0.</param>
/// <param name="Total">Sum of the parts, if an ending adds them.</param>
/// <param name="Moments">Mean and squares of each 128 rows of each column, two rows for each 128, if an ending makes them; before anything is added.</param>
/// <param name="Counters">Of <see cref="LastGroup"/>, if an ending adds parts.</param>
/// <param name="M">Rows.</param>
/// <param name="N">Columns.</param>
/// <param name="K">Terms.</param>
/// <param name="Part">Terms a grid layer sums, if it is not a batch: layer z takes terms z·Part …</param>
/// <param name="Set">Parts that one group adds, if an ending adds them.</param>
/// <param name="Add">Not 0: the result's old value is a summand; if an ending adds parts, the total's.</param>
/// <param name="HasBias">See <paramref name="Bias"/>.</param>
/// <param name="HasResidual">See <paramref name="Residual"/>.</param>
internal readonly record struct GpuProductArgs(GpuFactor A, GpuFactor B, GpuRows Y, GpuRows Bias, GpuRows Residual, GpuRows Total, GpuRows Moments, ArrayView<int> Counters,
    int M, int N, int K, int Part, int Set, int Add, int HasBias, int HasResidual)
{
    /// <summary>A product without anything beside; whatever memory is not used must still be some.</summary>
    public GpuProductArgs(GpuFactor a, GpuFactor b, GpuRows y, int m, int n, int k) : this(a, b, y, y, y, y, y, default, m, n, k, Part: 0, Set: 0, Add: 0, HasBias: 0, HasResidual: 0) { }
}

/// <summary>What a group does with its sums besides storing them: a type argument, so that each ending is a body of its own.</summary>
internal interface IEnding
{
    /// <summary>Whether it makes the moments of the tile's rows.</summary>
    bool MakesMoments { get; }

    /// <summary>Whether the parts of a split sum are added as they are finished.</summary>
    bool AddsParts { get; }

    /// <summary>Whether result and residual are BF16.</summary>
    bool IsBf16 { get; }
}

/// <summary>Nothing.</summary>
internal readonly struct Stored : IEnding
{
    public bool MakesMoments => false;

    public bool AddsParts => false;

    public bool IsBf16 => false;
}

/// <summary>Moments, for batch normalisation.</summary>
internal readonly struct WithMoments : IEnding
{
    public bool MakesMoments => true;

    public bool AddsParts => false;

    public bool IsBf16 => false;
}

/// <summary>Nothing, in BF16.</summary>
internal readonly struct StoredBf16 : IEnding
{
    public bool MakesMoments => false;

    public bool AddsParts => false;

    public bool IsBf16 => true;
}

/// <summary>Moments, of what has not been rounded, for a result in BF16.</summary>
internal readonly struct WithMomentsBf16 : IEnding
{
    public bool MakesMoments => true;

    public bool AddsParts => false;

    public bool IsBf16 => true;
}

/// <summary>The total of a split sum.</summary>
internal readonly struct PartsAdded : IEnding
{
    public bool MakesMoments => false;

    public bool AddsParts => true;

    public bool IsBf16 => false;
}

/// <summary>The matrix product in float32, on any GPU. A group of 256 threads computes 64 × 64 results, each thread 4 × 4 in registers, from tiles of 64 × 16 of both factors in shared memory.</summary>
/// <remarks>Each loaded element is used 64 times. Factors are indexed in place (implicit products): no patch is ever stored. The order of the sum is fixed.</remarks>
internal static class PlainProduct<TA, TB, TFunction, TEnding> where TA : unmanaged, IFactor where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction where TEnding : unmanaged, IEnding
{
    private const int Tile = 64, Terms = 16, GroupSize = 256, Pitch = Tile + 4;

    private static readonly GpuKernel<GpuProductArgs> Launcher = new("product", Body, GroupSize, 2 * Terms * Pitch * sizeof(float));

    /// <summary>Computes the product in <paramref name="layers"/> parts or batch items.</summary>
    public static void Launch(Device device, int layers, in GpuProductArgs p) =>
        Launcher.Launch(device, new Index3D((p.M + Tile - 1) / Tile, (p.N + Tile - 1) / Tile, layers), p);

    private static void Body(GpuProductArgs p)
    {
        var a = SharedMemory.Allocate<Four>(Terms * Pitch / 4);
        var b = SharedMemory.Allocate<Four>(Terms * Pitch / 4);
        int thread = Group.IdxX, layer = Grid.IdxZ, m0 = Grid.IdxX * Tile, n0 = Grid.IdxY * Tile;
        int begin = p.Part == 0 ? 0 : layer * p.Part, end = ProductEpilogue.End<TA>(p, layer, begin), batch = p.Part == 0 ? layer : 0;
        int row = thread / 16 * 4, column = thread % 16 * 4;
        Four c0 = default, c1 = default, c2 = default, c3 = default;
        for (int k0 = begin; k0 < end; k0 += Terms)
        {
            Load(default(TA), p.A, a.Cast<float>(), thread, batch, m0, p.M, k0, end);
            Load(default(TB), p.B, b.Cast<float>(), thread, batch, n0, p.N, k0, end);
            Group.Barrier();
            for (int k = 0; k < Terms; k++)
            {
                Four u = a[(k * Pitch + row) / 4], v = b[(k * Pitch + column) / 4];
                c0.MultiplyAdd(u.X, v);
                c1.MultiplyAdd(u.Y, v);
                c2.MultiplyAdd(u.Z, v);
                c3.MultiplyAdd(u.W, v);
            }
            Group.Barrier();
        }
        Store(p, layer, m0 + row, n0 + column, c0);
        Store(p, layer, m0 + row + 1, n0 + column, c1);
        Store(p, layer, m0 + row + 2, n0 + column, c2);
        Store(p, layer, m0 + row + 3, n0 + column, c3);
        if (default(TEnding).AddsParts) ProductEpilogue.AddParts(p, a.Cast<float>(), Tile, Tile);
    }

    /// <summary>Each thread brings four elements of a 64 × 16 tile, stored [term][row]; zeros beyond the factor.</summary>
    private static void Load<T>(T factor, in GpuFactor f, ArrayView<float> to, int thread, int batch, int row0, int rows, int k0, int end) where T : unmanaged, IFactor
    {
        for (int i = 0; i < Tile * Terms; i += GroupSize)
        {
            int e = i + thread, row = factor.AlongTerms ? e / Terms : e % Tile, k = factor.AlongTerms ? e % Terms : e / Tile;
            int at = row0 + row < rows && k0 + k < end ? factor.At(f, factor.Row(f, batch, row0 + row), factor.Term(f, batch, k0 + k)) : -1;
            to[k * Pitch + row] = at < 0 ? 0 : f.Data.Data[at];
        }
    }

    private static void Store(in GpuProductArgs p, int layer, int m, int n, Four c)
    {
        int row = ProductEpilogue.RowOf<TA>(p, layer, m);
        if (row < 0 || n >= p.N) return;
        Four v = new(Value(p, row, n, c.X), Value(p, row, n + 1, c.Y), Value(p, row, n + 2, c.Z), Value(p, row, n + 3, c.W));
        if (p.N % 4 == 0 && p.Y.IsAligned && p.Y.Pitch % 4 == 0)
        {
            p.Y.Wide(row, n) = v;
            return;
        }
        p.Y[row, n] = v.X;
        if (n + 1 < p.N) p.Y[row, n + 1] = v.Y;
        if (n + 2 < p.N) p.Y[row, n + 2] = v.Z;
        if (n + 3 < p.N) p.Y[row, n + 3] = v.W;
    }

    private static float Value(in GpuProductArgs p, int row, int n, float sum) => n < p.N ? ProductEpilogue.Value<TFunction, TEnding>(p, row, n, sum) : sum;
}

/// <summary>How a GPU multiplies.</summary>
internal enum Arithmetic
{
    /// <summary>In float32.</summary>
    Float32,

    /// <summary>On tensor cores, factors rounded to TF32 (10 bits behind the point), sums in float32.</summary>
    Tf32,

    /// <summary>On tensor cores, factors rounded to BF16 (7 bits behind the point), sums in float32.</summary>
    Bf16,

    /// <summary>As <see cref="Bf16"/>, of factors that are BF16 in memory.</summary>
    Bf16Maps,

    /// <summary>As <see cref="Tf32"/>, without tensor cores: for tests.</summary>
    EmulatedTf32,

    /// <summary>As <see cref="Bf16"/>, without tensor cores: for tests.</summary>
    EmulatedBf16,

    /// <summary>As <see cref="Bf16Maps"/>, without tensor cores: for tests.</summary>
    EmulatedBf16Maps,
}

/// <summary>The GPU's product: which body computes it.</summary>
internal static class GpuProduct
{
    /// <summary>Groups that occupy a large card: below it, tiles are smaller, and long sums are split.</summary>
    private const int EnoughGroups = 128;

    /// <summary>Rows whose moments a product on tensor cores makes together.</summary>
    public const int MomentRows = 128;

    /// <summary>Computes the product in <paramref name="layers"/> parts or batch items.</summary>
    public static void Launch<TA, TB, TFunction>(Device device, int layers, in GpuProductArgs p) where TA : unmanaged, IFactor where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction =>
        LaunchStored<TA, TB, TFunction, Stored, StoredBf16>(device, layers, p);

    /// <summary>The same on tensor cores, with the moments of the result, to which nothing is added.</summary>
    public static void LaunchWithMoments<TA, TB>(Device device, in GpuProductArgs p) where TA : unmanaged, IFactor where TB : unmanaged, IFactor =>
        LaunchStored<TA, TB, Identity, WithMoments, WithMomentsBf16>(device, 1, p);

    /// <summary>The total of a sum in <paramref name="parts"/> parts, which are added in an order that depends on their number alone.</summary>
    public static void LaunchParts<TA, TB>(Device device, int parts, in GpuProductArgs p) where TA : unmanaged, IFactor where TB : unmanaged, IFactor
    {
        // Two levels: a group that added a hundred tiles alone would be waited for by all others.
        int set = (int)Math.Ceiling(Math.Sqrt(parts));
        Launch<TA, TB, Identity, PartsAdded>(device, parts, p with { Set = set, Counters = ((GpuDevice)device).Counters });
    }

    private static void LaunchStored<TA, TB, TFunction, TEnding, TEndingBf16>(Device device, int layers, in GpuProductArgs p)
        where TA : unmanaged, IFactor where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction where TEnding : unmanaged, IEnding where TEndingBf16 : unmanaged, IEnding
    {
        if (p.Y.IsBf16) Launch<TA, TB, TFunction, TEndingBf16>(device, layers, p);
        else Launch<TA, TB, TFunction, TEnding>(device, layers, p);
    }

    private static void Launch<TA, TB, TFunction, TEnding>(Device device, int layers, in GpuProductArgs p)
        where TA : unmanaged, IFactor where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction where TEnding : unmanaged, IEnding =>
        Launch<TA, TB, TFunction, TEnding>(device, layers, p, ArithmeticOf(device, p), IsWide(p.M, p.N, layers));

    /// <summary>The same, in a given arithmetic, which the factors must fit, and tile.</summary>
    internal static void Launch<TA, TB, TFunction, TEnding>(Device device, int layers, in GpuProductArgs p, Arithmetic arithmetic, bool wide)
        where TA : unmanaged, IFactor where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction where TEnding : unmanaged, IEnding
    {
        switch (arithmetic)
        {
            case Arithmetic.Tf32: Launch<TA, TB, TFunction, Tf32Fragments, TEnding>(device, layers, p, wide); break;
            case Arithmetic.Bf16: Launch<TA, TB, TFunction, Bf16Fragments, TEnding>(device, layers, p, wide); break;
            case Arithmetic.Bf16Maps: Launch<TA, TB, TFunction, Bf16MapFragments, TEnding>(device, layers, p, wide); break;
            case Arithmetic.EmulatedBf16Maps: Launch<TA, TB, TFunction, EmulatedFragments<Bf16MapWord>, TEnding>(device, layers, p, wide); break;
            case Arithmetic.EmulatedTf32: Launch<TA, TB, TFunction, EmulatedFragments<Tf32Word>, TEnding>(device, layers, p, wide); break;
            case Arithmetic.EmulatedBf16: Launch<TA, TB, TFunction, EmulatedFragments<Bf16Word>, TEnding>(device, layers, p, wide); break;
            default: PlainProduct<TA, TB, TFunction, TEnding>.Launch(device, layers, p); break;
        }
    }

    private static void Launch<TA, TB, TFunction, TFragments, TEnding>(Device device, int layers, in GpuProductArgs p, bool wide)
        where TA : unmanaged, IFactor where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction where TFragments : unmanaged, IFragments where TEnding : unmanaged, IEnding
    {
        if (wide) TensorProduct<TA, TB, TFunction, TFragments, EightWarps, TEnding>.Launch(device, layers, p);
        else TensorProduct<TA, TB, TFunction, TFragments, FourWarps, TEnding>.Launch(device, layers, p);
    }

    /// <summary>How a product is computed: on tensor cores only if both factors can be read 16 bytes at a time, and results stored 8.</summary>
    public static Arithmetic ArithmeticOf(Device device, in GpuProductArgs p)
    {
        if (p.HasResidual != 0) Channels.InBf16(p.Y, p.Residual);
        bool fits = Fits(p.A) && Fits(p.B) && p.N % 2 == 0 && InPairs(p.Y) && (p.HasBias == 0 || InPairs(p.Bias)) && (p.HasResidual == 0 || InPairs(p.Residual));
        var arithmetic = fits ? ((GpuDevice)device).Arithmetic : Arithmetic.Float32;
        if (!Channels.InBf16(p.A.Data, p.B.Data)) return arithmetic;
        return arithmetic switch
        {
            Arithmetic.Bf16 => Arithmetic.Bf16Maps,
            Arithmetic.EmulatedBf16 => Arithmetic.EmulatedBf16Maps,
            _ => throw new ArgumentException($"Maps in BF16 are multiplied on tensor cores only, to results in pairs; '{device.Id}' was not opened for that, or the result has {p.N} columns."),
        };
    }

    /// <summary>Parts that a sum for m × n results should be split into, so that enough groups share it. It depends on the extents and the arithmetic alone.</summary>
    public static int PartsWanted(Device device, int m, int n)
    {
        int rows = ((GpuDevice)device).Arithmetic == Arithmetic.Float32 ? 64 : 128;
        return EnoughGroups / ((m + rows - 1) / rows * ((n + 63) / 64));
    }

    /// <summary>Whether tiles of 128 columns are worth it: on 64 columns half of each would be idle, and few tiles leave a card idle.</summary>
    private static bool IsWide(int m, int n, int layers) => n > 64 && (long)((m + 127) / 128) * ((n + 127) / 128) * layers >= EnoughGroups;

    private static bool InPairs(in GpuRows rows) => rows.IsAligned && rows.Pitch % 2 == 0;

    private static bool Fits(in GpuFactor f) => f.C % 4 == 0 && f.Data.Pitch % 4 == 0 && f.Data.IsAligned;
}

/// <summary>What is done to a sum.</summary>
internal static class ProductEpilogue
{
    /// <summary>The end of a layer's terms.</summary>
    public static int End<TA>(in GpuProductArgs p, int layer, int begin) where TA : unmanaged, IFactor =>
        default(TA).ByClasses ? new PositionClass(p.A, layer).Terms(p.A) : p.Part == 0 ? p.K : Math.Min(p.K, begin + p.Part);

    /// <summary>Where row <paramref name="m"/> of a layer's result lies, or −1 if it is not wanted.</summary>
    public static int RowOf<TA>(in GpuProductArgs p, int layer, int m) where TA : unmanaged, IFactor
    {
        if (m >= p.M) return -1;
        return default(TA).ByClasses ? new PositionClass(p.A, layer).Row(p.A, m) : layer * p.M + m;
    }

    /// <summary><c>f(sum + old + bias + residual)</c>, of them those that are wanted.</summary>
    public static float Value<TFunction, TEnding>(in GpuProductArgs p, int row, int n, float sum) where TFunction : unmanaged, IFunction where TEnding : unmanaged, IEnding
    {
        if (!default(TEnding).AddsParts)
        {
            if (p.Add != 0) sum += p.Y[row, n];
            if (p.HasBias != 0) sum += p.Bias[0, n];
            if (p.HasResidual != 0) sum += p.Residual[row, n];
        }
        return default(TFunction).Apply(sum);
    }

    /// <summary>Stores the same of two neighbours.</summary>
    public static void Store<TFunction, TEnding>(in GpuProductArgs p, int row, int n, Two sum) where TFunction : unmanaged, IFunction where TEnding : unmanaged, IEnding
    {
        if (!default(TEnding).AddsParts)
        {
            if (p.Add != 0) sum += Pair<TEnding>(p.Y, row, n);
            if (p.HasBias != 0) sum += p.Bias.Pair(0, n);
            if (p.HasResidual != 0) sum += Pair<TEnding>(p.Residual, row, n);
        }
        sum = new Two(default(TFunction).Apply(sum.X), default(TFunction).Apply(sum.Y));
        if (default(TEnding).IsBf16) p.Y.Data[(row * p.Y.Pitch + n) / 2] = Bf16.Pack(sum.X, sum.Y);
        else p.Y.Pair(row, n) = sum;
    }

    private static Two Pair<TEnding>(GpuRows rows, int row, int n) where TEnding : unmanaged, IEnding
    {
        if (!default(TEnding).IsBf16) return rows.Pair(row, n);
        float word = rows.Data[(row * rows.Pitch + n) / 2];
        return new(Bf16.Low(word), Bf16.High(word));
    }

    /// <summary>Adds a tile's parts: each set of them by the group that finished last, into the set's first part; then the sets, into the total, by the last of these groups. All threads must call.</summary>
    public static void AddParts(in GpuProductArgs p, ArrayView<float> shared, int tileM, int tileN)
    {
        int parts = Grid.DimZ, sets = (parts + p.Set - 1) / p.Set, set = Grid.IdxZ / p.Set, first = set * p.Set, size = IntrinsicMath.Min(p.Set, parts - first);
        int counter = (Grid.IdxX + Grid.IdxY * Grid.DimX) * (sets + 1);
        bool last = LastGroup.HasCome(shared, p.Counters, counter + 1 + set, size);
        if (last) Add(p, p.Y, first * p.M, tileM, tileN, first, 1, first + size, old: 0);
        last = LastGroup.HasCome(shared, p.Counters, counter, sets, last);
        if (last) Add(p, p.Total, 0, tileM, tileN, 0, p.Set, parts, p.Add);
    }

    private static void Add(in GpuProductArgs p, GpuRows to, int at, int tileM, int tileN, int first, int step, int end, int old)
    {
        int m0 = Grid.IdxX * tileM, n0 = Grid.IdxY * tileN, rows = IntrinsicMath.Min(tileM, p.M - m0);
        for (int i = Group.IdxX; i < rows * tileN; i += Group.DimX)
        {
            int row = m0 + i / tileN, n = n0 + i % tileN;
            if (n >= p.N) continue;
            float sum = old != 0 ? to[at + row, n] : 0;
            for (int part = first; part < end; part += step) sum += p.Y[part * p.M + row, n];
            to[at + row, n] = sum;
        }
    }
}
