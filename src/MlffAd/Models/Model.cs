namespace MlffAd;

/// <summary>A trained model in memory: what <c>mlffad train</c> writes and everything else reads.</summary>
/// <param name="Metadata">Configuration, preprocessing, thresholds, history.</param>
/// <param name="Weights">Weights and running statistics.</param>
public sealed record Model(ModelMetadata Metadata, NetworkWeights Weights)
{
    /// <summary>Reads a model.</summary>
    /// <exception cref="MlffAdException">It cannot be read, is damaged, or is no model (exit code 4).</exception>
    public static Model Load(string path)
    {
        using var file = ModelFile.Open(path);
        var model = new Model(file.Metadata,
            NetworkWeights.Read(MlffNetwork.Parameters(file.Metadata.Config), file.Tensors));
        return MemoryNetwork.FaultOf(model.Weights) is not { } fault ? model
            : throw new MlffAdException(ExitCode.BadModel, $"'{path}' is damaged: {fault}.");
    }

    /// <summary>Writes the model whole or not at all; without what <c>learn</c> alone reads, such as pictures that the
    /// file it was read from keeps.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public void Save(string path) => ModelFile.Save(path, Metadata, Weights.ToTensorData());
}
