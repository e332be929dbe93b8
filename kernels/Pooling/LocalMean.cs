namespace MlffAd.Kernels;

/// <summary>The window of a local mean: weights <c>a(δ) = e^(−δ²/2σ²)</c> along either axis, for |δ| ≤
/// radius.</summary>
/// <param name="Radius">Positions to either side.</param>
/// <param name="Sigma">Standard deviation, in positions; +∞ for equal weights.</param>
public readonly record struct LocalWindow(int Radius, double Sigma)
{
    /// <summary>A box.</summary>
    public static LocalWindow Box(int radius) => new(radius, double.PositiveInfinity);

    /// <summary>A Gaussian, cut off at 4 σ.</summary>
    public static LocalWindow Gaussian(double sigma) => new((int)Math.Ceiling(4 * sigma), sigma);

    /// <summary>The weight at distance δ.</summary>
    public float Weight(int distance) => (float)Math.Exp(-0.5 * distance * distance / (Sigma * Sigma));

    /// <summary>1/Σ of the weights inside the row, for each position of it.</summary>
    public float[] InverseSums(int length)
    {
        float[] inverse = new float[length];
        for (int i = 0; i < length; i++)
        {
            double sum = 0;
            for (int d = Math.Max(-Radius, -i); d <= Math.Min(Radius, length - 1 - i); d++) sum += Weight(d);
            inverse[i] = (float)(1 / sum);
        }
        return inverse;
    }
}

/// <summary>Weighted mean of each position's neighbourhood, per channel: <c>y_p = Σ_q a(q − p)·x_q / Σ_q a(q − p)</c>,
/// over the positions q inside the map, a = a(δ_y)·a(δ_x).</summary>
/// <remarks>x and y are <c>[N, H, W, C]</c>, may be channel slices, and share no memory. Gradient:
/// <c>dx_q = Σ_p a(q − p)·dy_p / Σ_r a(r − p)</c>. Sums run over rows, then columns. FLOP: 2·(2·radius + 1)² per
/// element; bytes: 8 per element, 12 where it adds.</remarks>
public static partial class LocalMean
{
    private static readonly Kernel ForwardKernel = new("pool.local"), GradientKernel = new("pool.local.gradient");

    /// <summary>Computes the means.</summary>
    /// <param name="x">Input.</param>
    /// <param name="y">Result, of the same shape.</param>
    /// <param name="window">The window.</param>
    public static void Forward(Tensor x, Tensor y, LocalWindow window)
    {
        Shape.Same("pool.local", x, y);
        using var _ = ForwardKernel.Begin(y, Flop(x, window), 8 * y.Count);
        if (y.Device.IsHost) RunHost(x, y, window, isGradient: false, add: false);
        else RunGpu(x, y, window, isGradient: false, add: false);
    }

    /// <summary>Computes dx, overwritten or added to.</summary>
    public static void Gradient(Tensor dy, Tensor dx, LocalWindow window, bool add = false)
    {
        Shape.Same("pool.local.gradient", dy, dx);
        using var _ = GradientKernel.Begin(dx, Flop(dx, window), (add ? 12 : 8) * dx.Count);
        if (dx.Device.IsHost) RunHost(dy, dx, window, isGradient: true, add);
        else RunGpu(dy, dx, window, isGradient: true, add);
    }

    private static long Flop(Tensor x, LocalWindow window) =>
        2L * (2 * window.Radius + 1) * (2 * window.Radius + 1) * x.Count;

    static partial void RunGpu(Tensor x, Tensor y, LocalWindow window, bool isGradient, bool add);
}
