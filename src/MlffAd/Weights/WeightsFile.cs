namespace MlffAd.Weights;

/// <summary>A backbone's weights in memory: every tensor of <see cref="BackboneLayout"/>, checked against its shape,
/// and what the file says of them.</summary>
public sealed class WeightsFile
{
    private WeightsFile(string source, int[] stages, int width, WeightsMetadata metadata,
        OrderedDictionary<string, NamedTensor> tensors) =>
        (Source, Stages, Width, Metadata, Tensors) = (source, stages, width, metadata, tensors);

    /// <summary>The file's path.</summary>
    public string Source { get; }

    /// <summary>Bottlenecks of stages 1 to 3.</summary>
    public IReadOnlyList<int> Stages { get; }

    /// <summary>Channels of the first convolution.</summary>
    public int Width { get; }

    /// <summary>Stride placement, ε, preprocessing, origin, licence.</summary>
    public WeightsMetadata Metadata { get; }

    /// <summary>The tensors by torchvision's names, without a prefix; convolutions as
    /// <c>[Cout, Cin, KH, KW]</c>.</summary>
    public IReadOnlyDictionary<string, NamedTensor> Tensors { get; }

    /// <summary>Where the shipped weights (ImageNet ResNet50, stages 1 to 3) lie: beside the program.</summary>
    public static string ShippedPath { get; } =
        Path.Combine(AppContext.BaseDirectory, "weights", "resnet50-imagenet-stage123.safetensors");

    /// <summary>Loads a file that <c>mlffad weights import</c> made, or any safetensors file with torchvision's names
    /// and no convolution bias.</summary>
    /// <exception cref="MlffAdException">The file cannot be read, or is not a backbone (exit code 4).</exception>
    public static WeightsFile Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var metadata = WeightsMetadata.Parse(file.Metadata, path);
        var (stages, width) = BackboneLayout.Measure(file.Tensors);
        var tensors = new OrderedDictionary<string, NamedTensor>(StringComparer.Ordinal);
        foreach (var conv in BackboneLayout.Convolutions(stages, width))
        {
            if (file.Tensors.ContainsKey($"{conv.Conv}.bias"))
                throw new MlffAdException(ExitCode.BadModel,
                    $"'{path}' has a bias on '{conv.Conv}'; make a file without with: mlffad weights import '{path}' "
                        + $"-o FILE.");
            foreach (var (name, shape) in conv.Tensors) tensors.Add(name,
                new NamedTensor(name, shape, file.ReadFloats(name, shape)));
        }
        return new WeightsFile(path, stages, width, metadata, tensors);
    }
}
