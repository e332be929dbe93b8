namespace MlffAd.Kernels;

public static partial class MatMul
{
    static partial void ForwardGpu(Tensor a, Tensor b, Tensor y, bool transposeA, bool transposeB, bool add)
    {
        var args = new GpuProductArgs
        {
            A = Matrix(a),
            B = Matrix(b),
            Y = y.Gpu,
            M = y.Shape.Area,
            N = y.C,
            K = transposeA ? a.Shape.Area : a.C,
            Add = add ? 1 : 0,
        };
        switch (transposeA, transposeB)
        {
            case (false, false):
                GpuProduct.Launch<RowsOfTerms, TermsOfRows, Identity>(y.Device, y.Shape.N, args); break;
            case (false, true): GpuProduct.Launch<RowsOfTerms, RowsOfTerms, Identity>(y.Device, y.Shape.N, args); break;
            case (true, false): GpuProduct.Launch<TermsOfRows, TermsOfRows, Identity>(y.Device, y.Shape.N, args); break;
            case (true, true): GpuProduct.Launch<TermsOfRows, RowsOfTerms, Identity>(y.Device, y.Shape.N, args); break;
        }
    }

    private static GpuFactor Matrix(Tensor t) => new() { Data = t.GpuAny, H = t.Shape.Area, C = t.C };
}
