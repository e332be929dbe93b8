namespace MlffAd.Training;

/// <summary>Good images that look like no other: one defective photograph among the good would be remembered, and its
/// defect pass for ever (spec §14).</summary>
internal static class StandingApart
{
    /// <summary>An image stands apart where its strangest cells are this many deviations above the median image's, and
    /// this many times as far.</summary>
    private const double Deviations = 7, LeastRatio = 1.25;

    /// <summary>Images that are named at most; cells of an image that tell.</summary>
    private const int Most = 10, CellsOfAnImage = 10;

    /// <summary>Vectors compared with all at a time.</summary>
    private const int AtOnce = 4096;

    /// <summary>A remembered image, and how far its strangest cells are from all other images.</summary>
    public sealed record Stranger(ImageItem Item, double Distance, double Usual);

    /// <summary>Finds them among remembered vectors alone: a cell that is like no other is always chosen.</summary>
    public static IReadOnlyList<Stranger> Find(MadeMemory memory, Device device)
    {
        if (memory.Groups.Count < 8) return [];   // of a handful every image is a stranger
        float[] distances = Distances(memory, device);
        var groups = memory.Weights[MemoryNetwork.Groups].ToArray();
        var apart = distances.Zip(groups).GroupBy(pair => (int)pair.Second).ToDictionary(image => image.Key,
            image => image.Select(pair => (double)pair.First).OrderDescending().Take(CellsOfAnImage).Average());
        var (median, limit) = (Timing.Median(apart.Values), Limit(apart.Values));
        return [.. memory.Items.Where(item =>
            apart.GetValueOrDefault(memory.Groups.GetValueOrDefault(item.Key, -1)) > limit)
            .SelectMany(item => item.Value.Select(copy => new Stranger(copy, apart[memory.Groups[item.Key]], median)))
            .OrderByDescending(stranger => stranger.Distance)
                .ThenBy(stranger => stranger.Item.Name, StringComparer.Ordinal).Take(Most)];
    }

    /// <summary>What is above it among such values stands apart from the others.</summary>
    public static double Limit(IReadOnlyCollection<double> values)
    {
        double median = Timing.Median(values);
        double deviation = 1.4826 * Timing.Median(values.Select(v => Math.Abs(v - median)));
        return Math.Max(median + Deviations * deviation, LeastRatio * median);
    }

    /// <summary>Names them, each with the box of what is strange, and draws it beside the model.</summary>
    public static void Name(IReadOnlyList<Stranger> strangers, Model model, MadeMemory memory, TrainingRequest request,
        Device device, Action<string> say)
    {
        if (strangers.Count == 0) return;
        string folder = OutputFolder.Make(request.Output + ".apart");
        if (OutputFolder.IsBelow(folder, request.Folder)) OutputFolder.SetMark(folder);
        using var scorer = new Scorer(model, device) { Groups = memory.Groups };
        var names = HeatMapNames.Of([.. strangers.Select(stranger => stranger.Item)]);
        foreach (var (i, image) in scorer.Score([.. strangers.Select(stranger => stranger.Item)], request.MaxPixels)
            .Index())
        {
            if (image.Original is not { } photo) continue;
            var map = image.Cells!.Enlarge(photo.Width, photo.Height);
            float limit = model.Metadata.PixelThreshold;
            string box = Components.LargestAbove(map, limit) is { } b
                ? string.Create(CultureInfo.InvariantCulture, $" at {b.X},{b.Y},{b.Width},{b.Height}") : "";
            string path = Path.Combine(folder, names[i]);
            OutputFolder.MakeBelow(Path.GetDirectoryName(path)!);
            ImageFile.WritePng(path, HeatMap.Overlay(photo, map, ColourScale.Of(memory.Config, limit)));
            say(string.Create(CultureInfo.InvariantCulture,
                $"'{image.Item.Name}' stands apart from all other good images{box} "
                + $"({strangers[i].Distance / strangers[i].Usual:0.0} times as far as is usual): see '{path}'."));
        }
        say("If they show defects, these are remembered as normal: move those photographs out of "
            + "the folder and train again.");
    }

    private static float[] Distances(MadeMemory memory, Device device)
    {
        var (b, width) = (memory.Config.Memory.Size, memory.Config.Memory.Width);
        using var vectors =
            Tensor.From(device, Shape.Of(1, b, width), memory.Weights[MemoryNetwork.Vectors], "vectors");
        using var groups = Tensor.From(device, Shape.Of(b), memory.Weights[MemoryNetwork.Groups], "groups");
        using var packed = PackedVectors.Pack(vectors, groups);
        using var distance = Tensor.Rent(device, Shape.Of(1, b, 1), "distances");
        using var index = Tensor.Rent(device, Shape.Of(1, b, 1), "nearest");
        for (int start = 0; start < b; start += AtOnce)
        {
            int count = Math.Min(AtOnce, b - start);
            NearestVector.Forward(vectors.Part((long)start * width, Shape.Of(1, count, width)), packed,
                distance.Part(start, Shape.Of(1, count, 1)), index.Part(start, Shape.Of(1, count, 1)),
                groups.Part(start, Shape.Of(count)));
        }
        return distance.ToArray();
    }
}
