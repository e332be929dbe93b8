namespace MlffAd.Models;

/// <summary>What a model was before: <c>threshold</c> and <c>learn</c> have one history.</summary>
public static class ModelHistory
{
    /// <summary>Goes back to before thresholds were last set or photographs last learnt, to the same bytes.</summary>
    /// <param name="path">The model.</param>
    /// <param name="output">Where to write it; null: nothing is written.</param>
    /// <returns>What it was, and is then.</returns>
    /// <exception cref="MlffAdException">There is nothing to undo (exit code 2), the file is damaged (4), or cannot be
    /// written (7).</exception>
    public static (ModelMetadata Was, ModelMetadata Now) Undo(string path, string? output)
    {
        ModelMetadata was, now;
        TensorData[] tensors;
        using (var model = ModelFile.Open(path))
        {
            was = model.Metadata;
            now = was.Undone() ?? throw new MlffAdException(ExitCode.Usage,
                $"'{path}' has had no other thresholds: there is nothing to undo.");
            var extent = was.Earlier[^1].Memory;
            if (extent is not null) Require(model, extent);
            tensors = [.. model.ReadTensors()];
            if (extent is not null) tensors = [.. Cut(tensors, model.Tensors, extent)];
        }
        if (output is not null) ModelFile.Save(output, now, tensors);
        return (was, now);
    }

    /// <summary>Refuses a file that cannot be cut back.</summary>
    private static void Require(ModelFile model, MemoryExtent extent)
    {
        var (file, memory) = (model.Tensors, model.Metadata.Config.Memory);
        var pictures = KeptPictures.Read(model);
        if (extent.Known >= pictures.Known.Count || extent.Kept > pictures.Pictures.Count)
            throw KeptPictures.Damaged(file, $"it knows {pictures.Known.Count} images and keeps "
                + $"{pictures.Pictures.Count}, its history says more than {extent.Known} and {extent.Kept}");
        file.RequireShape(MemoryNetwork.Vectors, [memory.Size, memory.Width]);
        file.RequireShape(MemoryNetwork.Groups, [memory.Size, 1]);
        int rows = memory.Scaling == Scaling.Vector ? extent.Vectors : model.Metadata.Config.Cells;
        if (memory.Scaling != Scaling.None) file.RequireShape(extent.ScalesName, [rows, 2]);
    }

    private static IEnumerable<TensorData> Cut(TensorData[] tensors, SafetensorsFile file, MemoryExtent extent)
    {
        foreach (var tensor in tensors)
        {
            int? rows = tensor.Name switch
            {
                MemoryNetwork.Vectors or MemoryNetwork.Groups => extent.Vectors,
                KeptPictures.Images or KeptPictures.Groups => extent.Known,
                KeptPictures.Kept => extent.Kept,
                _ => null,
            };
            if (tensor.Name == extent.ScalesName) yield return tensor with { Name = MemoryNetwork.Scales };
            else if (rows is { } left and > 0)
            {
                var cut = tensor with { Shape = [left, .. tensor.Shape[1..]] };
                byte[] bytes = file.ReadBytes(tensor.Name);
                yield return cut with { Write = stream => stream.Write(bytes.AsSpan(0, (int)cut.Length)) };
            }
            // Of what has no row left, and of the scales that the earlier ones take the place of, nothing stays.
            else if (rows is null && tensor.Name != MemoryNetwork.Scales) yield return tensor;
        }
    }
}
