namespace MlffAd.Models;

/// <summary>A trained model, <c>*.mlffad</c>: a safetensors file with <see cref="ModelMetadata"/> (spec §12).
/// Convolutions are <c>[Cout, Cin, KH, KW]</c>.</summary>
public sealed class ModelFile : IDisposable
{
    private ModelFile(SafetensorsFile tensors) => (Tensors, Metadata) = (tensors, ModelMetadata.Parse(tensors));

    /// <summary>Configuration, preprocessing, thresholds, history.</summary>
    public ModelMetadata Metadata { get; }

    /// <summary>The weights and running statistics.</summary>
    public SafetensorsFile Tensors { get; }

    /// <summary>Writes a model whole or not at all.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7), or could not be opened again: its
    /// thresholds are not finite (4).</exception>
    public static void Save(string path, ModelMetadata metadata, IEnumerable<TensorData> tensors)
    {
        if (!float.IsFinite(metadata.Threshold) || !float.IsFinite(metadata.PixelThreshold))
            throw new MlffAdException(ExitCode.BadModel,
                $"'{path}' was not written: its thresholds, {metadata.Threshold} and "
                + $"{metadata.PixelThreshold}, are not finite numbers, and it could not be opened.");
        // Scales of settings that the history has dropped go with them.
        var scales = metadata.Earlier.Select(earlier => earlier.Memory?.ScalesName).ToHashSet();
        TensorData[] all = [.. tensors.Where(t => !MemoryExtent.IsEarlier(t.Name) || scales.Contains(t.Name))];
        Safetensors.Write(path, all, metadata.ToStrings(learns: all.Any(t => t.Name == KeptPictures.Images)));
    }

    /// <summary>Opens a model and checks all but the tensors' names and numbers; dispose to close it.</summary>
    /// <exception cref="MlffAdException">It cannot be read, is damaged, or is no model (exit code 4).</exception>
    public static ModelFile Open(string path)
    {
        var file = SafetensorsFile.Open(path);
        try { return new ModelFile(file); }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Replaces a model's metadata, as recalibration does; its tensors stay as they are.</summary>
    /// <exception cref="MlffAdException">The model cannot be read (exit code 4) or written (7).</exception>
    public static void Update(string path, Func<ModelMetadata, ModelMetadata> change)
    {
        ModelMetadata metadata;
        TensorData[] tensors;
        using (var model = Open(path))
        {
            metadata = change(model.Metadata);
            tensors = [.. model.ReadTensors()];
        }
        Save(path, metadata, tensors);
    }

    /// <summary>Every tensor's bytes as they are.</summary>
    internal IEnumerable<TensorData> ReadTensors() => Tensors.Tensors.Values.Select(tensor =>
    {
        byte[] bytes = Tensors.ReadBytes(tensor.Name);
        return new TensorData(tensor.Name, tensor.DType, tensor.Shape, stream => stream.Write(bytes));
    });

    /// <summary>Closes the file.</summary>
    public void Dispose() => Tensors.Dispose();
}
