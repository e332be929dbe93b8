namespace MlffAd.Kernels;

/// <summary>The triangle filter along one axis: output o is
/// <c>Σ_k Weights[o·Width + k] · x[First[o] + k]</c>.</summary>
/// <remarks>Weights are computed in float64 and sum to 1. Every output has <see cref="Width"/> taps; those past its
/// <see cref="Count"/> have weight 0.</remarks>
internal sealed class ResizeTaps
{
    public ResizeTaps(int from, int to)
    {
        double scale = (double)from / to, reach = Math.Max(scale, 1);
        Width = (int)Math.Ceiling(reach) * 2 + 1;
        (First, Count, Weights) = (new int[to], new int[to], new float[to * Width]);
        var w = new double[Width];
        for (int o = 0; o < to; o++)
        {
            double centre = (o + 0.5) * scale, sum = 0;
            int first = Math.Max(0, (int)(centre - reach + 0.5)), last = Math.Min(from, (int)(centre + reach + 0.5));
            for (int k = 0; k < last - first; k++)
                sum += w[k] = Math.Max(0, 1 - Math.Abs(first + k + 0.5 - centre) / reach);
            for (int k = 0; k < last - first; k++) Weights[o * Width + k] = (float)(w[k] / sum);
            (First[o], Count[o]) = (first, last - first);
        }
    }

    public int Width { get; }

    public int[] First { get; }

    public int[] Count { get; }

    public float[] Weights { get; }
}
