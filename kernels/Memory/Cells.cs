namespace MlffAd.Kernels;

/// <summary>Operators on a memory's cells: their positions, and standardised distances (spec §14).</summary>
public static partial class Cells
{
    private static readonly Kernel PlaceKernel = new("memory.place"), StandardiseKernel = new("memory.standardise"),
        GradientKernel = new("memory.standardise.gradient");

    /// <summary>Each cell's scaled position: <c>y[n, r, c] = (s·r, s·c)</c>.</summary>
    /// <remarks>FLOP: 2 a cell; bytes: 8 a cell.</remarks>
    /// <param name="step">s, one element.</param>
    /// <param name="y"><c>[N, H, W, 2]</c>; may be a channel slice.</param>
    public static void Place(Tensor step, Tensor y)
    {
        Shape.Require("memory.place", step.Count == 1 && y.C == 2, $"one step and two channels are wanted", step, y);
        using var _ = PlaceKernel.Begin(y, 2L * y.Rows, 8L * y.Rows);
        if (y.Device.IsHost) PlaceHost(step, y);
        else PlaceGpu(step, y);
    }

    /// <summary>Standardises distances: <c>y_i = (d_i − shift_k)·factor_k</c>, k the cell's <paramref name="index"/>
    /// or, without it, its position in the map.</summary>
    /// <remarks>FLOP: 2 a cell; bytes: 12 a cell, 16 with an index. An index of −1 leaves the distance
    /// unchanged.</remarks>
    /// <param name="d"><c>[N, H, W, 1]</c>.</param>
    /// <param name="index">Integers, one per cell; or null.</param>
    /// <param name="scales">Rows (shift, factor): one per index, or one for each of the H·W positions.</param>
    /// <param name="y"><c>[N, H, W, 1]</c>; may be d.</param>
    public static void Standardise(Tensor d, Tensor? index, Tensor scales, Tensor y)
    {
        Require("memory.standardise", d, index, scales, y);
        using var _ = StandardiseKernel.Begin(y, 2 * y.Count, (index is null ? 12 : 16) * y.Count);
        if (y.Device.IsHost) StandardiseHost(d, index, scales, y);
        else StandardiseGpu(d, index, scales, y);
    }

    /// <summary>The gradient of the distances: <c>dd_i (+)= factor_k·dy_i</c>.</summary>
    public static void StandardiseGradient(Tensor dy, Tensor? index, Tensor scales, Tensor dd, bool add = false)
    {
        Require("memory.standardise.gradient", dy, index, scales, dd);
        using var _ = GradientKernel.Begin(dd, dd.Count, (add ? 16 : 12) * dd.Count);
        if (dd.Device.IsHost) GradientHost(dy, index, scales, dd, add);
        else GradientGpu(dy, index, scales, dd, add);
    }

    private static void Require(string op, Tensor d, Tensor? index, Tensor scales, Tensor y)
    {
        Shape.Same(op, d, y);
        Shape.Require(op,
            d.C == 1 && scales.C == 2 && (index is null ? scales.Rows == d.Shape.Area : index.Rows == d.Rows),
            $"one distance a cell, and a shift and a factor for each place or index are wanted", d, scales, y);
    }

    static partial void PlaceGpu(Tensor step, Tensor y);

    static partial void StandardiseGpu(Tensor d, Tensor? index, Tensor scales, Tensor y);

    static partial void GradientGpu(Tensor dy, Tensor? index, Tensor scales, Tensor dd, bool add);
}
