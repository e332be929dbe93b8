namespace MlffAd.Kernels;

/// <summary>Attention's earlier GPU version: products and softmax as separate launches, as on the host. The fused one
/// is <see cref="ForwardBody"/>, <see cref="GradientBody"/> and <see cref="ColumnsBody"/>.</summary>
public static partial class Attention
{
    /// <summary>Operands of a rung: <see cref="Forward"/>'s operands, then <see cref="Gradient"/>'s.</summary>
    internal sealed record LadderOperands(Tensor K, Tensor Q, Tensor V, Tensor Weights, Tensor Y, Tensor Dy,
        Tensor Slopes, Tensor Dk, Tensor Dq, Tensor Dv);

    /// <summary>The rungs, lowest first; each computes the result, then the gradients.</summary>
    internal static readonly (string Name, Action<LadderOperands> Run)[] Ladder =
    [
        ("0: eight launches", InSteps),
        ("1: three launches", t =>
        {
            ForwardGpu(t.K, t.Q, t.V, t.Weights, t.Y);
            GradientGpu(t.K, t.Q, t.V, t.Weights, t.Dy, t.Slopes, t.Dk, t.Dq, t.Dv);
        }),
    ];

    private static void InSteps(LadderOperands t)
    {
        MatMul.Forward(t.K, t.Q, t.Weights, transposeA: false, transposeB: true);
        Softmax.Rows(t.Weights, t.Weights);
        MatMul.Forward(t.Weights, t.V, t.Y, transposeA: false, transposeB: false);
        MatMul.Forward(t.Dy, t.V, t.Slopes, transposeA: false, transposeB: true);
        Softmax.Gradient(t.Weights, t.Slopes, t.Slopes);
        MatMul.Forward(t.Slopes, t.Q, t.Dk, transposeA: false, transposeB: false);
        MatMul.Forward(t.Slopes, t.K, t.Dq, transposeA: true, transposeB: false);
        MatMul.Forward(t.Weights, t.Dy, t.Dv, transposeA: true, transposeB: false);
    }
}
