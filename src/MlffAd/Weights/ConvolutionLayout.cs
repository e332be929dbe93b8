namespace MlffAd.Weights;

/// <summary>The two orders of a convolution's weights: <c>[Cout, Cin, KH, KW]</c> in files, <c>[Cout, KH, KW, Cin]</c>
/// in memory (spec §1).</summary>
public static class ConvolutionLayout
{
    /// <summary>From a file's order to the memory's.</summary>
    /// <param name="file"><c>[Cout, Cin, KH, KW]</c>.</param>
    /// <param name="memory">Receives <c>[Cout, KH, KW, Cin]</c>; not the same storage.</param>
    /// <param name="inputs">Cin.</param>
    /// <param name="area">KH·KW.</param>
    public static void ToMemory(ReadOnlySpan<float> file, Span<float> memory, int inputs, int area) =>
        Transpose(file, memory, inputs, area);

    /// <summary>From the memory's order to a file's.</summary>
    /// <param name="memory"><c>[Cout, KH, KW, Cin]</c>.</param>
    /// <param name="file">Receives <c>[Cout, Cin, KH, KW]</c>; not the same storage.</param>
    /// <param name="inputs">Cin.</param>
    /// <param name="area">KH·KW.</param>
    public static void ToFile(ReadOnlySpan<float> memory, Span<float> file, int inputs, int area) =>
        Transpose(memory, file, area, inputs);

    /// <summary>Transposes each of the <c>[rows, columns]</c> matrices that lie one after another.</summary>
    private static void Transpose(ReadOnlySpan<float> from, Span<float> to, int rows, int columns)
    {
        if (from.Length != to.Length || from.Length % Math.Max(1, rows * columns) != 0)
            throw new ArgumentException(
                $"{from.Length} and {to.Length} numbers are not whole [{rows}, {columns}] filters of one count.");
        if (rows == 1 || columns == 1)
        {
            from.CopyTo(to);
            return;
        }
        for (int start = 0; start < from.Length; start += rows * columns)
            for (int c = 0; c < columns; c++)
            {
                var matrix = from.Slice(start + c, rows * columns - c);
                var line = to.Slice(start + c * rows, rows);
                for (int r = 0; r < line.Length; r++) line[r] = matrix[r * columns];
            }
    }
}
