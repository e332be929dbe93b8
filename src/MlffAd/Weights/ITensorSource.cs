namespace MlffAd.Weights;

/// <summary>A file of named tensors and metadata, in any format.</summary>
public interface ITensorSource : IDisposable
{
    /// <summary>What messages call the file.</summary>
    string Source { get; }

    /// <summary>What the file says about itself, in the words of <see cref="WeightsMetadata"/>.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors by name, convolutions as <c>[Cout, Cin, KH, KW]</c>.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>A tensor's numbers, row-major.</summary>
    /// <exception cref="MlffAdException">There is no such tensor, or it cannot be read.</exception>
    float[] ReadFloats(string name);

    /// <summary>SHA-256, in lower-case hexadecimal, of the bytes that hold the tensors.</summary>
    string Hash();
}
