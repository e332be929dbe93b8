using System.Reflection;
using static MlffAd.Execution.Onnx.TensorProto.Types;

namespace MlffAd.Execution.Onnx;

public sealed partial class OnnxWriter
{
    /// <summary>Bytes to the network's input: antialiased resize, one rounding, normalisation
    /// (spec §2.2, §2.3).</summary>
    private string Preprocess(Preprocessing p)
    {
        string pixels = ResizeBytes();
        if (p.Order == "BGR") pixels = _g.Node("Gather", [pixels, _g.Integers(2, 1, 0)], ("axis", 1));
        var how = KernelOptions.Normalisation(p);
        return _g.Node("Add",
            [_g.Node("Mul", [pixels, _g.Floats(how.Factors, 1, 3, 1, 1)]), _g.Floats(how.Shifts, 1, 3, 1, 1)]);
    }

    private string ResizeBytes()
    {
        string bytes = _g.Input("image", "RGB, 8 bits, any size", DataType.Uint8, "N", "H", "W", 3);
        string planes = _g.Node("Transpose", [_g.Node("Cast", [bytes], ("to", (int)DataType.Float))],
            ("perm", new long[] { 0, 3, 1, 2 }));
        string resized = Resize(planes, _config.ImageSize, "linear", "half_pixel", antialias: true);
        return _g.Node("Clip",
            [_g.Node("Floor", [_g.Node("Add", [resized, _g.Floats([0.5f], 1)])]), _g.Floats([0]), _g.Floats([255])]);
    }

    private Value Conv(Layer layer, Value x, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Activation f,
        Value? residual, Value? into)
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

    /// <summary>Levels [N, regions, levels] and codes E [N, regions, cells, levels] of similarities [N,
    /// regions, cells].</summary>
    private (string Levels, string Codes) Quantise(string m, Quantization q)
    {
        int n = q.Levels, offset = q.Placement == LevelPlacement.Centre ? 1 : 2;
        string axis = _g.Integers(2);
        string lo = _g.Node("ReduceMin", [m, axis], ("keepdims", 1));
        string hi = _g.Node("ReduceMax", [m, axis], ("keepdims", 1));
        string span = _g.Node("Sub", [hi, lo]);
        string delta = _g.Node("Div", [span, _g.Floats([n], 1)]);
        string steps = _g.Floats([.. Enumerable.Range(0, n).Select(i => (float)(2 * i + offset))], 1, 1, n);
        string levels = _g.Node("Add", [lo, _g.Node("Div", [_g.Node("Mul", [span, steps]), _g.Floats([2 * n], 1)])]);
        string d = _g.Node("Sub", [_g.Node("Unsqueeze", [levels, axis]), _g.Node("Unsqueeze", [m, _g.Integers(3)])]);
        string sees;
        if (q is { Placement: LevelPlacement.Centre, Band: LevelBand.Half })
        {
            string bin = _g.Node("Floor", [_g.Node("Div", [_g.Node("Sub", [m, lo]), delta])]);
            bin = _g.Node("Clip", [bin, _g.Floats([0]), _g.Floats([n - 1])]);
            sees = _g.Node("Equal", [_g.Node("Unsqueeze", [bin, _g.Integers(3)]),
                _g.Floats([.. Enumerable.Range(0, n).Select(i => (float)i)], 1, 1, 1, n)]);
        }
        else
        {
            string reach = q.Band == LevelBand.Absolute ? _g.Floats([0.5f / n], 1)
                : _g.Node("Unsqueeze", [q.Band == LevelBand.Spacing
                    ? delta
                    : _g.Node("Div", [span, _g.Floats([2 * n], 1)]), _g.Integers(3)]);
            sees = _g.Node("And", [_g.Node("Less", [d, reach]),
                _g.Node(q.Band == LevelBand.Spacing ? "Greater" : "GreaterOrEqual", [d, _g.Node("Neg", [reach])])]);
        }
        sees = _g.Node("And",
            [sees, _g.Node("Unsqueeze", [_g.Node("Greater", [delta, _g.Floats([0], 1)]), _g.Integers(3)])]);
        return (levels,
            _g.Node("Where", [sees, _g.Node("Sub", [_g.Floats([1], 1), _g.Node("Abs", [d])]), _g.Floats([0], 1)]));
    }

    /// <summary>Counts as shares of their sum along some axes.</summary>
    private string Share(string counts, params ReadOnlySpan<long> axes) =>
        _g.Node("Div", [counts,
            _g.Node("Add", [_g.Node("ReduceSum", [counts, _g.Integers(axes)], ("keepdims", 1)),
                _g.Floats([QuantizeCount1D.Epsilon], 1)])]);

    /// <summary>Equal tensors as the columns of rows.</summary>
    private string Columns(params ReadOnlySpan<string> columns)
    {
        var wide = new string[columns.Length];
        for (int i = 0; i < columns.Length; i++) wide[i] = _g.Node("Unsqueeze", [columns[i], _g.Integers(-1)]);
        return _g.Node("Concat", wide, ("axis", -1));
    }

    /// <summary><c>x/max(‖x‖, 1e-12)</c> along the last axis.</summary>
    private string Normalise(string x) =>
        _g.Node("Div",
            [x, _g.Node("Max", [_g.Node("ReduceL2", [x, _g.Integers(-1)], ("keepdims", 1)), _g.Floats([1e-12f], 1)])]);

    private string Activate(Activation f, string x) => f switch
    {
        Activation.ReLU => _g.Node("Relu", [x]),
        Activation.LeakyReLU => _g.Node("LeakyRelu", [x], ("alpha", Pointwise.NegativeSlope)),
        Activation.Sigmoid => _g.Node("Sigmoid", [x]),
        _ => x,
    };

    private string Resize(string x, int side, string mode, string coordinates, bool antialias = false) =>
        _g.Node("Resize", [x, "", "", _g.Integers(side, side)], ("axes", new long[] { 2, 3 }), ("mode", mode),
            ("coordinate_transformation_mode", coordinates), ("nearest_mode", "floor"),
            ("antialias", antialias ? 1 : 0), ("exclude_outside", antialias ? 1 : 0));

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
        if (parts.Find(part => part.Value.Start == value.Start
            && part.Value.Shape.C == value.Shape.C) is { Name: not null } whole) return whole.Name;
        if (parts.Sum(part => part.Value.Shape.C) != value.Shape.C)
            throw new InvalidOperationException(
                $"'{value.Name}' {value.Shape} has not been written in parts that make it up.");
        string name =
            _g.Node("Concat", [.. parts.Select(part => part.Name)], ("axis", _rows.Contains(value.Root) ? 2 : 1));
        return name;
    }

    /// <summary>A value as a map, if it is rows of regions.</summary>
    private string Map(Value value) => !_rows.Contains(value.Root) ? Name(value)
        : Reshape(_g.Node("Transpose", [Name(value)], ("perm", new long[] { 0, 2, 1 })), 0, value.Shape.C,
            value.Shape.H, value.Shape.W);
}
