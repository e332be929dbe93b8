namespace MlffAd.Network;

/// <summary>A memory of good parts (spec §14): a cell's score is the distance of its features to the nearest that was
/// seen on a good part.</summary>
public sealed class MemoryNetwork(Config config)
{
    /// <summary>Names of what a model stores.</summary>
    public const string Projection = "memory.projection", Step = "memory.step", Vectors = "memory.vectors",
        Groups = "memory.groups", Scales = "memory.scales", NetworkScales = "memory.networkScales";

    private readonly MemoryConfig _c = config.Memory;
    private readonly Backbone _backbone = new(config);

    /// <summary>Columns of a vector that hold its place, the last.</summary>
    public const int PlaceColumns = 2;

    /// <summary>What is wrong with the finite numbers of a file's constants, as a clause; null where distances can be
    /// measured by them, and where there is no memory.</summary>
    internal static string? FaultOf(NetworkWeights weights)
    {
        foreach (var constant in weights.List.Constants)
        {
            var numbers = weights[constant];
            if (constant.Name == Step && numbers[0] < 0) return $"its '{Step}' is {numbers[0]}, below 0";
            // A row is a shift and a factor.
            for (int i = 1; constant.Name is Scales or NetworkScales && i < numbers.Length; i += 2)
                if (!(numbers[i] > 0)) return $"its '{constant.Name}' has a factor of {numbers[i]}, not above 0";
            for (int i = 0; constant.Name == Groups && i < numbers.Length; i++)
                if (numbers[i] < 0 || numbers[i] != MathF.Floor(numbers[i]))
                    return $"its '{Groups}' has a group {numbers[i]}";
        }
        return null;
    }

    /// <summary>From normalised images <c>[N, S, S, 3]</c> to scores <c>[N, M, M, 1]</c>.</summary>
    public Value Forward(IExecutor x, Value image) => Map(x, Nearest(x, image));

    /// <summary>Beside a network, on the same pass through the backbone.</summary>
    /// <param name="x">Executor.</param>
    /// <param name="network">What the network computes.</param>
    /// <returns>The memory's scores and the network's by what is usual of them together, and the memory's
    /// alone.</returns>
    public (Value Map, Value Own) Beside(IExecutor x, Features network)
    {
        var own = Map(x, Nearest(x, network));
        return (x.Add(own, x.Standardise(network.S, null, config.Cells, NetworkScales)), own);
    }

    /// <summary>Each cell's distance and nearest vector, <c>[N, M, M, 1]</c> each, of a network's stages.</summary>
    public (Value Distance, Value Index) Nearest(IExecutor x, Features network) =>
        x.NearestVector(Cells(x, network.S.Shape.N, (stage, into) => into is null ? network.Stages[stage - 1]
            : x.Bilinear(network.Stages[stage - 1], config.MapSide, alignCorners: false, into), [_c.Mean])[0],
            _c.Size, Vectors, Groups);

    /// <summary>From distances to scores.</summary>
    private Value Map(IExecutor x, (Value Distance, Value Index) nearest)
    {
        var (distance, index) = nearest;
        if (_c.Scaling == Scaling.Place) distance = x.Standardise(distance, null, config.Cells, Scales);
        if (_c.Scaling == Scaling.Vector) distance = x.Standardise(distance, index, _c.Size, Scales);
        return _c.Smooth > 0 ? x.LocalMean(distance, LocalWindow.Gaussian(_c.Smooth)) : distance;
    }

    /// <summary>From normalised images <c>[N, S, S, 3]</c> to each cell's distance and nearest vector,
    /// <c>[N, M, M, 1]</c> each.</summary>
    public (Value Distance, Value Index) Nearest(IExecutor x, Value image) =>
        x.NearestVector(Cells(x, image), _c.Size, Vectors, Groups);

    /// <summary>From normalised images <c>[N, S, S, 3]</c> to the cells' vectors <c>[N, M, M, width]</c>: random
    /// projections of the stages' features, beside them the place.</summary>
    public Value Cells(IExecutor x, Value image) => Cells(x, image, [_c.Mean])[0];

    /// <summary>The cells' vectors with and without the mean over positions, of one pass through the
    /// backbone.</summary>
    /// <param name="x">Executor.</param>
    /// <param name="image">Normalised images.</param>
    /// <param name="means">For each value whether it is of means; at most one of either.</param>
    internal Value[] Cells(IExecutor x, Value image, IReadOnlyList<bool> means)
    {
        var f = _backbone.Stem(x, image);
        return Cells(x, image.Shape.N, (stage, into) => f = _backbone.Stage(x, f, stage, into), means);
    }

    /// <summary>The same of stages that are asked for in turn, some to be written where they are wanted.</summary>
    private Value[] Cells(IExecutor x, int n, Func<int, Value?, Value> next, IReadOnlyList<bool> means)
    {
        int side = config.MapSide, width = _c.Width - PlaceColumns;
        Value[] features =
            [.. means.Select(_ => x.New(new(n, side, side, _c.From.Sum(config.StageChannels)), "memory.features"))];
        var plain = means.Contains(false) ? features[means.Index().First(mean => !mean.Item).Index] : null;
        for (int stage = 1, at = 0; stage <= _c.From[^1]; stage++)
        {
            bool taken = _c.From.Contains(stage);
            int channels = config.StageChannels(stage);
            // Stage 2 has the map's side: without a mean it is written where it is wanted.
            var f = next(stage, taken && stage == 2 ? plain?.Slice(at, channels) : null);
            for (int i = 0; taken && i < means.Count; i++)
                Bring(x, f, stage, means[i], features[i].Slice(at, channels));
            if (taken) at += channels;
        }
        return [.. features.Select(whole =>
        {
            var cells = x.New(new(n, side, side, _c.Width), "memory.cells");
            x.Conv(Layer.Conv(Projection, width) with { Initial = InitialValues.Projection }, whole,
                into: cells.Slice(0, width));
            x.Place(Step, into: cells.Slice(width, PlaceColumns));
            return cells;
        })];
    }

    /// <summary>A stage's map, of side S/4, S/8 or S/16, at the side M = S/8.</summary>
    private void Bring(IExecutor x, Value f, int stage, bool mean, Value place)
    {
        var y = mean ? x.LocalMean(f, LocalWindow.Box(1), into: stage == 2 ? place : null) : f;
        if (stage == 1) x.AveragePool(y, 2, into: place);
        if (stage == 3) x.Bilinear(y, config.MapSide, alignCorners: false, into: place);
    }
}
