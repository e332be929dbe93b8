namespace MlffAd.Tests.Kernels;

/// <summary>The equations of the specification's §4 word for word: every level against every
/// position, in float64.</summary>
internal sealed class DenseQuantization
{
    private readonly double[] _m;

    public DenseQuantization(Quantization q, ReadOnlySpan<double> m)
    {
        _m = m.ToArray();
        double lo = _m.Min(), delta = (_m.Max() - lo) / q.Levels;
        L = [.. Enumerable.Range(0, q.Levels).Select(n => q.Placement == LevelPlacement.Centre
            ? lo + (n + 0.5) * delta
            : lo + (n + 1) * delta)];
        Reach = q.Band switch { LevelBand.Half => delta / 2, LevelBand.Spacing => delta, _ => 0.5 / q.Levels };
        E = new double[m.Length, q.Levels];
        for (int i = 0; i < m.Length; i++)
            for (int n = 0; n < q.Levels; n++)
            {
                double d = L[n] - m[i];
                bool inside = q is { Placement: LevelPlacement.Centre, Band: LevelBand.Half }
                    ? n == Math.Min((int)Math.Floor((m[i] - lo) / delta), q.Levels - 1)
                    : q.Band == LevelBand.Spacing ? Math.Abs(d) < Reach : -Reach <= d && d < Reach;
                if (delta > 0 && inside) E[i, n] = 1 - Math.Abs(d);
            }
    }

    public double[] L { get; }

    public double[,] E { get; }

    /// <summary>Half the band's width.</summary>
    public double Reach { get; }

    private int Levels => L.Length;

    /// <summary>c.</summary>
    public double[] Counts()
    {
        double[] sums = [.. Enumerable.Range(0, Levels).Select(n => Enumerable.Range(0, _m.Length).Sum(i => E[i, n]))];
        double total = sums.Sum();
        return [.. sums.Select(s => s / (total + 1e-6))];
    }

    /// <summary>P, row-major.</summary>
    public double[] Pairs()
    {
        int h = (int)Math.Sqrt(_m.Length);
        var sums = new double[Levels * Levels];
        for (int y = 0; y < h - 1; y++)
            for (int x = 0; x < h - 1; x++)
                for (int a = 0; a < Levels; a++)
                    for (int b = 0; b < Levels; b++)
                        sums[a * Levels + b] += E[y * h + x, a] * E[(y + 1) * h + x + 1, b];
        double total = sums.Sum();
        return [.. sums.Select(s => s / (total + 1e-6))];
    }

    /// <summary>E·D, row-major.</summary>
    public double[] Pixels(ReadOnlySpan<float> d, int channels)
    {
        var t = new double[_m.Length * channels];
        for (int i = 0; i < _m.Length; i++)
            for (int n = 0; n < Levels; n++)
                for (int c = 0; c < channels; c++) t[i * channels + c] += E[i, n] * d[n * channels + c];
        return t;
    }

    /// <summary>Rows (L_n, c_n).</summary>
    public double[] Rows1D() => [.. L.Zip(Counts()).SelectMany(row => new[] { row.First, row.Second })];

    /// <summary>Rows (L_a, L_b, P_ab).</summary>
    public double[] Rows2D() =>
        [.. Pairs().Select((p, i) => new[] { L[i / Levels], L[i % Levels], p }).SelectMany(row => row)];

    /// <summary>All combinations that are allowed.</summary>
    public static IEnumerable<Quantization> All(int levels) =>
        from placement in Enum.GetValues<LevelPlacement>()
        from band in Enum.GetValues<LevelBand>()
        where placement != LevelPlacement.Paper || band != LevelBand.Spacing
        select new Quantization(levels, placement, band);

    /// <summary>Similarities from <paramref name="lo"/> to <paramref name="hi"/>, both attained once; none but these
    /// lies within <paramref name="margin"/> of a level, of the end of a band, or of lo and hi: so smooth functions of
    /// them, as far as the margin.</summary>
    public static float[] Smooth(Quantization q, int count, int seed, double margin, float lo = -0.35f,
        float hi = 0.85f)
    {
        var random = new Random(seed);
        var levels = new DenseQuantization(q, [lo, hi]);
        float[] m = [.. Enumerable.Range(0, count).Select(_ =>
        {
            for (int tries = 0; tries < 10_000; tries++)
            {
                float v = (float)(lo + margin + random.NextDouble() * (hi - lo - 2 * margin));
                if (levels.L.All(l => Math.Abs(l - v) > margin && Math.Abs(Math.Abs(l - v) - levels.Reach) > margin))
                    return v;
            }
            throw new InvalidOperationException("The margin leaves no room.");
        })];
        if (count > 1) (m[count / 3], m[count - 1]) = (hi, lo);
        return m;
    }
}
