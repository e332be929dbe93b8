using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class MatMul
{
    static partial void ForwardGpu(Tensor a, Tensor b, Tensor y, bool transposeA, bool transposeB, bool add)
    {
        int m = y.Shape.Area, n = y.C, k = transposeA ? a.Shape.Area : a.C;
        var args = new GpuProductArgs(Matrix(a), Matrix(b), y.Gpu, y.Gpu, y.Gpu, m, n, k, Part: 0, add ? 1 : 0, HasBias: 0, HasResidual: 0);
        switch (transposeA, transposeB)
        {
            case (false, false): GpuProduct<RowsOfTerms, TermsOfRows, Identity>.Launch(y.Device, y.Shape.N, args); break;
            case (false, true): GpuProduct<RowsOfTerms, RowsOfTerms, Identity>.Launch(y.Device, y.Shape.N, args); break;
            case (true, false): GpuProduct<TermsOfRows, TermsOfRows, Identity>.Launch(y.Device, y.Shape.N, args); break;
            case (true, true): GpuProduct<TermsOfRows, RowsOfTerms, Identity>.Launch(y.Device, y.Shape.N, args); break;
        }
    }

    private static GpuFactor Matrix(Tensor t) => new(t.Gpu, t.Shape.Area, 1, t.C, 0, 0, 0, 0, 0);
}
