namespace MlffAd.Kernels;

public static partial class Attention
{
    private static void ForwardHost(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor y)
    {
        MatMul.ForwardHost(k, q, weights, transposeA: false, transposeB: true, add: false);
        Softmax.RowsHost(weights, weights);
        MatMul.ForwardHost(weights, v, y, transposeA: false, transposeB: false, add: false);
    }

    private static void GradientHost(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor dy, Tensor slopes,
        GradientTo dk, GradientTo dq, GradientTo dv)
    {
        MatMul.ForwardHost(dy, v, slopes, transposeA: false, transposeB: true, add: false);
        Softmax.GradientHost(weights, slopes, slopes, add: false);
        MatMul.ForwardHost(slopes, q, dk.Tensor, transposeA: false, transposeB: false, dk.Add);
        MatMul.ForwardHost(slopes, k, dq.Tensor, transposeA: true, transposeB: false, dq.Add);
        MatMul.ForwardHost(weights, dy, dv.Tensor, transposeA: true, transposeB: false, dv.Add);
    }
}
