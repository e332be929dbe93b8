using System.Reflection;
using static MlffAd.Execution.Onnx.TensorProto.Types;

namespace MlffAd.Execution.Onnx;

/// <summary>Exports the network as an ONNX model: from an image's bytes, of any size, to its score map, pixel map and
/// score.</summary>
/// <remarks>Maps are [N, C, H, W] as ONNX has them; rows of levels, pairs or regions are [N, R, C]; similarities are
/// [N, regions, cells]. Batch normalisation is folded. The codes E of the quantisations, which our own operators never
/// store, are dense here.</remarks>
public sealed partial class OnnxWriter : IExecutor
{
    private readonly OnnxGraph _g = new();
    private readonly Config _config;
    private readonly NetworkWeights _weights;
    private readonly List<(Value Value, string Name)> _names = [];
    private readonly HashSet<Value> _rows = [];
    private readonly Dictionary<Value, string> _codes = [];
    private string _image = "";

    private OnnxWriter(Config config, NetworkWeights weights) => (_config, _weights) = (config, weights);

    /// <summary>The model as an ONNX file's bytes.</summary>
    /// <remarks>Input <c>image</c>: RGB bytes [N, H, W, 3]. Outputs: <c>score</c> [N], an image is defective above the
    /// metadata's <c>threshold</c>; <c>score_map</c> [N, M, M], the network's cells; <c>pixel_map</c> [N, S, S], the
    /// cells enlarged, whose maximum the score is.</remarks>
    public static byte[] Write(Model model)
    {
        var metadata = model.Metadata;
        int side = metadata.Config.ImageSize, cells = metadata.Config.MapSide;
        var writer = new OnnxWriter(metadata.Config, model.Weights);
        var g = writer._g;
        var image = writer.Image(writer.Preprocess(metadata.Preprocessing));
        string[] maps = [.. MlffNetwork.Scores(writer._config)(writer, image).Select(writer.Name)];
        string map = maps[0], pixels = writer.Resize(map, side, "linear", "half_pixel");
        string score = maps.Length == 1 ? writer.Readout(map, pixels)
            : writer.Readout(maps[1], writer.Resize(maps[1], side, "linear", "half_pixel"));
        g.Output("score", "what is compared with the threshold", score, "N");
        g.Output("score_map", "scores of the network's cells", g.Node("Squeeze", [map, g.Integers(1)]), "N", cells,
            cells);
        g.Output("pixel_map", "scores enlarged to the network's image size",
            g.Node("Squeeze", [pixels, g.Integers(1)]), "N", side, side);
        return g.ToBytes(Version, new Dictionary<string, string>
        {
            ["class"] = metadata.Class,
            ["threshold"] = metadata.Threshold.ToString(CultureInfo.InvariantCulture),
            ["pixel_threshold"] = metadata.PixelThreshold.ToString(CultureInfo.InvariantCulture),
            ["mlffad_version"] = Version,
        });
    }

    /// <summary>Any part of a network, from normalised images [N, 3, S, S] to <c>output0</c>,
    /// <c>output1</c> …</summary>
    public static byte[] Write(Config config, NetworkWeights weights, Func<IExecutor, Value, Value[]> describe)
    {
        var writer = new OnnxWriter(config, weights);
        var image = writer.Image(writer._g.Input("image", "normalised", DataType.Float, "N", 3, config.ImageSize,
            config.ImageSize));
        var outputs = describe(writer, image);
        for (int i = 0; i < outputs.Length; i++)
            writer._g.Output($"output{i}", outputs[i].Name, writer.Name(outputs[i]), "N", outputs[i].Shape.C,
                outputs[i].Shape.H, outputs[i].Shape.W);
        return writer._g.ToBytes(Version, []);
    }

    /// <summary>The resize alone, to <c>pixels</c> [N, 3, S, S].</summary>
    internal static byte[] WriteResize(Config config, NetworkWeights weights)
    {
        var writer = new OnnxWriter(config, weights);
        writer._g.Output("pixels", "whole numbers", writer.ResizeBytes(), "N", 3, config.ImageSize, config.ImageSize);
        return writer._g.ToBytes(Version, []);
    }

