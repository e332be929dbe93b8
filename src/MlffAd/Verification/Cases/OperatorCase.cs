using System.Text.Json;

namespace MlffAd.Verification;

/// <summary>One case of an operator file while it is recomputed: hands its inputs to the runner,
/// takes results back.</summary>
/// <remarks>A list of extents becomes a <see cref="Shape"/> from the right: <c>[N, R, C]</c> is N×1×R×C, <c>[R, C]</c>
/// is 1×1×R×C. A runner whose operator wants another says so. Every tensor is returned to the pool when
/// the case is done.</remarks>
internal sealed class OperatorCase : IDisposable
{
    private readonly ReferenceFile _file;
    private readonly ReferenceCase _case;
    private readonly List<Tensor> _rented = [];
    private readonly Dictionary<string, float[]> _results = [];

    private OperatorCase(ReferenceFile file, ReferenceCase reference, Device device) =>
        (_file, _case, Device) = (file, reference, device);

    public Device Device { get; }

    /// <summary>Runs a case and measures every expected output and gradient.</summary>
    /// <exception cref="MlffAdException">There is no runner for its operator, or the case is incomplete.</exception>
    public static IEnumerable<TensorError> Verify(ReferenceFile file, ReferenceCase reference, Device device,
        IReadOnlyDictionary<string, Action<OperatorCase>> runners)
    {
        using var run = new OperatorCase(file, reference, device);
        if (!runners.TryGetValue(reference.Op, out var runner)) throw run.Bad($"there is no operator '{reference.Op}'");
        runner(run);
        return
        [
            .. run.Errors(reference.OutputNames, reference.OutputTolerance),
            .. run.Errors(reference.GradNames, reference.GradTolerance),
        ];
    }

    public bool Has(string input) => _case.Inputs.Contains(input);

    public bool HasUpstream => _case.Upstream.Length > 0;

    /// <summary>An input, or with <c>d_</c> in front the gradient that flows into an output.</summary>
    public Tensor Input(string name, Shape? shape = null) =>
        Keep(Tensor.From(Device, shape ?? ShapeOf(name), _file.Floats(Full(name)), name));

    public int[] Labels(string name) => _file.Ints(Full(name));

    /// <summary>A tensor for a result or something between; filled with a number that no result holds, so that what is
    /// not written is seen.</summary>
    public Tensor Rent(Shape shape, string name)
    {
        var tensor = Keep(Tensor.Rent(Device, shape, name));
        Kernels.Pointwise.Fill(tensor, 1e30f);
        return tensor;
    }

    /// <summary>A tensor of the shape that the file gives a name.</summary>
    public Tensor Rent(string name) => Rent(ShapeOf(name), name);

    public void Result(string name, Tensor tensor) => Result(name, tensor.ToArray());

    public void Result(string name, float[] values) => _results.Add(Full(name), values);

    public Shape ShapeOf(string name) => _file.Shape(Full(name)) switch
    {
        [var c] => Shape.Of(c),
        [var r, var c] => Shape.Of(1, r, c),
        [var n, var r, var c] => Shape.Of(n, r, c),
        [var n, var h, var w, var c] => new Shape(n, h, w, c),
        var other => throw Bad($"'{name}' has {other.Length} extents, where one to four are known"),
    };

    public int Int(string attribute) => Attribute(attribute, a => a.GetInt32());

    public float Number(string attribute) => Attribute(attribute, a => a.GetSingle());

    public bool Flag(string attribute) => Attribute(attribute, a => a.GetBoolean());

    public string Word(string attribute) => Attribute(attribute, a => a.GetString()!);

    public T Attribute<T>(string name, Func<JsonElement, T> read)
    {
        try { return read(_case.Attrs.GetProperty(name)); }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException
            or FormatException)
        { throw Bad($"its attribute '{name}' is missing or of the wrong kind", e); }
    }

    public MlffAdException Bad(string why, Exception? inner = null) =>
        new(ExitCode.BadModel, $"Case '{_case.Name}' of '{_file.Source}' cannot be computed: {why}.", inner);

    public void Dispose() => _rented.ForEach(t => t.Dispose());

    private IEnumerable<TensorError> Errors(IEnumerable<string> group, double tolerance)
    {
        float max = _file.GroupMax(group);
        foreach (string name in group)
        {
            if (!_results.TryGetValue(name, out float[]? actual)) throw Bad($"the operator has no '{name}'");
            float[] expected = _file.Floats(name);
            if (actual.Length != expected.Length)
                throw Bad($"'{name}' has {expected.Length} numbers where the operator gives {actual.Length}");
            yield return new TensorError(name, ReferenceFile.Error(actual, expected, max), tolerance);
        }
    }

    private string Full(string name) => $"{_case.Name}/{name}";

    private Tensor Keep(Tensor tensor)
    {
        _rented.Add(tensor);
        return tensor;
    }
}
