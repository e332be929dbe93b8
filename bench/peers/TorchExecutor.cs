using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace MlffAd.Peers;

/// <summary>Runs the network's description for training in libtorch, which differentiates by itself.</summary>
/// <remarks>Every tensor has its value's shape [N, H, W, C]. libtorch's maps are permuted views of it, [N, C, H, W]
/// with channels-last strides, so that it selects its kernels for that layout. The codes E of the quantisations are
/// dense, as a PyTorch user writes them.</remarks>
internal sealed partial class TorchExecutor(Config config, IReadOnlyDictionary<string, Tensor> parameters) : IExecutor
{
    private const double Momentum = 0.1;
    private readonly Dictionary<Value, List<(Value Place, Tensor Numbers)>> _written = [];
    private readonly Dictionary<Value, Tensor> _codes = [];

    /// <summary>A value's numbers; parts written separately are concatenated.</summary>
    public Tensor Read(Value value)
    {
        var parts =
            _written[value.Root].Where(part => part.Place.Overlaps(value)).OrderBy(part => part.Place.Start).ToList();
        if (parts.Sum(part => part.Place.Shape.C) != value.Shape.C)
            throw new InvalidOperationException(
                $"'{value.Name}' {value.Shape} has not been written in parts that make it up.");
        var numbers = parts.Count == 1 ? parts[0].Numbers : Last(cat([.. parts.Select(part => Map(part.Numbers))], 1));
        return numbers.reshape(Dims(value.Shape));
    }

    /// <summary>Registers an input.</summary>
    public Value Input(Tensor numbers, Shape shape)
    {
        var input = New(shape, "input");
        _written[input] = [(input, numbers)];
        return input;
    }

    /// <inheritdoc/>
    public Value New(Shape shape, string name) => new(shape, name);

