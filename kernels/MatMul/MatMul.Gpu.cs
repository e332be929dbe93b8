using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class MatMul
{
    static partial void ForwardGpu(Tensor a, Tensor b, Tensor y, bool transposeA, bool transposeB, bool add)
    {
        int m = y.Shape.Area, n = y.C, k = transposeA ? a.Shape.Area : a.C;
        var args = new GpuProductArgs(Matrix(a, a.GpuAny), Matrix(b, b.GpuAny), y.Gpu, m, n, k) with { Add = add ? 1 : 0 };
        switch (transposeA, transposeB)
        {
            case (false, false): GpuProduct.Launch<RowsOfTerms, TermsOfRows, Identity>(y.Device, y.Shape.N, args); break;
            case (false, true): GpuProduct.Launch<RowsOfTerms, RowsOfTerms, Identity>(y.Device, y.Shape.N, args); break;
            case (true, false): GpuProduct.Launch<TermsOfRows, TermsOfRows, Identity>(y.Device, y.Shape.N, args); break;
            case (true, true): GpuProduct.Launch<TermsOfRows, RowsOfTerms, Identity>(y.Device, y.Shape.N, args); break;
        }
    }

    private static GpuFactor Matrix(Tensor t, GpuRows rows) => new(rows, t.Shape.Area, 1, t.C, 0, 0, 0, 0, 0);
}
