namespace MlffAd.Kernels;

public static partial class Attention
{
    private static void ForwardHost(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor y)
    {
        MatMul.ForwardHost(k, q, weights, transposeA: false, transposeB: true, add: false);
        Softmax.RowsHost(weights, weights);
        MatMul.ForwardHost(weights, v, y, transposeA: false, transposeB: false, add: false);
    }

    private static void GradientHost(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor dy, Tensor slopes, Tensor dk,
        Tensor dq, Tensor dv, bool addK, bool addQ, bool addV)
    {
        MatMul.ForwardHost(dy, v, slopes, transposeA: false, transposeB: true, add: false);
        Softmax.GradientHost(weights, slopes, slopes, add: false);
        MatMul.ForwardHost(slopes, q, dk, transposeA: false, transposeB: false, addK);
        MatMul.ForwardHost(slopes, k, dq, transposeA: true, transposeB: false, addQ);
        MatMul.ForwardHost(weights, dy, dv, transposeA: true, transposeB: false, addV);
    }
}
