namespace MlffAd.Training;

/// <summary>A memory of photographs, and others that it does not know: what benches search, since how much of a memory
/// must be looked at depends on what it remembers.</summary>
/// <param name="Config">The configuration, with as many vectors as there are.</param>
/// <param name="Weights">Its numbers.</param>
/// <param name="Images">A batch of photographs that are not remembered, as the network is fed with them.</param>
public sealed record MemorySample(Config Config, NetworkWeights Weights, float[] Images)
{
    /// <summary>The share of photographs that are not remembered.</summary>
    private const double Share = 0.1;

    /// <summary>Makes a memory, as <see cref="MemoryTrainer"/> does.</summary>
    /// <param name="config">A configuration with a memory.</param>
    /// <param name="folder">Photographs of good parts, or a data set.</param>
    /// <param name="batch">Photographs in a batch.</param>
    /// <param name="device">Where.</param>
    /// <exception cref="MlffAdException">The photographs cannot be used, or are fewer than 8 (exit code 3).</exception>
    public static MemorySample Of(Config config, string folder, int batch, Device device)
    {
        var request = new TrainingRequest(folder, "none", config);
        var start = InitialWeights.ForMemory(request, _ => { });
        var good = DataSet.Open(folder).Train;
        var (remembered, held) = Holdout.Split(good, Share);
        using var maker = new MemoryMaker(request, start, device, _ => { }, default);
        var memory = maker.Make(remembered, held, new Rejects(good.Count, request.MaxBad));
        return new(memory.Config, memory.Weights, Batch(held, config, batch, start.Preprocessing));
    }

    /// <summary>The cells of the batch, <c>[N, M, M, D]</c>.</summary>
    public float[] Cells(Device device)
    {
        var shape = new Shape(Images.Length / (3 * Config.ImageSize * Config.ImageSize), Config.ImageSize,
            Config.ImageSize, 3);
        using var plan =
            Planner.Plan(Config, Weights, device, shape, (x, image) => [new MemoryNetwork(Config).Cells(x, image)]);
        plan.Input.Write(Images);
        plan.Run();
        return plan.Outputs[0].ToArray();
    }

    /// <summary>A batch of photographs as a network is fed with them: the first, over again where there are
    /// fewer.</summary>
    /// <exception cref="MlffAdException">There are none, or one cannot be read (exit code 3).</exception>
    public static float[] Batch(IReadOnlyList<ImageItem> items, Config config, int count, Preprocessing preprocessing)
    {
        int side = config.ImageSize, length = 3 * side * side, at = 0;
        float[] images = new float[(long)count * length];
        var how = KernelOptions.Normalisation(preprocessing);
        foreach (var image in DecodedImage.Ahead(items.Take(count), side, bitDepth: config.BitDepth))
        {
            if (image.Error is { } error) throw error;
            Normalise.Forward(image.Resized!.Rgb, images.AsSpan(at++ * length, length), how);
        }
        if (at == 0) throw new MlffAdException(ExitCode.BadData, "There are no photographs.");
        for (int i = at; i < count; i++) images.AsSpan(i % at * length, length).CopyTo(images.AsSpan(i * length));
        return images;
    }
}
