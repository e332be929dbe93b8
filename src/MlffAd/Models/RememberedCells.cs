namespace MlffAd.Models;

/// <summary>How far the cells of some remembered images are from what was remembered of others, when the memory was
/// made: beside the kept pictures, what scales and threshold rest on (spec §12, §14).</summary>
/// <param name="Distances">Of each image's cells, M².</param>
/// <param name="Nearest">The vectors that these are the distances to; none where scales are not by vector.</param>
internal sealed record RememberedCells(IReadOnlyList<float[]> Distances, IReadOnlyList<float[]> Nearest)
{
    /// <summary>Names of the tensors.</summary>
    public const string DistanceName = "memory.ownDistances", NearestName = "memory.ownNearest";

    /// <summary>Reads and checks them; there are none in models of earlier versions, nor where no image is held
    /// out.</summary>
    /// <exception cref="MlffAdException">They are cut, or cannot be distances (exit code 4).</exception>
    public static RememberedCells Read(ModelFile model)
    {
        var (file, config) = (model.Tensors, model.Metadata.Config);
        int images = KeptPictures.Rows(file, DistanceName, DType.F32, [config.Cells]);
        if (images == 0) return new([], []);
        var distances = Images(DistanceName, distance => distance >= 0);
        if (config.Memory.Scaling != Scaling.Vector) return new(distances, []);
        file.RequireShape(NearestName, [images, config.Cells]);
        return new(distances, Images(NearestName, vector =>
            vector >= 0 && vector < config.Memory.Size && vector == MathF.Floor(vector)));

        float[][] Images(string name, Predicate<float> isPossible)
        {
            float[] all = file.ReadFloats(name, [images, config.Cells]);
            return Array.FindIndex(all, number => !isPossible(number)) is var bad && bad < 0
                ? [.. all.Chunk(config.Cells)]
                : throw KeptPictures.Damaged(file, $"its '{name}' has a {all[bad]}");
        }
    }

    /// <summary>As they are written.</summary>
    public IEnumerable<TensorData> ToTensorData()
    {
        if (Distances.Count == 0) yield break;
        yield return Tensor(DistanceName, Distances);
        if (Nearest.Count > 0) yield return Tensor(NearestName, Nearest);
    }

    private static TensorData Tensor(string name, IReadOnlyList<float[]> images) =>
        TensorData.Floats(name, [images.Count, images[0].Length], images.SelectMany(image => image).ToArray());
}
