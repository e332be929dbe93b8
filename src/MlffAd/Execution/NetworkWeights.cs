using MlffAd.Weights;

namespace MlffAd.Execution;

/// <summary>A network's weights and running statistics on the host, flat, in the order of memory.</summary>
/// <param name="List">Names and places.</param>
/// <param name="Trained">The trained numbers.</param>
/// <param name="Statistics">Running means and variances.</param>
public sealed record NetworkWeights(ParameterList List, float[] Trained, float[] Statistics)
{
    /// <summary>A parameter's numbers.</summary>
    public Span<float> this[Parameter parameter] =>
        (parameter.Kind is ParameterKind.RunningMean or ParameterKind.RunningVariance ? Statistics : Trained).AsSpan(parameter.Start, parameter.Count);

    /// <summary>A parameter's numbers by its name.</summary>
    public Span<float> this[string name] => this[List[name]];

    /// <summary>Takes a tensor of a file into memory's order.</summary>
    public static void FromFile(Parameter parameter, ReadOnlySpan<float> file, Span<float> memory)
    {
        if (parameter.FileShape is [_, var inputs, var height, var width]) ConvolutionLayout.ToMemory(file, memory, inputs, height * width);
        else file.CopyTo(memory);
    }

    /// <summary>A tensor of memory in a file's order.</summary>
    public static float[] ToFile(Parameter parameter, ReadOnlySpan<float> memory)
    {
        var file = new float[memory.Length];
        if (parameter.FileShape is [_, var inputs, var height, var width]) ConvolutionLayout.ToFile(memory, file, inputs, height * width);
        else memory.CopyTo(file);
        return file;
    }

    /// <summary>Reads every parameter from a file, whose tensors have their names with a prefix.</summary>
    /// <param name="list">What is wanted.</param>
    /// <param name="file">The file.</param>
    /// <param name="trained">Prefix of trained tensors.</param>
    /// <param name="statistics">Prefix of statistics.</param>
    /// <exception cref="MlffAdException">A tensor is missing or has another shape (exit code 4).</exception>
    public static NetworkWeights Read(ParameterList list, SafetensorsFile file, string trained = "", string statistics = "")
    {
        var weights = new NetworkWeights(list, new float[list.TrainedFloats], new float[list.StatisticFloats]);
        foreach (var (parameters, prefix) in new[] { (list.Trained, trained), (list.Statistics, statistics) })
            foreach (var p in parameters) FromFile(p, file.ReadFloats(prefix + p.Name, p.FileShape), weights[p]);
        return weights;
    }

    /// <summary>Every parameter as it is written to a file.</summary>
    public IEnumerable<TensorData> ToTensorData(string trained = "", string statistics = "") =>
        [.. Write(List.Trained, Trained, trained), .. Write(List.Statistics, Statistics, statistics)];

    /// <summary>Parameters out of one flat buffer as they are written to a file.</summary>
    public static IEnumerable<TensorData> Write(IReadOnlyList<Parameter> parameters, float[] flat, string prefix) => parameters.Select(p =>
        TensorData.Floats(prefix + p.Name, p.FileShape, () => ToFile(p, flat.AsSpan(p.Start, p.Count))));
}
