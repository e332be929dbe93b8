namespace MlffAd.Execution;

/// <summary>A network's weights and running statistics on the host, in flat buffers, in memory's order.</summary>
/// <param name="List">Names and places.</param>
/// <param name="Trained">The trained numbers.</param>
/// <param name="Statistics">Running means and variances.</param>
/// <param name="Constants">What was made and does not train, such as remembered vectors.</param>
public sealed record NetworkWeights(ParameterList List, float[] Trained, float[] Statistics, float[] Constants)
{
    /// <summary>Zero-initialised weights of all parameters.</summary>
    public static NetworkWeights Zeros(ParameterList list) =>
        new(list, new float[list.TrainedFloats], new float[list.StatisticFloats], new float[list.ConstantFloats]);

    /// <summary>The same numbers in another network's places, 0 where it has more.</summary>
    internal NetworkWeights In(ParameterList list)
    {
        var weights = Zeros(list);
        CopyTo(weights);
        return weights;
    }

    /// <summary>Copies the parameters that both networks have.</summary>
    internal void CopyTo(NetworkWeights other)
    {
        foreach (var p in other.List.Trained.Concat(other.List.Statistics).Concat(other.List.Constants))
            if (List.Has(p.Name)) this[p.Name].CopyTo(other[p]);
    }

    /// <summary>A parameter's numbers.</summary>
    public Span<float> this[Parameter parameter] => Group(parameter).AsSpan(parameter.Start, parameter.Count);

    /// <summary>A parameter's numbers, by its name, to be kept.</summary>
    internal ReadOnlyMemory<float> Numbers(string name) =>
        Group(List[name]).AsMemory(List[name].Start, List[name].Count);

    private float[] Group(Parameter parameter) => parameter.Kind switch
    {
        ParameterKind.RunningMean or ParameterKind.RunningVariance => Statistics,
        ParameterKind.Constant => Constants,
        _ => Trained,
    };

    /// <summary>A parameter's numbers by its name.</summary>
    public Span<float> this[string name] => this[List[name]];

    /// <summary>Converts a file's tensor to memory's order.</summary>
    public static void FromFile(Parameter parameter, ReadOnlySpan<float> file, Span<float> memory)
    {
        if (parameter.FileShape is [_, var inputs, var height, var width])
            ConvolutionLayout.ToMemory(file, memory, inputs, height * width);
        else file.CopyTo(memory);
    }

    /// <summary>Converts a parameter to a file's order.</summary>
    public static float[] ToFile(Parameter parameter, ReadOnlySpan<float> memory)
    {
        var file = new float[memory.Length];
        if (parameter.FileShape is [_, var inputs, var height, var width])
            ConvolutionLayout.ToFile(memory, file, inputs, height * width);
        else memory.CopyTo(file);
        return file;
    }

    /// <summary>Reads every parameter from a file, whose tensors have their names with a prefix.</summary>
    /// <param name="list">What is wanted.</param>
    /// <param name="file">The file.</param>
    /// <param name="trained">Prefix of trained tensors.</param>
    /// <param name="statistics">Prefix of statistics.</param>
    /// <exception cref="MlffAdException">A tensor is missing or has another shape (exit code 4).</exception>
    public static NetworkWeights Read(ParameterList list, SafetensorsFile file, string trained = "",
        string statistics = "")
    {
        // The largest first, so that no thread is left alone with one at the end.
        (Parameter Parameter, string Name)[] all = [.. list.Trained.Select(p => (Parameter: p, Name: trained + p.Name))
            .Concat(list.Statistics.Select(p => (Parameter: p, Name: statistics + p.Name)))
            .Concat(list.Constants.Select(p => (Parameter: p, p.Name))).OrderByDescending(p => p.Parameter.Count)];
        // A file that is too small for its own configuration gets no memory.
        foreach (var (parameter, name) in all) file.RequireShape(name, parameter.FileShape);
        var weights = Zeros(list);
        HostMemory.AskForLargePages(weights.Trained);
        HostMemory.AskForLargePages(weights.Constants);
        Parallel.ForEachAsync(all, (tensor, _) =>
        {
            Read(tensor.Parameter, file, tensor.Name, weights[tensor.Parameter]);
            return default;
        }).GetAwaiter().GetResult();
        return weights;
    }

    /// <summary>Reads a tensor; where the order changes, some filters at a time, which then are still in
    /// cache.</summary>
    private static void Read(Parameter parameter, SafetensorsFile file, string name, Span<float> memory)
    {
        const int batch = 1 << 14;
        if (parameter.FileShape is not [_, var inputs, var height, var width] || height * width == 1)
        {
            file.ReadFloats(name, parameter.FileShape, 0, memory);
            return;
        }
        int filter = inputs * height * width;
        float[] filters = new float[Math.Max(1, batch / filter) * filter];
        for (int start = 0; start < memory.Length; start += filters.Length)
        {
            int count = Math.Min(filters.Length, memory.Length - start);
            file.ReadFloats(name, parameter.FileShape, start, filters.AsSpan(0, count));
            FromFile(parameter, filters.AsSpan(0, count), memory.Slice(start, count));
        }
    }

    /// <summary>Every parameter as it is written to a file.</summary>
    public IEnumerable<TensorData> ToTensorData(string trained = "", string statistics = "") =>
        [.. Write(List.Trained, Trained, trained), .. Write(List.Statistics, Statistics, statistics),
            .. Write(List.Constants, Constants, "")];

    /// <summary>Parameters out of one flat buffer as they are written to a file: as F32, a memory's projection as F16,
    /// which loses nothing of it.</summary>
    public static IEnumerable<TensorData> Write(IReadOnlyList<Parameter> parameters, float[] flat, string prefix) =>
        parameters.Select(p =>
        {
            bool halves = p.Initial == InitialValues.Projection && p.Kind == ParameterKind.Weight
                && AreHalves(flat.AsSpan(p.Start, p.Count));
            return TensorData.Floats(prefix + p.Name, p.FileShape, () => ToFile(p, flat.AsSpan(p.Start, p.Count)),
                halves ? DType.F16 : DType.F32);
        });

    // Those of earlier versions are not.
    private static bool AreHalves(ReadOnlySpan<float> numbers)
    {
        foreach (float number in numbers)
            if ((float)(Half)number != number) return false;
        return true;
    }
}
