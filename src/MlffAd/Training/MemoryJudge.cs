using MlffAd.Configuration;
using MlffAd.Data;
using MlffAd.Detection;
using MlffAd.Evaluation;
using MlffAd.Execution;
using MlffAd.Kernels.Runtime;
using MlffAd.Network;
using MlffAd.Weights;

namespace MlffAd.Training;

/// <summary>Scores good images with a memory, each without what the memory knows of it, and writes the memory's scales
/// (spec §14).</summary>
internal sealed class MemoryJudge(
    InitialWeights start, Device device, TrainingRequest request, CancellationToken stop)
{
    /// <summary>Scores images.</summary>
    /// <param name="memory">The memory; its scales are written, from all of the images.</param>
    /// <param name="images">Images that it does not know, or knows as a group.</param>
    /// <param name="onScored">Told of each.</param>
    public IReadOnlyList<ScoredImage> Score(
        MadeMemory memory, IReadOnlyList<ImageItem> images, Action<ImageItem, MlffAdException?> onScored)
    {
        if (memory.Config.Memory.Scaling == Scaling.None) return ScoreAs(memory, images, onScored);
        // Each half by scales of the other: no image is judged by what it showed itself.
        ImageItem[][] halves = [[.. images.Where((_, i) => i % 2 == 0)], [.. images.Where((_, i) => i % 2 == 1)]];
        var scored = new List<ScoredImage>();
        foreach (int half in (ReadOnlySpan<int>)[0, 1])
        {
            Scale(memory, halves[1 - half]);
            scored.AddRange(ScoreAs(memory, halves[half], onScored));
        }
        Scale(memory, images);
        return scored;
    }

    public IReadOnlyList<ScoredImage> ScoreAs(
        MadeMemory memory, IReadOnlyList<ImageItem> images, Action<ImageItem, MlffAdException?> onScored)
    {
        using var scorer = new Scorer(Model(memory), device) { Groups = memory.OwnGroups };
        return scorer.ScoreGood(images, request.MaxBad, request.MaxPixels, (item, error) =>
        {
            stop.ThrowIfCancellationRequested();
            onScored(item, error);
        });
    }

    /// <summary>Writes the memory's scales, if it has any, from good images.</summary>
    public void Scale(MadeMemory memory, IReadOnlyList<ImageItem> images)
    {
        if (memory.Config.Memory.Scaling == Scaling.None) return;
        var (config, byVector) = (memory.Config, memory.Config.Memory.Scaling == Scaling.Vector);
        var scales = new MemoryScales(byVector ? config.Memory.Size : config.Cells);
        using var reader = new CellReader(config, memory.Weights, start.Preprocessing, device, (x, image) =>
        {
            var (distance, index) = new MemoryNetwork(config).Nearest(x, image);
            return [distance, index];
        }, memory.OwnGroups);
        reader.Read(images, request.MaxPixels, (_, _, distances, index) => scales.Add(distances, byVector ? index : []),
            (_, _) => { }, stop);
        scales.Rows().CopyTo(memory.Weights[MemoryNetwork.Scales]);
    }

    private Model Model(MadeMemory memory) =>
        new(new ModelMetadata(memory.Config, start.Preprocessing, 0, null, new(0, 0, 0, "", null), ""), memory.Weights);
}
