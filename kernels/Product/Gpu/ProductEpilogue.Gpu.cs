using ILGPU;

namespace MlffAd.Kernels;

/// <summary>What is done to a sum.</summary>
internal static class ProductEpilogue
{
    /// <summary>The end of a layer's terms.</summary>
    public static int End<TA>(in GpuProductArgs p, int layer, int begin) where TA : unmanaged, IFactor =>
        default(TA).ByClasses ? new PositionClass(p.A, layer).Terms(p.A) : p.Part == 0
            ? p.K
            : Math.Min(p.K, begin + p.Part);

    /// <summary>Where row <paramref name="m"/> of a layer's result lies, or −1 if it is not wanted.</summary>
    public static int RowOf<TA>(in GpuProductArgs p, int layer, int m) where TA : unmanaged, IFactor
    {
        if (m >= p.M) return -1;
        return default(TA).ByClasses ? new PositionClass(p.A, layer).Row(p.A, m) : layer * p.M + m;
    }

    /// <summary><c>f(sum + old + bias + residual)</c>, of them those that are wanted.</summary>
    public static float Value<TFunction, TEpilogue>(in GpuProductArgs p, int row, int n, float sum)
        where TFunction : unmanaged, IFunction where TEpilogue : unmanaged, IEpilogue
    {
        if (!default(TEpilogue).AddsParts)
        {
            if (p.Add != 0) sum += p.Y[row, n];
            if (p.HasBias != 0) sum += p.Bias[0, n];
            if (p.HasResidual != 0) sum += p.Residual[row, n];
        }
        return default(TFunction).Apply(sum);
    }

    /// <summary>Stores the same of two neighbours.</summary>
    public static void Store<TFunction, TEpilogue>(in GpuProductArgs p, int row, int n, Two sum)
        where TFunction : unmanaged, IFunction where TEpilogue : unmanaged, IEpilogue
    {
        if (!default(TEpilogue).AddsParts)
        {
            if (p.Add != 0) sum += Pair<TEpilogue>(p.Y, row, n);
            if (p.HasBias != 0) sum += p.Bias.Pair(0, n);
            if (p.HasResidual != 0) sum += Pair<TEpilogue>(p.Residual, row, n);
        }
        sum = new Two(default(TFunction).Apply(sum.X), default(TFunction).Apply(sum.Y));
        if (default(TEpilogue).IsBf16) p.Y.Data[(row * p.Y.Pitch + n) / 2] = Bf16.Pack(sum.X, sum.Y);
        else p.Y.Pair(row, n) = sum;
    }

    private static Two Pair<TEpilogue>(GpuRows rows, int row, int n) where TEpilogue : unmanaged, IEpilogue
    {
        if (!default(TEpilogue).IsBf16) return rows.Pair(row, n);
        float word = rows.Data[(row * rows.Pitch + n) / 2];
        return new(Bf16.Low(word), Bf16.High(word));
    }

    /// <summary>Adds a tile's parts: each set of them by the group that finished last, into the set's first part; then
    /// the sets, into the total, by the last of these groups. All threads must call.</summary>
    public static void AddParts(in GpuProductArgs p, ArrayView<float> shared, int tileM, int tileN)
    {
        int parts = Grid.DimZ;
        int sets = (parts + p.Set - 1) / p.Set;
        int set = Grid.IdxZ / p.Set, first = set * p.Set;
        int size = IntrinsicMath.Min(p.Set, parts - first);
        int counter = (Grid.IdxX + Grid.IdxY * Grid.DimX) * (sets + 1);
        bool last = LastGroup.HasCome(shared, p.Counters, counter + 1 + set, size);
        if (last) Add(p, p.Y, first * p.M, tileM, tileN, first, 1, first + size, old: 0);
        last = LastGroup.HasCome(shared, p.Counters, counter, sets, last);
        if (last) Add(p, p.Total, 0, tileM, tileN, 0, p.Set, parts, p.Add);
    }

    private static void Add(in GpuProductArgs p, GpuRows to, int at, int tileM, int tileN, int first, int step,
        int end, int old)
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
