using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace MlffAd.Peers;

internal sealed partial class TorchExecutor
{
    /// <inheritdoc/>
    public Value LocalMean(Value x, LocalWindow window, Value? into = null) =>
        Write(into ?? New(x.Shape, x.Name + ".local"), () =>
    {
        float[] along =
            [.. Enumerable.Range(-window.Radius, 2 * window.Radius + 1).Select(d => window.Weight(Math.Abs(d)))];
        float[] square = [.. along.SelectMany(a => along, (a, b) => a * b)];
        var (map, c) = (Map(Read(x)), x.Shape.C);
        var weights = tensor(square).reshape(1, 1, along.Length, along.Length);
        var ones = torch.ones([1, 1, x.Shape.H, x.Shape.W]);
        var sums = conv2d(map, weights.repeat(c, 1, 1, 1), padding: [window.Radius, window.Radius], groups: c);
        return Last(sums / conv2d(ones, weights, padding: [window.Radius, window.Radius]));
    });

    /// <inheritdoc/>
    public Value Place(string step, Value into) => Write(into, () =>
    {
        var (n, h, w, _) = into.Shape;
        Tensor rows = arange(h).reshape(1, h, 1, 1).expand(n, h, w, 1), columns = arange(w).reshape(1, 1, w, 1)
            .expand(n, h, w, 1);
        return cat([rows, columns], -1) * parameters[step].reshape(1);
    });

    /// <inheritdoc/>
    public (Value Distance, Value Index) NearestVector(Value x, int count, string vectors, string groups)
    {
        Value distance = New(x.Shape.WithC(1), "memory.distance"), index = New(x.Shape.WithC(1), "memory.nearest");
        var all = cdist(Read(x).reshape(-1, x.Shape.C), parameters[vectors]);
        var (least, which) = all.min(1);
        Write(distance, () => least.reshape(Dims(distance.Shape)));
        Write(index, () => which.to(ScalarType.Float32).reshape(Dims(index.Shape)));
        return (distance, index);
    }

    /// <inheritdoc/>
    public Value Standardise(Value d, Value? index, int count, string scales) =>
        Write(New(d.Shape, d.Name + ".standard"), () =>
    {
        var rows = index is null ? parameters[scales].repeat(d.Shape.N, 1)
            : parameters[scales].index_select(0, Read(index).reshape(-1).to(ScalarType.Int64));
        return (Read(d) - rows.select(1, 0).reshape(Dims(d.Shape))) * rows.select(1, 1).reshape(Dims(d.Shape));
    });
}
