namespace MlffAd.Bench;

public sealed partial class StepOperators
{
    /// <summary>The memory that is benched where the configuration has none, and a pool that is chosen from in a
    /// second.</summary>
    private const int MemorySize = 10000, PoolSize = 20000, Choices = 500;

    /// <summary>Cells of photographs, computed when they are first asked for.</summary>
    private Lazy<float[]>? _cells;

    /// <summary>A memory's words, which no training step of the network says, and its making.</summary>
    private void Memory(Config config, int batch, Device device)
    {
        if (_sample is not null) _cells = new(() => _sample.Cells(device));
        int d = config.Memory.Width, side = config.MapSide, size = config.HasMemory ? config.Memory.Size : MemorySize;
        Value cells = Of(new(batch, side, side, d), "cells"), map = Of(cells.Shape.WithC(1), "map"),
            stage = Of(cells.Shape, "stage");
        Place("step", cells.Slice(d - 2, 2));
        var (distance, index) = NearestVector(cells, size, "vectors", "groups");
        Standardise(distance, null, config.Cells, "scales");
        Standardise(distance, index, size, "scales");
        LocalMean(map, LocalWindow.Gaussian(config.Memory.Smooth));
        LocalMean(stage, LocalWindow.Box(1));
        while (_backward.TryPop(out var gradients)) gradients();
        Value pool = Of(Shape.Of(1, _cells is null ? PoolSize : cells.Shape.Rows, d), "pool");
        Note("memory.kcentre", $"{Choices} of {pool.Shape}", [pool], t => KCentre.Choose(t[0], Choices), t =>
        {
            if (_cells is not null) t[0].Write(_cells.Value);
        });
    }

    /// <inheritdoc/>
    public Value LocalMean(Value x, LocalWindow window, Value? into = null)
    {
        Value y = into ?? New(x.Shape, x.Name + ".local");
        string what = $"{Text(y)}, {2 * window.Radius + 1}×{2 * window.Radius + 1}";
        Note("pool.local", what, [x, y], t => Kernels.LocalMean.Forward(t[0], t[1], window));
        _backward.Push(() =>
        {
            bool add = Adds(x);
            Note("pool.local.gradient", what + Text(add), [y, x],
                t => Kernels.LocalMean.Gradient(t[0], t[1], window, add));
        });
        return y;
    }

    /// <inheritdoc/>
    public Value Place(string step, Value into)
    {
        Note("memory.place", Text(into), [Of(Shape.Of(1), step), into], t => Cells.Place(t[0], t[1]));
        return into;
    }

    /// <inheritdoc/>
    public (Value Distance, Value Index) NearestVector(Value x, int count, string vectors, string groups)
    {
        Value m = Of(Shape.Of(1, count, x.Shape.C), vectors), d = New(x.Shape.WithC(1), "distance"),
            index = New(d.Shape, "index");
        string what = $"{x.Shape}, {count} vectors";
        void Fill(Tensor[] t)
        {
            if (_cells is null) return;
            t[0].Write(_cells.Value);
            t[1].Write(_sample!.Weights[MemoryNetwork.Vectors]);
        }
        void Find(Tensor[] t)
        {
            Fill(t);
            Kernels.NearestVector.Forward(t[0], t[1], t[2], t[3]);
        }
        Note("memory.nearest", what, [x, m, d, index], t =>
        {
            Fill(t);
            var packed = PackedVectors.Pack(t[1]);
            return new OperatorCall(() => Kernels.NearestVector.Forward(t[0], packed, t[2], t[3]), packed);
        });
        _backward.Push(() =>
        {
            bool add = Adds(x);
            Note("memory.nearest.dq", what + Text(add), [x, m, d, index, d, x],
                t => Kernels.NearestVector.QueryGradient(t[0], t[1], t[2], t[3], t[4], t[5], add), Find);
            Note("memory.nearest.dm", what, [x, m, d, index, d, m],
                t => Kernels.NearestVector.VectorGradient(t[0], t[1], t[2], t[3], t[4], t[5]), Find);
        });
        return (d, index);
    }

    /// <inheritdoc/>
    public Value Standardise(Value d, Value? index, int count, string scales)
    {
        Value s = Of(Shape.Of(1, count, 2), scales), y = New(d.Shape, d.Name + ".standard");
        string what = $"{d.Shape} by {(index is null ? "place" : "vector")}";
        Value[] indices = index is null ? [] : [index];
        void Zero(Tensor[] t)
        {
            if (index is not null) Pointwise.Fill(t[3], 0);
        }
        Note("memory.standardise", what, [d, s, y, .. indices],
            t => Cells.Standardise(t[0], t.ElementAtOrDefault(3), t[1], t[2]), Zero);
        _backward.Push(() =>
        {
            bool add = Adds(d);
            Note("memory.standardise.gradient", what + Text(add), [y, s, d, .. indices],
                t => Cells.StandardiseGradient(t[0], t.ElementAtOrDefault(3), t[1], t[2], add), Zero);
        });
        return y;
    }
}