    private static string Version =>
        typeof(OnnxWriter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private Value Image(string name) =>
        Set(new Value(new Shape(1, _config.ImageSize, _config.ImageSize, 3), "image"), _image = name);

    /// <inheritdoc/>
    public Value New(Shape shape, string name) => new(shape, name);

    /// <inheritdoc/>
    public Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null) =>
        Conv(layer, x, _weights[layer.Name + ".weight"], layer.Layout == WeightLayout.Score
            ? _weights[layer.Name + ".bias"]
            : [], f, null, into);

    /// <inheritdoc/>
    public Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None, Value? residual = null,
        Value? into = null)
    {
        var filter = _weights.Fold(_config, layer, bn);
        return Conv(layer, x, filter.ToArray(), filter.Bias, f, residual, into);
    }

    /// <inheritdoc/>
    public Value MaxPool(Value x, int kernel, int stride, int pad)
    {
        var windows = new ConvGeometry(kernel, stride, pad);
        return Set(New(x.Shape with
        {
            H = windows.OutputSize(x.Shape.H),
            W = windows.OutputSize(x.Shape.W),
        }, x.Name + ".max"), _g.Node("MaxPool", [Name(x)], ("kernel_shape", Twice(kernel)), ("strides", Twice(stride)),
        ("pads", new long[] { pad, pad, pad, pad })));
    }

    /// <inheritdoc/>
    public Value AveragePool(Value x, int kernel, Value? into = null) =>
        Set(into ?? New(x.Shape with { H = x.Shape.H / kernel, W = x.Shape.W / kernel }, x.Name + ".mean"),
            _g.Node("AveragePool", [Name(x)], ("kernel_shape", Twice(kernel)), ("strides", Twice(kernel))));

    /// <inheritdoc/>
    public Value Nearest(Value x, int factor) =>
        Set(New(x.Shape with
        {
            H = x.Shape.H * factor,
            W = x.Shape.W * factor,
        }, x.Name + ".nearest"), Resize(Name(x), x.Shape.H * factor, "nearest", "asymmetric"));

    /// <inheritdoc/>
    public Value Bilinear(Value x, int side, bool alignCorners, Value? into = null) =>
        Set(into ?? New(x.Shape with
        {
            H = side,
            W = side,
        }, x.Name + ".bilinear"), Resize(Map(x), side, "linear", alignCorners ? "align_corners" : "half_pixel"));

    /// <inheritdoc/>
    public Value Add(Value a, Value b, Activation f = Activation.None) =>
        Set(New(a.Shape, a.Name + ".sum"), Activate(f, _g.Node("Add", [Name(a), Name(b)])));

    /// <inheritdoc/>
    public Value Multiply(Value a, Value b) =>
        Set(New(a.Shape, a.Name + ".product"), _g.Node("Mul", [Name(a), Name(b)]));

    /// <inheritdoc/>
    public (Value G, Value M) CosineToMean(Value x, int regionsPerSide)
    {
        int s = regionsPerSide, h = x.Shape.H / s, c = x.Shape.C;
        string split = Reshape(Name(x), 0, c, s, h, s, h);
        string cells =
            Reshape(_g.Node("Transpose", [split], ("perm", new long[] { 0, 2, 4, 3, 5, 1 })), 0, s * s, h * h, c);
        string mean = _g.Node("ReduceMean", [cells, _g.Integers(2)], ("keepdims", 1));
        string m = _g.Node("ReduceSum", [_g.Node("Mul", [Normalise(mean), Normalise(cells)]), _g.Integers(3)],
            ("keepdims", 0));
        return (SetRows(New(Shape.Of(x.Shape.N, s * s, c), x.Name + ".means"),
            _g.Node("Squeeze", [mean, _g.Integers(2)])),
            Set(New(Shape.Of(x.Shape.N, x.Shape.Area, 1), x.Name + ".similarities"), m));
    }

    /// <inheritdoc/>
    public (Value Rows, Value Range) Count1D(Value m, Quantization q)
    {
        var (levels, codes) = Quantise(Name(m), q);
        string counts = _g.Node("ReduceSum", [codes, _g.Integers(2)], ("keepdims", 0));
        string rows = Columns(levels, Share(counts, 2));
        var range = New(Shape.Of(m.Shape.N, 1, 4), m.Name + ".range");
        _codes[range] = codes;
        return (SetRows(New(Shape.Of(m.Shape.N, q.Levels, 2), m.Name + ".counts"), Reshape(rows, 0, q.Levels, 2)),
            range);
    }

    /// <inheritdoc/>
    public Value Count2D(Value m, int regions, Quantization q)
    {
        int h = (int)Math.Sqrt(m.Shape.Area / regions), n = q.Levels;
        var (levels, codes) = Quantise(Name(m), q);
        string La = _g.Node("Expand", [_g.Node("Unsqueeze", [levels, _g.Integers(3)]), _g.Integers(1, 1, 1, n)]);
        string Lb = _g.Node("Expand", [_g.Node("Unsqueeze", [levels, _g.Integers(2)]), _g.Integers(1, 1, n, 1)]);
        string pairs;
        if (h == 1) pairs = _g.Node("Mul", [La, _g.Floats([0], 1)]);
        else
        {
            string square = Reshape(codes, 0, regions, h, h, n);
            string Corner(long from, long to) =>
                Reshape(_g.Node("Slice", [square, _g.Integers(from, from), _g.Integers(to, to), _g.Integers(2, 3)]), 0,
                    regions, (h - 1) * (h - 1), n);
            string upper = _g.Node("Transpose", [Corner(0, h - 1)], ("perm", new long[] { 0, 1, 3, 2 }));
            pairs = Share(_g.Node("MatMul", [upper, Corner(1, h)]), 2, 3);
        }
        return SetRows(New(Shape.Of(m.Shape.N, regions * n * n, 3), m.Name + ".pairs"),
            Reshape(Columns(La, Lb, pairs), 0, regions * n * n, 3));
    }

    /// <inheritdoc/>
    public Value LevelsToPixels(Value m, Quantization q, Value range, Value d, Value into)
    {
        string codes = Reshape(_codes[range], 0, m.Shape.Area, q.Levels), pixels = _g.Node("MatMul", [codes, Name(d)]);
        return Set(into, Reshape(_g.Node("Transpose", [pixels], ("perm", new long[] { 0, 2, 1 })), 0, into.Shape.C,
            into.Shape.H, into.Shape.W));
    }

    /// <inheritdoc/>
    public Value BroadcastRows(Value g, Value into)
    {
        int rows = g.Shape.Area, times = into.Shape.Area / rows;
        string many = _g.Node("Expand", [_g.Node("Unsqueeze", [Name(g), _g.Integers(2)]), _g.Integers(1, 1, times, 1)]);
        return SetRows(into, Reshape(many, 0, into.Shape.Area, g.Shape.C));
    }

    /// <inheritdoc/>
    public Value RowMean(Value x, int k) => SetRows(New(x.Shape with { W = x.Shape.W / k }, x.Name + ".mean"),
        _g.Node("ReduceMean", [Reshape(Name(x), 0, x.Shape.W / k, k, x.Shape.C), _g.Integers(2)], ("keepdims", 0)));

    /// <inheritdoc/>
    public Value Attention(Value k, Value q, Value v)
    {
        string scores = _g.Node("MatMul", [Name(k), _g.Node("Transpose", [Name(q)], ("perm", new long[] { 0, 2, 1 }))]);
        return SetRows(New(v.Shape, v.Name + ".mixed"),
            _g.Node("MatMul", [_g.Node("Softmax", [scores], ("axis", -1)), Name(v)]));
    }

    /// <inheritdoc/>
    public Value Distance(Value F)
    {
        string q = _g.Node("ReduceSumSquare", [Name(F), _g.Integers(1)], ("keepdims", 1)), one = _g.Floats([1], 1);
        string root = _g.Node("Sqrt", [_g.Node("Add", [q, one])]);
        return Set(New(F.Shape.WithC(1), "S"), _g.Node("Div", [q, _g.Node("Add", [root, one])]));
    }
}
