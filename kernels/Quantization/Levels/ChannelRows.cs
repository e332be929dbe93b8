using System.Numerics;

namespace MlffAd.Kernels;

/// <summary>Sums and products over one position's channels, for the host bodies of this family.</summary>
internal static unsafe class ChannelRows
{
    /// <summary>Σ_c a_c b_c. Two chains of lanes, for the adder's latency, then lanes in order, then the remainder: a fixed order for a given vector width.</summary>
    public static float Dot(float* a, float* b, int count)
    {
        Vector<float> even = default, odd = default;
        int width = Vector<float>.Count, c = 0;
        for (; c <= count - 2 * width; c += 2 * width)
        {
            even += Vector.Load(a + c) * Vector.Load(b + c);
            odd += Vector.Load(a + c + width) * Vector.Load(b + c + width);
        }
        float sum = Vector.Sum(even + odd);
        for (; c < count; c++) sum += a[c] * b[c];
        return sum;
    }

    /// <summary>y = w·x, or y += w·x.</summary>
    public static void Scale(float* x, float w, float* y, int count, bool add)
    {
        int c = 0;
        if (add)
        {
            for (; c <= count - Vector<float>.Count; c += Vector<float>.Count) (Vector.Load(y + c) + Vector.Load(x + c) * w).Store(y + c);
            for (; c < count; c++) y[c] += w * x[c];
        }
        else
        {
            for (; c <= count - Vector<float>.Count; c += Vector<float>.Count) (Vector.Load(x + c) * w).Store(y + c);
            for (; c < count; c++) y[c] = w * x[c];
        }
    }
}
