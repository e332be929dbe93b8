namespace MlffAd.Weights;

/// <summary>One tensor of a file: its name, its number format, its extents and where its bytes lie.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="DType">Number format in the file.</param>
/// <param name="Shape">Extents, slowest first; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="Length">Bytes.</param>
public sealed record TensorInfo(string Name, DType DType, int[] Shape, long Begin, long Length)
{
    /// <summary>Most extents that a tensor of a file may have, and most tensors that a file may have.</summary>
    internal const int MostDimensions = 64, MostTensors = 100_000;

    /// <summary>Numbers in the tensor.</summary>
    public long Count => Length / DType.Size();

    /// <summary>The extents as text, <c>[64,3,7,7]</c>.</summary>
    public string ShapeText => $"[{string.Join(',', Shape)}]";

    /// <summary>Refuses more than <see cref="MostDimensions"/>.</summary>
    /// <exception cref="FormatException">There are more; the message is a clause.</exception>
    internal static void RequireDimensions(int count, string tensor)
    {
        if (count > MostDimensions) throw new FormatException($"{tensor} has more than {MostDimensions} dimensions");
    }

    /// <summary>Refuses more than <see cref="MostTensors"/>.</summary>
    /// <exception cref="FormatException">There are more; the message is a clause.</exception>
    internal static void RequireCount(int count)
    {
        if (count > MostTensors) throw new FormatException($"it has more than {MostTensors} tensors");
    }
}
