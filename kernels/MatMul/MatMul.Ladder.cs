using System.Numerics;

namespace MlffAd.Kernels;

/// <summary>Earlier versions of the host body for <c>y = a·bᵀ</c> of one pair, one thread, one idea a rung.</summary>
/// <remarks>Version 0 sums products one by one. Version 1 sums a vector of them at a time. Version 2 keeps 4 × 2 such
/// sums, so that each vector loaded is used two or four times. The last is <see cref="Product"/>: panels packed for the
/// caches, a tile that fills the registers, threads.</remarks>
public static unsafe partial class MatMul
{
    internal delegate void Rung(Tensor a, Tensor b, Tensor y);

    /// <summary>The rungs, lowest first.</summary>
    internal static readonly (string Name, Rung Forward)[] Ladder =
    [
        ("0: the definition", Version0), ("1: vectors", Version1), ("2: 4 × 2 sums in registers", Version2),
            ("3: packed panels, tiles, threads", (a, b, y) => ForwardHost(a, b, y, false, true, false)),
    ];

    /// <summary>The rungs of a device, lowest first.</summary>
    internal static (string Name, Rung Forward)[] LadderOf(Device device)
    {
        var rungs = Ladder;
        if (!device.IsHost) GpuLadder(device, ref rungs);
        return rungs;
    }

    static partial void GpuLadder(Device device, ref (string Name, Rung Forward)[] rungs);

    internal static void Version0(Tensor a, Tensor b, Tensor y)
    {
        for (int m = 0; m < y.Rows; m++)
            for (int n = 0; n < y.C; n++)
            {
                float sum = 0;
                for (int k = 0; k < a.C; k++) sum += a.Host[m, k] * b.Host[n, k];
                y.Host[m, n] = sum;
            }
    }

    private static void Version1(Tensor a, Tensor b, Tensor y)
    {
        for (int m = 0; m < y.Rows; m++)
            for (int n = 0; n < y.C; n++) y.Host[m, n] = Dot(a.Host.Row(m), b.Host.Row(n), a.C);
    }

    private static void Version2(Tensor a, Tensor b, Tensor y)
    {
        int k = a.C, whole = k - k % Vector<float>.Count;
        for (int m = 0; m < y.Rows; m += 4)
            for (int n = 0; n < y.C; n += 2)
            {
                // At the edges the last row or column is computed again.
                int m1 = Math.Min(m + 1, y.Rows - 1), m2 = Math.Min(m + 2, y.Rows - 1);
                int m3 = Math.Min(m + 3, y.Rows - 1), n1 = Math.Min(n + 1, y.C - 1);
                float* a0 = a.Host.Row(m), a1 = a.Host.Row(m1), a2 = a.Host.Row(m2);
                float* a3 = a.Host.Row(m3), b0 = b.Host.Row(n), b1 = b.Host.Row(n1);
                Vector<float> c00 = default, c01 = default, c10 = default, c11 = default;
                Vector<float> c20 = default, c21 = default, c30 = default, c31 = default;
                for (int i = 0; i < whole; i += Vector<float>.Count)
                {
                    Vector<float> v0 = Vector.Load(b0 + i), v1 = Vector.Load(b1 + i), u = Vector.Load(a0 + i);
                    (c00, c01) = (Vector.MultiplyAddEstimate(u, v0, c00), Vector.MultiplyAddEstimate(u, v1, c01));
                    u = Vector.Load(a1 + i);
                    (c10, c11) = (Vector.MultiplyAddEstimate(u, v0, c10), Vector.MultiplyAddEstimate(u, v1, c11));
                    u = Vector.Load(a2 + i);
                    (c20, c21) = (Vector.MultiplyAddEstimate(u, v0, c20), Vector.MultiplyAddEstimate(u, v1, c21));
                    u = Vector.Load(a3 + i);
                    (c30, c31) = (Vector.MultiplyAddEstimate(u, v0, c30), Vector.MultiplyAddEstimate(u, v1, c31));
                }
                int rest = k - whole;
                y.Host[m, n] = Vector.Sum(c00) + Dot(a0 + whole, b0 + whole, rest);
                y.Host[m, n1] = Vector.Sum(c01) + Dot(a0 + whole, b1 + whole, rest);
                y.Host[m1, n] = Vector.Sum(c10) + Dot(a1 + whole, b0 + whole, rest);
                y.Host[m1, n1] = Vector.Sum(c11) + Dot(a1 + whole, b1 + whole, rest);
                y.Host[m2, n] = Vector.Sum(c20) + Dot(a2 + whole, b0 + whole, rest);
                y.Host[m2, n1] = Vector.Sum(c21) + Dot(a2 + whole, b1 + whole, rest);
                y.Host[m3, n] = Vector.Sum(c30) + Dot(a3 + whole, b0 + whole, rest);
                y.Host[m3, n1] = Vector.Sum(c31) + Dot(a3 + whole, b1 + whole, rest);
            }
    }

    private static float Dot(float* a, float* b, int count)
    {
        var sums = Vector<float>.Zero;
        int k = 0;
        for (; k <= count - Vector<float>.Count; k += Vector<float>.Count)
            sums = Vector.MultiplyAddEstimate(Vector.Load(a + k), Vector.Load(b + k), sums);
        float sum = Vector.Sum(sums);
        for (; k < count; k++) sum += a[k] * b[k];
        return sum;
    }
}
