using MlffAd.Autograd;
using MlffAd.Configuration;
using MlffAd.Execution;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Network;

/// <summary>A memory of good parts (spec §14): a cell's score is the distance of its features to the nearest that was
/// seen on a good part.</summary>
public sealed class MemoryNetwork(Config config)
{
    /// <summary>Names of what a model stores.</summary>
    public const string Projection = "memory.projection", Step = "memory.step", Vectors = "memory.vectors",
        Groups = "memory.groups", Scales = "memory.scales";

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
            for (int i = 1; constant.Name == Scales && i < numbers.Length; i += 2)
                if (!(numbers[i] > 0)) return $"its '{Scales}' has a factor of {numbers[i]}, not above 0";
            for (int i = 0; constant.Name == Groups && i < numbers.Length; i++)
                if (numbers[i] < 0 || numbers[i] != MathF.Floor(numbers[i]))
                    return $"its '{Groups}' has a group {numbers[i]}";
        }
        return null;
    }

    /// <summary>From normalised images <c>[N, S, S, 3]</c> to scores <c>[N, M, M, 1]</c>.</summary>
    public Value Forward(IExecutor x, Value image)
    {
        var (distance, index) = Nearest(x, image);
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
    public Value Cells(IExecutor x, Value image)
    {
        int n = image.Shape.N, side = config.MapSide;
        var features = x.New(new(n, side, side, _c.From.Sum(config.StageChannels)), "memory.features");
        var f = _backbone.Stem(x, image);
        for (int stage = 1, at = 0; stage <= _c.From[^1]; stage++)
        {
            bool taken = _c.From.Contains(stage);
            var place = taken ? features.Slice(at, config.StageChannels(stage)) : null;
            if (taken) at += config.StageChannels(stage);
            // Stage 2 has the map's side: without a mean it is written where it is wanted.
            f = _backbone.Stage(x, f, stage, into: stage == 2 && !_c.Mean ? place : null);
            if (place is not null) Bring(x, f, stage, place);
        }
        var cells = x.New(new(n, side, side, _c.Width), "memory.cells");
        x.Conv(Layer.Conv(Projection, _c.Width - PlaceColumns), features,
            into: cells.Slice(0, _c.Width - PlaceColumns));
        x.Place(Step, into: cells.Slice(_c.Width - PlaceColumns, PlaceColumns));
        return cells;
    }

    /// <summary>A stage's map, of side S/4, S/8 or S/16, at the side M = S/8.</summary>
    private void Bring(IExecutor x, Value f, int stage, Value place)
    {
        var y = _c.Mean ? x.LocalMean(f, LocalWindow.Box(1), into: stage == 2 ? place : null) : f;
        if (stage == 1) x.AveragePool(y, 2, into: place);
        if (stage == 3) x.Bilinear(y, config.MapSide, alignCorners: false, into: place);
    }
}
