namespace MlffAd.Weights;

/// <summary>A tensor in memory under its name, in the layout of files (<c>[Cout, Cin, KH, KW]</c> for
/// a convolution).</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Shape">Extents, slowest first.</param>
/// <param name="Values">Its numbers, row-major.</param>
public sealed record NamedTensor(string Name, int[] Shape, float[] Values);
