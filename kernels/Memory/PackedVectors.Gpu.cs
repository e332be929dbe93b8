using System.Runtime.InteropServices;
using ILGPU;

namespace MlffAd.Kernels;

public sealed unsafe partial class PackedVectors
{
    internal readonly record struct PackArgs(
        GpuRows Vectors, GpuRows Tiled, GpuRows HalfNorms, ArrayView<double> Squares, int Count, int Width);

    private static readonly GpuKernel<PackArgs> PackLauncher = new("memory.pack", PackBody, TileVectors, float64: true);

    static partial void PackGpu(Tensor vectors, Tensor tiled, Tensor halfNorms, ref double largest)
    {
        using var squares = Tensor.Rent(vectors.Device, Shape.Of(1, vectors.Rows, 2), "squared norms");
        PackLauncher.Launch(vectors.Device, tiled.Shape.N, new(Vectors: vectors.Gpu, Tiled: tiled.Gpu,
            HalfNorms: halfNorms.Gpu, Squares: squares.Gpu.Data.Cast<double>(), Count: vectors.Rows, Width: vectors.C));
        foreach (double square in MemoryMarshal.Cast<float, double>(squares.ToArray()))
            largest = Math.Max(largest, double.IsFinite(square) ? Math.Sqrt(square) : double.NaN);
    }

    /// <summary>One group per tile, one thread per vector; zero-padded.</summary>
    private static void PackBody(PackArgs p)
    {
        int j = Grid.GlobalIndex.X, t = Group.IdxX;
        double square = 0;
        for (int k = 0; k < p.Width; k++)
        {
            float x = j < p.Count ? p.Vectors[j, k] : 0;
            p.Tiled[Grid.IdxX * p.Width + k, t] = x;
            square += Unfused.Multiply(x, x);
        }
        if (j >= p.Count) return;
        p.Squares[j] = square;
        p.HalfNorms[0, j] = (float)(-0.5 * square);
    }

    /// <summary>In a GPU body: <c>Σ_k (x_k − m_k)²</c> in float64, in the order of k, of a row and a tiled vector;
    /// stops early once the sum reaches <paramref name="limit"/>.</summary>
    internal static double SquaredDistance(GpuRows x, int row, GpuRows tiled, int j, int width, double limit)
    {
        var a = x.Data.SubView(row * x.Pitch, width);
        var b = tiled.Data.SubView(j / TileVectors * TileVectors * width + j % TileVectors);
        double sum = 0;
        // Unrolled, to keep four loads in flight.
        for (int k = 0; k < width && sum < limit; k += 4)
            sum = sum + Square(a, b, k) + Square(a, b, k + 1) + Square(a, b, k + 2) + Square(a, b, k + 3);
        return sum;
    }

    private static double Square(ArrayView<float> x, ArrayView<float> m, int k)
    {
        if (k >= x.IntLength) return 0;
        double difference = (double)x[k] - m[k * TileVectors];
        return Unfused.Multiply(difference, difference);
    }
}