    /// <inheritdoc/>
    public Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null) =>
        Write(into ?? New(layer.Output(x.Shape), layer.Name), () => Activate(f, Convolve(layer, x)));

    /// <inheritdoc/>
    public Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None, Value? residual = null,
        Value? into = null) =>
        Write(into ?? New(layer.Output(x.Shape), bn), () =>
        {
            double eps = layer.Name.StartsWith("backbone.", StringComparison.Ordinal)
                ? config.Backbone.BnEps
                : BatchNorm.Epsilon;
            var y = batch_norm(Map(Convolve(layer, x)), parameters[bn + ".running_mean"],
                parameters[bn + ".running_var"], parameters[bn + ".weight"], parameters[bn + ".bias"], training: true,
                Momentum, eps);
            if (residual is not null) y.add_(Map(Read(residual)));
            return Last(Activate(f, y));
        });

    /// <inheritdoc/>
    public Value MaxPool(Value x, int kernel, int stride, int pad)
    {
        var windows = new ConvGeometry(kernel, stride, pad);
        return Write(New(x.Shape with
        {
            H = windows.OutputSize(x.Shape.H),
            W = windows.OutputSize(x.Shape.W),
        }, x.Name + ".max"), () => Last(max_pool2d(Map(Read(x)), kernel, stride, pad)));
    }

    /// <inheritdoc/>
    public Value AveragePool(Value x, int kernel, Value? into = null) =>
        Write(into ?? New(x.Shape with
        {
            H = x.Shape.H / kernel,
            W = x.Shape.W / kernel,
        }, x.Name + ".mean"), () => Last(avg_pool2d(Map(Read(x)), kernel, kernel)));

    /// <inheritdoc/>
    public Value Nearest(Value x, int factor) => Write(New(x.Shape with
    {
        H = x.Shape.H * factor,
        W = x.Shape.W * factor,
    },
    x.Name + ".nearest"),
    () => Last(interpolate(Map(Read(x)), [x.Shape.H * factor, x.Shape.W * factor], mode: InterpolationMode.Nearest)));

    /// <inheritdoc/>
    public Value Bilinear(Value x, int side, bool alignCorners, Value? into = null) => Write(into ?? New(x.Shape with
    {
        H = side,
        W = side,
    },
    x.Name + ".bilinear"),
    () => Last(interpolate(Map(Read(x)), [side, side], mode: InterpolationMode.Bilinear, align_corners: alignCorners)));

    /// <inheritdoc/>
    public Value Add(Value a, Value b, Activation f = Activation.None) =>
        Write(New(a.Shape, a.Name + ".sum"), () => Activate(f, Read(a) + Read(b)));

    /// <inheritdoc/>
    public Value Multiply(Value a, Value b) => Write(New(a.Shape, a.Name + ".product"), () => Read(a) * Read(b));

    /// <inheritdoc/>
    public (Value G, Value M) CosineToMean(Value x, int regionsPerSide)
    {
        int s = regionsPerSide, n = x.Shape.N, h = x.Shape.H / s, c = x.Shape.C;
        Tensor Cells() => Read(x).reshape(n, s, h, s, h, c).permute(0, 1, 3, 2, 4, 5).reshape(n, s * s, h * h, c);
        var g = Write(New(Shape.Of(n, s * s, c), x.Name + ".means"), () => Cells().mean([2]).unsqueeze(1));
        var m = Write(New(Shape.Of(n, x.Shape.Area, 1), x.Name + ".similarities"),
            () => (normalize(Read(g).transpose(1, 2), 2, -1) * normalize(Cells(), 2, -1)).sum(-1)
                .reshape(n, 1, x.Shape.Area, 1));
        return (g, m);
    }

    /// <inheritdoc/>
    public (Value Rows, Value Range) Count1D(Value m, Quantization q)
    {
        var range = New(Shape.Of(m.Shape.N, 1, 4), m.Name + ".range");
        var rows = Write(New(Shape.Of(m.Shape.N, q.Levels, 2), m.Name + ".counts"), () =>
        {
            var (levels, codes) = Quantise(m, 1, q);
            _codes[range] = codes.MoveToOuterDisposeScope();
            return stack([levels, Share(codes.sum(2), 2)], -1);
        });
        return (rows, range);
    }

    /// <inheritdoc/>
    public Value Count2D(Value m, int regions, Quantization q)
    {
        int n = m.Shape.N, h = (int)Math.Sqrt(m.Shape.Area / regions), k = q.Levels;
        return Write(New(Shape.Of(n, regions * k * k, 3), m.Name + ".pairs"), () =>
        {
            var (levels, codes) = Quantise(m, regions, q);
            var square = codes.reshape(n, regions, h, h, k);
            Tensor Corner(int from) =>
                square.narrow(2, from, h - 1).narrow(3, from, h - 1).reshape(n, regions, (h - 1) * (h - 1), k);
            var pairs = matmul(Corner(0).transpose(2, 3), Corner(1));
            return stack([levels.unsqueeze(3).expand_as(pairs), levels.unsqueeze(2).expand_as(pairs),
                Share(pairs, 2, 3)], -1).reshape(n, 1, regions * k * k, 3);
        });
    }

    /// <inheritdoc/>
    public Value LevelsToPixels(Value m, Quantization q, Value range, Value d, Value into) =>
        Write(into, () => matmul(_codes[range], Read(d)).reshape(Dims(into.Shape)));

    /// <inheritdoc/>
    public Value BroadcastRows(Value g, Value into)
    {
        int times = into.Shape.Area / g.Shape.Area;
        return Write(into, () => Read(g).transpose(1, 2).expand(-1, -1, times, -1).reshape(Dims(into.Shape)));
    }

    /// <inheritdoc/>
    public Value RowMean(Value x, int k) => Write(New(x.Shape with { W = x.Shape.W / k }, x.Name + ".mean"),
        () => Read(x).reshape(x.Shape.N, x.Shape.H, x.Shape.W / k, k, x.Shape.C).mean([3]));

    /// <inheritdoc/>
    public Value Attention(Value k, Value q, Value v) =>
        Write(New(v.Shape, v.Name + ".mixed"),
            () => matmul(softmax(matmul(Read(k), Read(q).transpose(2, 3)), -1), Read(v)));

    /// <inheritdoc/>
    public Value Distance(Value F) => Write(New(F.Shape.WithC(1), "S"), () => Distance(Read(F)));

    /// <summary>A(F) of each cell, without cancellation (spec §7).</summary>
    public static Tensor Distance(Tensor F)
    {
        var q = F.square().sum(-1, keepdim: true);
        return q / ((q + 1).sqrt() + 1);
    }

    private Tensor Convolve(Layer layer, Value x)
    {
        Tensor w = parameters[layer.Name + ".weight"], input = Read(x);
        if (layer.Layout == WeightLayout.Rows) return linear(input, w.reshape(layer.Outputs, x.Shape.C));
        var bias = layer.Layout == WeightLayout.Score ? parameters[layer.Name + ".bias"] : null;
        var (stride, pad) = (layer.Geometry.Stride, layer.Geometry.Pad);
        return Last(conv2d(Map(input), Map(w), bias, [stride, stride], [pad, pad]));
    }

    /// <summary>Levels [N, regions, levels] and codes E [N, regions, cells, levels] of
    /// similarities (spec §4).</summary>
    private (Tensor Levels, Tensor Codes) Quantise(Value similarities, int regions, Quantization q)
    {
        if (q is not { Placement: LevelPlacement.Centre, Band: LevelBand.Half })
            throw new NotSupportedException("The peer has the default levels and band alone.");
        var m = Read(similarities).reshape(similarities.Shape.N, regions, similarities.Shape.Area / regions);
        Tensor lo = m.min(2, keepdim: true).values;
        Tensor span = m.max(2, keepdim: true).values - lo;
        Tensor numbers = arange(q.Levels, ScalarType.Float32);
        Tensor levels = lo + span * (2 * numbers + 1) / (2 * q.Levels), sees;
        // If all similarities are equal the bin is NaN, which equals no number: E = 0.
        using (no_grad()) sees = ((m - lo) / (span / q.Levels)).floor().clamp(0, q.Levels - 1).unsqueeze(3) == numbers;
        return (levels, sees * (1 - (levels.unsqueeze(2) - m.unsqueeze(3)).abs()));
    }

    /// <summary>Counts as shares of their sum along some axes.</summary>
    private static Tensor Share(Tensor counts, params long[] axes) =>
        counts / (counts.sum(axes, keepdim: true) + QuantizeCount1D.Epsilon);

    /// <summary>In place: the preceding operator's gradient does not need its result.</summary>
    private static Tensor Activate(Activation f, Tensor x) => f switch
    {
        Activation.ReLU => x.relu_(),
        Activation.LeakyReLU => leaky_relu(x, Pointwise.NegativeSlope, inplace: true),
        Activation.Sigmoid => x.sigmoid_(),
        _ => x,
    };

    private static Tensor Map(Tensor x) => x.permute(0, 3, 1, 2);

    private static Tensor Last(Tensor map) => map.permute(0, 2, 3, 1);

    public static long[] Dims(Shape s) => [s.N, s.H, s.W, s.C];

    /// <summary>Computes a value or a part of one. Intermediate tensors are disposed, unless libtorch keeps them for
    /// the gradient.</summary>
    private Value Write(Value place, Func<Tensor> compute)
    {
        using var scope = NewDisposeScope();
        var numbers = compute().MoveToOuterDisposeScope();
        if (!_written.TryGetValue(place.Root, out var parts)) _written[place.Root] = parts = [];
        parts.Add((place, numbers));
        return place;
    }
}
