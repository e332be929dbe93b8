namespace MlffAd.Training;

/// <summary>Joins a network to a memory on one backbone: it counts in the map as far as held-out images gain by it
/// (spec §14).</summary>
/// <param name="memory">The memory.</param>
/// <param name="metadata">What its model knows.</param>
/// <param name="network">The network.</param>
internal sealed class MemoryJoin(MadeMemory memory, ModelMetadata metadata, TrainedNetwork network)
{
    /// <summary>Joins them.</summary>
    /// <param name="judge">Measures images.</param>
    /// <param name="judged">Good images that the memory was judged by.</param>
    /// <param name="counts">Whether an image, by its contents, sets thresholds.</param>
    /// <param name="known">What the memory found in them, and in others that scales rest on.</param>
    /// <param name="given">The network's weight; null to choose it.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    /// <param name="say">Told where the network is left out.</param>
    /// <returns>Both, or the memory as it was.</returns>
    public (MadeMemory Memory, ModelMetadata Metadata) Join(MemoryJudge judge, IReadOnlyList<ImageItem> judged,
        Predicate<ulong> counts, MemoryScores known, double? given, long maxPixels, Action<string> say)
    {
        ImageItem[] held = [.. judged.Intersect(network.Held)];
        var found = judge.MeasureUntrained(With(new NetworkShare(1, 0, 0)), held, maxPixels);
        Judged[] maps = [.. known.With(found).Of(memory.Config)
            .Where(j => j.Network is not null && counts(j.Picture.Owner))];
        var share = maps.Any(j => !j.Picture.IsGood) ? NetworkShare.Choose(maps, memory.Config, given) : null;
        if (share is null or { Weight: 0 })
        {
            say(share is null ? "No held-out image tells what the network is worth beside the memory: it is left out."
                : $"On {held.Length} held-out images the memory's map is as good without the network: it is left out.");
            return (memory, metadata);
        }
        var both = With(share);
        float pixel = MemoryJudge.Calibrate(maps, [], both.Config, share).PixelThreshold;
        return (both, metadata with
        {
            Config = both.Config,
            Calibration = metadata.Calibration! with { PixelThreshold = pixel },
            Training = network.Record,
        });
    }

    private MadeMemory With(NetworkShare share)
    {
        var config = memory.Config with { Memory = memory.Config.Memory with { Network = share.Weight } };
        var weights = network.Weights.In(MlffNetwork.Parameters(config));
        memory.Weights.CopyTo(weights);
        share.Rows(config.Cells).CopyTo(weights[MemoryNetwork.NetworkScales]);
        return memory with { Config = config, Weights = weights };
    }
}
