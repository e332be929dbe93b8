using System.Runtime.InteropServices;
using Google.Protobuf;
using static MlffAd.Execution.Onnx.AttributeProto.Types;
using static MlffAd.Execution.Onnx.TensorProto.Types;

namespace MlffAd.Execution.Onnx;

/// <summary>Builds a graph of ONNX operators; nodes and constants get names of their own.</summary>
internal sealed class OnnxGraph
{
    /// <summary>The operator set whose definitions the nodes follow, and the format version
    /// that came with it.</summary>
    private const int OperatorSet = 18, FormatVersion = 8;

    private readonly GraphProto _graph = new() { Name = "mlffad" };

    /// <summary>Adds a node with one output; returns the output's name.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Names of its inputs; "" for one that is left out.</param>
    /// <param name="attributes">Integers (long, long[]), floats and strings.</param>
    public string Node(string op, ReadOnlySpan<string> inputs,
        params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        string name = $"{op}_{_graph.Node.Count}";
        var node = new NodeProto { Name = name, OpType = op };
        foreach (string input in inputs) node.Input.Add(input);
        node.Output.Add(name);
        foreach (var (key, value) in attributes) node.Attribute.Add(Attribute(key, value));
        _graph.Node.Add(node);
        return name;
    }

    /// <summary>Adds the largest of each row, in falling order; returns the name of their values.</summary>
    public string Largest(string rows, int count)
    {
        string name = Node("TopK", [rows, Integers(count)], ("axis", -1));
        _graph.Node[^1].Output.Add(name + "_which");
        return name;
    }

    /// <summary>Adds numbers that the file carries.</summary>
    public string Floats(ReadOnlySpan<float> values, params ReadOnlySpan<long> dims) =>
        Constant(DataType.Float, MemoryMarshal.AsBytes(values), dims);

    /// <summary>Adds a vector of integers.</summary>
    public string Integers(params ReadOnlySpan<long> values) =>
        Constant(DataType.Int64, MemoryMarshal.AsBytes(values), [values.Length]);

    /// <summary>Declares an input; a negative extent names a free one.</summary>
    public string Input(string name, string description, DataType type, params ReadOnlySpan<object> dims)
    {
        _graph.Input.Add(Declare(name, description, type, dims));
        return name;
    }

    /// <summary>Declares an output and what it is computed from.</summary>
    public void Output(string name, string description, string value, params ReadOnlySpan<object> dims)
    {
        var node = new NodeProto { Name = name, OpType = "Identity" };
        node.Input.Add(value);
        node.Output.Add(name);
        _graph.Node.Add(node);
        _graph.Output.Add(Declare(name, description, DataType.Float, dims));
    }

    /// <summary>The whole as a file's bytes.</summary>
    public byte[] ToBytes(string version, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        var model = new ModelProto
        {
            IrVersion = FormatVersion,
            ProducerName = "mlffad",
            ProducerVersion = version,
            Graph = _graph,
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = OperatorSet });
        foreach (var (key, value) in metadata) model.MetadataProps.Add(new StringStringEntryProto
        {
            Key = key,
            Value = value,
        });
        return model.ToByteArray();
    }

    private string Constant(DataType type, ReadOnlySpan<byte> bytes, ReadOnlySpan<long> dims)
    {
        string name = $"constant_{_graph.Initializer.Count}";
        var tensor = new TensorProto { Name = name, DataType = type, RawData = ByteString.CopyFrom(bytes) };
        foreach (long dim in dims) tensor.Dims.Add(dim);
        _graph.Initializer.Add(tensor);
        return name;
    }

    /// <summary>Extents are numbers, or names of extents that are free.</summary>
    private static ValueInfoProto Declare(string name, string description, DataType type, ReadOnlySpan<object> dims)
    {
        var shape = new TensorShapeProto();
        foreach (object dim in dims)
            shape.Dim.Add(dim is string free
                ? new TensorShapeProto.Types.Dimension { DimParam = free }
                : new TensorShapeProto.Types.Dimension { DimValue = (int)dim });
        return new ValueInfoProto
        {
            Name = name,
            DocString = description,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = type, Shape = shape } },
        };
    }

    private static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case int i: (attribute.Type, attribute.I) = (AttributeType.Int, i); break;
            case float f: (attribute.Type, attribute.F) = (AttributeType.Float, f); break;
            case string s: (attribute.Type, attribute.S) = (AttributeType.String, ByteString.CopyFromUtf8(s)); break;
            case long[] many:
                attribute.Type = AttributeType.Ints;
                attribute.Ints.AddRange(many);
                break;
            default: throw new ArgumentException($"Attribute '{name}' is a {value.GetType().Name}.", nameof(value));
        }
        return attribute;
    }
}
