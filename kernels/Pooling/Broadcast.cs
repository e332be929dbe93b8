namespace MlffAd.Kernels;

/// <summary>Repeats rows, such as an item's mean for each of its rows. Tensors may be channel slices.</summary>
public static class Broadcast
{
    /// <summary>Repeats each row of g [N,1,R,C] k times: y [N,1,R·k,C].</summary>
    public static void Rows(Tensor g, Tensor y) => Blocks.Spread(g, y);

    /// <summary>The gradient of <see cref="Rows"/>: dg (+)= Σ of its k rows of dy.</summary>
    public static void RowsGradient(Tensor dy, Tensor dg, bool add = false) => Blocks.Sum(dy, dg, 1, add);
}
