using System.Numerics;

namespace MlffAd.Kernels.Runtime;

/// <summary>Vector loops over a row's channels that several host bodies share.</summary>
internal static unsafe class VectorRows
{
    /// <summary>Floats of a vector.</summary>
    public static int V => Vector<float>.Count;

    /// <summary>Σ_c a_c b_c. Two chains of lanes, for the adder's latency, then the lanes in order, then the remainder:
    /// one order for a vector width.</summary>
    public static float Dot(float* a, float* b, int count)
    {
        Vector<float> even = default, odd = default;
        int c = 0;
        for (; c <= count - 2 * V; c += 2 * V)
        {
            even += Vector.Load(a + c) * Vector.Load(b + c);
            odd += Vector.Load(a + c + V) * Vector.Load(b + c + V);
        }
        float sum = Vector.Sum(even + odd);
        for (; c < count; c++) sum += a[c] * b[c];
        return sum;
    }

    /// <summary>y = scale·x, or y += scale·x.</summary>
    public static void Scale(float* x, float scale, float* y, int count, bool add)
    {
        int c = 0;
        if (add)
        {
            for (; c <= count - V; c += V) (Vector.Load(y + c) + Vector.Load(x + c) * scale).Store(y + c);
            for (; c < count; c++) y[c] += scale * x[c];
        }
        else
        {
            for (; c <= count - V; c += V) (Vector.Load(x + c) * scale).Store(y + c);
            for (; c < count; c++) y[c] = scale * x[c];
        }
    }
}
