namespace MlffAd.Data;

/// <summary>From pixels to the cells of the feature map (spec §2.8).</summary>
public static class CellLabels
{
    private const int Cell = 8;

    /// <summary>Labels each cell 1 if the share of anomalous pixels in its 8×8 block is above <paramref name="minShare"/>, else 0.</summary>
    /// <param name="mask"><c>[S, S]</c>, 1 where anomalous, else 0.</param>
    /// <param name="side">S, a multiple of 8.</param>
    /// <param name="minShare"><c>labels.minShare</c>; 0: any pixel.</param>
    /// <param name="labels">Receives <c>[S/8, S/8]</c>.</param>
    public static void Fill(ReadOnlySpan<byte> mask, int side, double minShare, Span<float> labels)
    {
        int cells = side / Cell;
        for (int cell = 0; cell < cells * cells; cell++)
        {
            int anomalous = 0, corner = cell / cells * Cell * side + cell % cells * Cell;
            for (int y = 0; y < Cell; y++)
                foreach (byte pixel in mask.Slice(corner + y * side, Cell)) anomalous += pixel;
            labels[cell] = anomalous > minShare * (Cell * Cell) ? 1 : 0;
        }
    }
}
