using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static unsafe partial class MatMul
{
    private static void ForwardHost(Tensor a, Tensor b, Tensor y, bool transposeA, bool transposeB, bool add)
    {
        int batches = y.Shape.N, m = y.Shape.Area, n = y.C, k = transposeA ? a.Shape.Area : a.C;
        using var panels = transposeB ? Panels.OfColumns(y.Device, b.Host, batches, k, n) : Panels.OfRows(y.Device, b.Host, batches, k, n);
        new Product
        {
            A = Gather.Matrix(a.Host, m, k, transposeA),
            B = panels,
            M = m,
            Batches = batches,
            Y = new Scatter(y.Host, m, 1),
            Epilogue = new Epilogue { Add = add },
        }.Run(y.Device);
    }
}
