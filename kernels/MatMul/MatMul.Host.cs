namespace MlffAd.Kernels;

public static unsafe partial class MatMul
{
    internal static void ForwardHost(Tensor a, Tensor b, Tensor y, bool transposeA, bool transposeB, bool add)
    {
        int k = transposeA ? a.Shape.Area : a.C;
        using var panels = transposeB
            ? Panels.OfColumns(y.Device, b.Host, y.Shape.N, k, y.C)
            : Panels.OfRows(y.Device, b.Host, y.Shape.N, k, y.C);
        ForwardPacked(a, panels, y, transposeA, add);
    }

    internal static void ForwardPacked(Tensor a, Panels b, Tensor y, bool transposeA = false,
        bool add = false) => new Product
        {
            A = Gather.Matrix(a.Host, y.Shape.Area, b.K, transposeA),
            B = b,
            M = y.Shape.Area,
            Batches = y.Shape.N,
            Y = new Scatter(y.Host, y.Shape.Area, 1),
            Epilogue = new Epilogue { Add = add },
        }.Run(y.Device);
}
