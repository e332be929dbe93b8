using System.Globalization;
using System.Reflection;
using MlffAd.Autograd;
using MlffAd.Configuration;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;
using MlffAd.Network;
using MlffAd.Weights;
using static MlffAd.Execution.Onnx.TensorProto.Types;

namespace MlffAd.Execution.Onnx;

/// <summary>Writes the network's description down as an ONNX model: from an image's bytes of any size to its score map, pixel map and score.</summary>
/// <remarks>Maps are [N, C, H, W] as ONNX has them; rows of levels, pairs or regions are [N, R, C]; similarities are [N, regions, cells]. Batch normalisation is folded. The codes
/// E of the quantisations, which our own operators never store, are dense here.</remarks>
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
    /// <remarks>Input <c>image</c>: RGB bytes [N, H, W, 3]. Outputs: <c>score</c> [N], an image is defective above the metadata's <c>threshold</c>; <c>score_map</c> [N, M, M], the
    /// network's cells; <c>pixel_map</c> [N, S, S], the cells enlarged, whose maximum the score is.</remarks>
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
        g.Output("score_map", "scores of the network's cells", g.Node("Squeeze", [map, g.Integers(1)]), "N", cells, cells);
        g.Output("pixel_map", "scores enlarged to the network's image size", g.Node("Squeeze", [pixels, g.Integers(1)]), "N", side, side);
        return g.ToBytes(Version, new Dictionary<string, string>
        {
            ["class"] = metadata.Class,
            ["threshold"] = metadata.Threshold.ToString(CultureInfo.InvariantCulture),
            ["pixel_threshold"] = metadata.PixelThreshold.ToString(CultureInfo.InvariantCulture),
            ["mlffad_version"] = Version,
        });
    }

    /// <summary>Any part of a network, from normalised images [N, 3, S, S] to <c>output0</c>, <c>output1</c> …</summary>
    public static byte[] Write(Config config, NetworkWeights weights, Func<IExecutor, Value, Value[]> describe)
    {
        var writer = new OnnxWriter(config, weights);
        var image = writer.Image(writer._g.Input("image", "normalised", DataType.Float, "N", 3, config.ImageSize, config.ImageSize));
        var outputs = describe(writer, image);
        for (int i = 0; i < outputs.Length; i++) writer._g.Output($"output{i}", outputs[i].Name, writer.Name(outputs[i]), "N", outputs[i].Shape.C, outputs[i].Shape.H, outputs[i].Shape.W);
        return writer._g.ToBytes(Version, []);
    }

    /// <summary>The resize alone, to <c>pixels</c> [N, 3, S, S].</summary>
    internal static byte[] WriteResize(Config config, NetworkWeights weights)
    {
        var writer = new OnnxWriter(config, weights);
        writer._g.Output("pixels", "whole numbers", writer.ResizeBytes(), "N", 3, config.ImageSize, config.ImageSize);
        return writer._g.ToBytes(Version, []);
    }

    private static string Version => typeof(OnnxWriter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private Value Image(string name) =>
        Set(new Value(new Shape(1, _config.ImageSize, _config.ImageSize, 3), "image"), _image = name);

    /// <inheritdoc/>
    public Value New(Shape shape, string name) => new(shape, name);

    /// <inheritdoc/>
    public Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null) =>
        Conv(layer, x, _weights[layer.Name + ".weight"], layer.Layout == WeightLayout.Score ? _weights[layer.Name + ".bias"] : [], f, null, into);

    /// <inheritdoc/>
    public Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None, Value? residual = null, Value? into = null)
    {
        var filter = _weights.Fold(_config, layer, bn);
        return Conv(layer, x, filter.ToArray(), filter.Bias, f, residual, into);
    }

    /// <inheritdoc/>
    public Value MaxPool(Value x, int kernel, int stride, int pad)
    {
        var windows = new ConvGeometry(kernel, stride, pad);
        return Set(New(x.Shape with { H = windows.OutputSize(x.Shape.H), W = windows.OutputSize(x.Shape.W) }, x.Name + ".max"),
            _g.Node("MaxPool", [Name(x)], ("kernel_shape", Twice(kernel)), ("strides", Twice(stride)), ("pads", new long[] { pad, pad, pad, pad })));
    }

    /// <inheritdoc/>
    public Value AveragePool(Value x, int kernel, Value? into = null) =>
        Set(into ?? New(x.Shape with { H = x.Shape.H / kernel, W = x.Shape.W / kernel }, x.Name + ".mean"),
            _g.Node("AveragePool", [Name(x)], ("kernel_shape", Twice(kernel)), ("strides", Twice(kernel))));

    /// <inheritdoc/>
    public Value Nearest(Value x, int factor) =>
        Set(New(x.Shape with { H = x.Shape.H * factor, W = x.Shape.W * factor }, x.Name + ".nearest"), Resize(Name(x), x.Shape.H * factor, "nearest", "asymmetric"));

    /// <inheritdoc/>
    public Value Bilinear(Value x, int side, bool alignCorners, Value? into = null) =>
        Set(into ?? New(x.Shape with { H = side, W = side }, x.Name + ".bilinear"), Resize(Map(x), side, "linear", alignCorners ? "align_corners" : "half_pixel"));

    /// <inheritdoc/>
    public Value Add(Value a, Value b, Activation f = Activation.None) => Set(New(a.Shape, a.Name + ".sum"), Activate(f, _g.Node("Add", [Name(a), Name(b)])));

    /// <inheritdoc/>
    public Value Multiply(Value a, Value b) => Set(New(a.Shape, a.Name + ".product"), _g.Node("Mul", [Name(a), Name(b)]));

    /// <inheritdoc/>
    public (Value G, Value M) CosineToMean(Value x, int regionsPerSide)
    {
        int s = regionsPerSide, h = x.Shape.H / s, c = x.Shape.C;
        string split = Reshape(Name(x), 0, c, s, h, s, h), cells = Reshape(_g.Node("Transpose", [split], ("perm", new long[] { 0, 2, 4, 3, 5, 1 })), 0, s * s, h * h, c);
        string mean = _g.Node("ReduceMean", [cells, _g.Integers(2)], ("keepdims", 1));
        string m = _g.Node("ReduceSum", [_g.Node("Mul", [Normalise(mean), Normalise(cells)]), _g.Integers(3)], ("keepdims", 0));
        return (SetRows(New(Shape.Of(x.Shape.N, s * s, c), x.Name + ".means"), _g.Node("Squeeze", [mean, _g.Integers(2)])),
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
        return (SetRows(New(Shape.Of(m.Shape.N, q.Levels, 2), m.Name + ".counts"), Reshape(rows, 0, q.Levels, 2)), range);
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
            string Corner(long from, long to) => Reshape(_g.Node("Slice", [square, _g.Integers(from, from), _g.Integers(to, to), _g.Integers(2, 3)]), 0, regions, (h - 1) * (h - 1), n);
            string upper = _g.Node("Transpose", [Corner(0, h - 1)], ("perm", new long[] { 0, 1, 3, 2 }));
            pairs = Share(_g.Node("MatMul", [upper, Corner(1, h)]), 2, 3);
        }
        return SetRows(New(Shape.Of(m.Shape.N, regions * n * n, 3), m.Name + ".pairs"), Reshape(Columns(La, Lb, pairs), 0, regions * n * n, 3));
    }

    /// <inheritdoc/>
    public Value LevelsToPixels(Value m, Quantization q, Value range, Value d, Value into)
    {
        string codes = Reshape(_codes[range], 0, m.Shape.Area, q.Levels), pixels = _g.Node("MatMul", [codes, Name(d)]);
        return Set(into, Reshape(_g.Node("Transpose", [pixels], ("perm", new long[] { 0, 2, 1 })), 0, into.Shape.C, into.Shape.H, into.Shape.W));
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
        return SetRows(New(v.Shape, v.Name + ".mixed"), _g.Node("MatMul", [_g.Node("Softmax", [scores], ("axis", -1)), Name(v)]));
    }

    /// <inheritdoc/>
    public Value Distance(Value F)
    {
        string q = _g.Node("ReduceSumSquare", [Name(F), _g.Integers(1)], ("keepdims", 1)), one = _g.Floats([1], 1);
        string root = _g.Node("Sqrt", [_g.Node("Add", [q, one])]);
        return Set(New(F.Shape.WithC(1), "S"), _g.Node("Div", [q, _g.Node("Add", [root, one])]));
    }

    /// <summary>Bytes to the network's input: antialiased resize, one rounding, normalisation (spec §2.2, §2.3).</summary>
    private string Preprocess(Preprocessing p)
    {
        string pixels = ResizeBytes();
        if (p.Order == "BGR") pixels = _g.Node("Gather", [pixels, _g.Integers(2, 1, 0)], ("axis", 1));
        var how = KernelOptions.Normalisation(p);
        return _g.Node("Add", [_g.Node("Mul", [pixels, _g.Floats(how.Factors, 1, 3, 1, 1)]), _g.Floats(how.Shifts, 1, 3, 1, 1)]);
    }

    private string ResizeBytes()
    {
        string bytes = _g.Input("image", "RGB, 8 bits, any size", DataType.Uint8, "N", "H", "W", 3);
        string planes = _g.Node("Transpose", [_g.Node("Cast", [bytes], ("to", (int)DataType.Float))], ("perm", new long[] { 0, 3, 1, 2 }));
        string resized = Resize(planes, _config.ImageSize, "linear", "half_pixel", antialias: true);
        return _g.Node("Clip", [_g.Node("Floor", [_g.Node("Add", [resized, _g.Floats([0.5f], 1)])]), _g.Floats([0]), _g.Floats([255])]);
    }

    private Value Conv(Layer layer, Value x, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Activation f, Value? residual, Value? into)
    {
        int inputs = x.Shape.C, outputs = layer.Outputs, k = layer.Geometry.Kernel;
        var y = into ?? New(layer.Output(x.Shape), layer.Name);
        bool rows = layer.Layout == WeightLayout.Rows;
        var values = new float[w.Length];
        if (rows)
        {
            for (int o = 0; o < outputs; o++)
                for (int i = 0; i < inputs; i++) values[i * outputs + o] = w[o * inputs + i];
            string sum = _g.Node("MatMul", [Name(x), _g.Floats(values, inputs, outputs)]);
            if (!bias.IsEmpty) sum = _g.Node("Add", [sum, _g.Floats(bias, outputs)]);
            return SetRows(y, Activate(f, sum));
        }
        ConvolutionLayout.ToFile(w, values, inputs, k * k);
        var (stride, pad) = (layer.Geometry.Stride, layer.Geometry.Pad);
        string weights = _g.Floats(values, outputs, inputs, k, k);
        string conv = _g.Node("Conv", bias.IsEmpty ? [Name(x), weights] : [Name(x), weights, _g.Floats(bias, outputs)],
            ("kernel_shape", Twice(k)), ("strides", Twice(stride)), ("pads", new long[] { pad, pad, pad, pad }));
        return Set(y, Activate(f, residual is null ? conv : _g.Node("Add", [conv, Name(residual)])));
    }

    /// <summary>Levels [N, regions, levels] and codes E [N, regions, cells, levels] of similarities [N, regions, cells].</summary>
    private (string Levels, string Codes) Quantise(string m, Quantization q)
    {
        int n = q.Levels, offset = q.Placement == LevelPlacement.Centre ? 1 : 2;
        string axis = _g.Integers(2);
        string lo = _g.Node("ReduceMin", [m, axis], ("keepdims", 1)), hi = _g.Node("ReduceMax", [m, axis], ("keepdims", 1)), span = _g.Node("Sub", [hi, lo]);
        string delta = _g.Node("Div", [span, _g.Floats([n], 1)]);
        string steps = _g.Floats([.. Enumerable.Range(0, n).Select(i => (float)(2 * i + offset))], 1, 1, n);
        string levels = _g.Node("Add", [lo, _g.Node("Div", [_g.Node("Mul", [span, steps]), _g.Floats([2 * n], 1)])]);
        string d = _g.Node("Sub", [_g.Node("Unsqueeze", [levels, axis]), _g.Node("Unsqueeze", [m, _g.Integers(3)])]);
        string sees;
        if (q is { Placement: LevelPlacement.Centre, Band: LevelBand.Half })
        {
            string bin = _g.Node("Floor", [_g.Node("Div", [_g.Node("Sub", [m, lo]), delta])]);
            bin = _g.Node("Clip", [bin, _g.Floats([0]), _g.Floats([n - 1])]);
            sees = _g.Node("Equal", [_g.Node("Unsqueeze", [bin, _g.Integers(3)]), _g.Floats([.. Enumerable.Range(0, n).Select(i => (float)i)], 1, 1, 1, n)]);
        }
        else
        {
            string reach = q.Band == LevelBand.Absolute ? _g.Floats([0.5f / n], 1)
                : _g.Node("Unsqueeze", [q.Band == LevelBand.Spacing ? delta : _g.Node("Div", [span, _g.Floats([2 * n], 1)]), _g.Integers(3)]);
            sees = _g.Node("And", [_g.Node("Less", [d, reach]), _g.Node(q.Band == LevelBand.Spacing ? "Greater" : "GreaterOrEqual", [d, _g.Node("Neg", [reach])])]);
        }
        sees = _g.Node("And", [sees, _g.Node("Unsqueeze", [_g.Node("Greater", [delta, _g.Floats([0], 1)]), _g.Integers(3)])]);
        return (levels, _g.Node("Where", [sees, _g.Node("Sub", [_g.Floats([1], 1), _g.Node("Abs", [d])]), _g.Floats([0], 1)]));
    }

    /// <summary>Counts as shares of their sum along some axes.</summary>
    private string Share(string counts, params ReadOnlySpan<long> axes) =>
        _g.Node("Div", [counts, _g.Node("Add", [_g.Node("ReduceSum", [counts, _g.Integers(axes)], ("keepdims", 1)), _g.Floats([QuantizeCount1D.Epsilon], 1)])]);

    /// <summary>Equal tensors as the columns of rows.</summary>
    private string Columns(params ReadOnlySpan<string> columns)
    {
        var wide = new string[columns.Length];
        for (int i = 0; i < columns.Length; i++) wide[i] = _g.Node("Unsqueeze", [columns[i], _g.Integers(-1)]);
        return _g.Node("Concat", wide, ("axis", -1));
    }

    /// <summary><c>x/max(‖x‖, 1e-12)</c> along the last axis.</summary>
    private string Normalise(string x) =>
        _g.Node("Div", [x, _g.Node("Max", [_g.Node("ReduceL2", [x, _g.Integers(-1)], ("keepdims", 1)), _g.Floats([1e-12f], 1)])]);

    private string Activate(Activation f, string x) => f switch
    {
        Activation.ReLU => _g.Node("Relu", [x]),
        Activation.LeakyReLU => _g.Node("LeakyRelu", [x], ("alpha", Pointwise.NegativeSlope)),
        Activation.Sigmoid => _g.Node("Sigmoid", [x]),
        _ => x,
    };

    private string Resize(string x, int side, string mode, string coordinates, bool antialias = false) =>
        _g.Node("Resize", [x, "", "", _g.Integers(side, side)], ("axes", new long[] { 2, 3 }), ("mode", mode), ("coordinate_transformation_mode", coordinates),
            ("nearest_mode", "floor"), ("antialias", antialias ? 1 : 0), ("exclude_outside", antialias ? 1 : 0));

    /// <summary>0 keeps an extent.</summary>
    private string Reshape(string x, params ReadOnlySpan<long> shape) => _g.Node("Reshape", [x, _g.Integers(shape)]);

    private static long[] Twice(int value) => [value, value];

    private Value Set(Value value, string name)
    {
        _names.Add((value, name));
        return value;
    }

    private Value SetRows(Value value, string name)
    {
        _rows.Add(value.Root);
        return Set(value, name);
    }

    /// <summary>The name under which a value can be read; parts that were written apart are concatenated.</summary>
    private string Name(Value value)
    {
        var parts = _names.Where(entry => entry.Value.Overlaps(value)).OrderBy(entry => entry.Value.Start).ToList();
        if (parts.Find(part => part.Value.Start == value.Start && part.Value.Shape.C == value.Shape.C) is { Name: not null } whole) return whole.Name;
        if (parts.Sum(part => part.Value.Shape.C) != value.Shape.C) throw new InvalidOperationException($"'{value.Name}' {value.Shape} has not been written in parts that make it up.");
        string name = _g.Node("Concat", [.. parts.Select(part => part.Name)], ("axis", _rows.Contains(value.Root) ? 2 : 1));
        return name;
    }

    /// <summary>A value as a map, if it is rows of regions.</summary>
    private string Map(Value value) => !_rows.Contains(value.Root) ? Name(value)
        : Reshape(_g.Node("Transpose", [Name(value)], ("perm", new long[] { 0, 2, 1 })), 0, value.Shape.C, value.Shape.H, value.Shape.W);
}
