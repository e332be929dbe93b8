using ILGPU;

namespace MlffAd.Kernels;

/// <summary>The GPU's product: which body computes it.</summary>
internal static class GpuProduct
{
    /// <summary>Groups that occupy a large card: below it, tiles are smaller, and long sums are split.</summary>
    private const int EnoughGroups = 128;

    /// <summary>Rows whose moments a product on tensor cores makes together.</summary>
    public const int MomentRows = 128;

    /// <summary>Computes the product in <paramref name="layers"/> parts or batch items.</summary>
    public static void Launch<TA, TB, TFunction>(Device device, int layers, in GpuProductArgs p)
        where TA : unmanaged, IFactor where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction
    {
        if (p.Y.IsBf16) Launch<TA, TB, TFunction, Stored<Bf16Map>>(device, layers, p);
        else Launch<TA, TB, TFunction, Stored<Float32Map>>(device, layers, p);
    }

    /// <summary>The same on tensor cores, with the moments of the result, to which nothing is added.</summary>
    public static void LaunchWithMoments<TA, TB>(Device device, in GpuProductArgs p)
        where TA : unmanaged, IFactor where TB : unmanaged, IFactor
    {
        if (p.Y.IsBf16) Launch<TA, TB, Identity, WithMoments<Bf16Map>>(device, 1, p);
        else Launch<TA, TB, Identity, WithMoments<Float32Map>>(device, 1, p);
    }

    /// <summary>The total of a sum in <paramref name="parts"/> parts, which are added in an order that depends on
    /// their number alone.</summary>
    public static void LaunchParts<TA, TB>(Device device, int parts, in GpuProductArgs p)
        where TA : unmanaged, IFactor where TB : unmanaged, IFactor
    {
        // Two levels: a group that added a hundred tiles alone would be waited for by all others.
        int set = (int)Math.Ceiling(Math.Sqrt(parts));
        Launch<TA, TB, Identity, PartsAdded>(device, parts, p with
        {
            Set = set,
            Counters = ((GpuDevice)device).Counters,
        });
    }

    private static void Launch<TA, TB, TFunction, TEpilogue>(Device device, int layers, in GpuProductArgs p)
        where TA : unmanaged, IFactor
        where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction where TEpilogue : unmanaged, IEpilogue =>
        Launch<TA, TB, TFunction, TEpilogue>(device, layers, p, ArithmeticOf(device, p), IsWide(p.M, p.N, layers));

    /// <summary>The same, in a given arithmetic, which the factors must fit, and tile.</summary>
    internal static void Launch<TA, TB, TFunction, TEpilogue>(Device device, int layers, in GpuProductArgs p,
        Arithmetic arithmetic, bool wide)
        where TA : unmanaged, IFactor
        where TB : unmanaged, IFactor where TFunction : unmanaged, IFunction where TEpilogue : unmanaged, IEpilogue
    {
        switch (arithmetic)
        {
            case Arithmetic.Tf32: Launch<TA, TB, TFunction, Tf32Fragments, TEpilogue>(device, layers, p, wide); break;
            case Arithmetic.Bf16: Launch<TA, TB, TFunction, Bf16Fragments, TEpilogue>(device, layers, p, wide); break;
            case Arithmetic.Bf16Maps:
                Launch<TA, TB, TFunction, Bf16MapFragments, TEpilogue>(device, layers, p, wide); break;
            case Arithmetic.EmulatedBf16Maps:
                Launch<TA, TB, TFunction, EmulatedFragments<Bf16MapWord>, TEpilogue>(device, layers, p, wide); break;
            case Arithmetic.EmulatedTf32:
                Launch<TA, TB, TFunction, EmulatedFragments<Tf32Word>, TEpilogue>(device, layers, p, wide); break;
            case Arithmetic.EmulatedBf16:
                Launch<TA, TB, TFunction, EmulatedFragments<Bf16Word>, TEpilogue>(device, layers, p, wide); break;
            default: TiledProduct<TA, TB, TFunction, TEpilogue>.Launch(device, layers, p); break;
        }
    }

    private static void Launch<TA, TB, TFunction, TFragments, TEpilogue>(Device device, int layers,
        in GpuProductArgs p, bool wide)
        where TA : unmanaged, IFactor
        where TB : unmanaged, IFactor
        where TFunction : unmanaged, IFunction
        where TFragments : unmanaged, IFragments where TEpilogue : unmanaged, IEpilogue
    {
        if (wide) TensorCoreProduct<TA, TB, TFunction, TFragments, EightWarps, TEpilogue>.Launch(device, layers, p);
        else TensorCoreProduct<TA, TB, TFunction, TFragments, FourWarps, TEpilogue>.Launch(device, layers, p);
    }

    /// <summary>How a product is computed: on tensor cores only if both factors can be read 16 bytes at a time, and
    /// results stored 8.</summary>
    public static Arithmetic ArithmeticOf(Device device, in GpuProductArgs p)
    {
        if (p.HasResidual != 0) Channels.InBf16(p.Y, p.Residual);
        bool fits = Fits(p.A) && Fits(p.B) && p.N % 2 == 0 && InPairs(p.Y) && (p.HasBias == 0 || InPairs(p.Bias))
            && (p.HasResidual == 0 || InPairs(p.Residual));
        var arithmetic = fits ? ((GpuDevice)device).Arithmetic : Arithmetic.Float32;
        if (!Channels.InBf16(p.A.Data, p.B.Data)) return arithmetic;
        return arithmetic switch
        {
            Arithmetic.Bf16 => Arithmetic.Bf16Maps,
            Arithmetic.EmulatedBf16 => Arithmetic.EmulatedBf16Maps,
            _ => throw new ArgumentException(
                $"Maps in BF16 are multiplied on tensor cores only, to results in pairs; '{device.Id}' was not opened "
                    + $"for that, or the result has {p.N} columns."),
        };
    }

    /// <summary>Parts that a sum for m × n results should be split into, so that enough groups share it. It depends on
    /// the extents and the arithmetic alone.</summary>
    public static int PartsWanted(Device device, int m, int n)
    {
        int rows = ((GpuDevice)device).Arithmetic == Arithmetic.Float32 ? 64 : 128;
        return EnoughGroups / ((m + rows - 1) / rows * ((n + 63) / 64));
    }

    /// <summary>Whether tiles of 128 columns are worth it: on 64 columns half of each would be idle, and few tiles
    /// leave a card idle.</summary>
    private static bool IsWide(int m, int n, int layers) =>
        n > 64 && (long)((m + 127) / 128) * ((n + 127) / 128) * layers >= EnoughGroups;

    private static bool InPairs(in GpuRows rows) => rows.IsAligned && rows.Pitch % 2 == 0;

    private static bool Fits(in GpuFactor f) => f.C % 4 == 0 && f.Data.Pitch % 4 == 0 && f.Data.IsAligned;
}
