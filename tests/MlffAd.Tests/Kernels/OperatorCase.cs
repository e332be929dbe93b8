using MlffAd.Kernels.Runtime;
using MlffAd.Verification;
using Xunit;

namespace MlffAd.Tests.Kernels;

/// <summary>One case of a reference file on a device: its tensors, and the check of results against the file's within its tolerances.</summary>
internal sealed class OperatorCase(Device device, string file, ReferenceCase reference) : IDisposable
{
    private readonly ReferenceFile _file = Golden.File(file);
    private readonly List<Tensor> _rented = [];

    /// <summary>The file's cases; on <c>debug</c>, which is very slow, only the small ones named.</summary>
    public static IEnumerable<ReferenceCase> For(string id, string file, params string[] small) => Golden.Cases(file).Where(c => id != "debug" || small.Contains(c.Name));

    /// <summary>A tensor of the file: <c>[C]</c>, <c>[N, C]</c>, <c>[N, R, C]</c> or <c>[N, H, W, C]</c>.</summary>
    public Tensor this[string name]
    {
        get
        {
            int[] s = _file.Shape(Full(name));
            Shape shape = s.Length switch { 1 => Shape.Of(s[0]), 2 => new(s[0], 1, 1, s[1]), 3 => Shape.Of(s[0], s[1], s[2]), _ => new(s[0], s[1], s[2], s[3]) };
            return Keep(Tensor.From(device, shape, _file.Floats(Full(name)), name));
        }
    }

    /// <summary>An attribute of the case.</summary>
    public int Int(string attribute) => reference.Attrs.GetProperty(attribute).GetInt32();

    /// <inheritdoc cref="Int"/>
    public float Float(string attribute) => reference.Attrs.GetProperty(attribute).GetSingle();

    /// <inheritdoc cref="Int"/>
    public bool Bool(string attribute) => reference.Attrs.GetProperty(attribute).GetBoolean();

    /// <summary>Room for a result of the same shape as the file's tensor.</summary>
    public Tensor Like(string name) => this[name];

    /// <summary>Asserts that results equal the expected outputs.</summary>
    public void Outputs(params ReadOnlySpan<(string Name, Tensor Actual)> results) => Check(results, "", reference.OutputTolerance, reference.OutputNames);

    /// <summary>Asserts that results equal the expected gradients of the named inputs.</summary>
    public void Grads(params ReadOnlySpan<(string Name, Tensor Actual)> results) => Check(results, "d_", reference.GradTolerance, reference.GradNames);

    public void Dispose()
    {
        foreach (var t in _rented) t.Dispose();
    }

    private string Full(string name) => $"{reference.Name}/{name}";

    private Tensor Keep(Tensor t)
    {
        _rented.Add(t);
        return t;
    }

    private void Check(ReadOnlySpan<(string Name, Tensor Actual)> results, string prefix, double tolerance, IEnumerable<string> group)
    {
        float groupMax = _file.GroupMax(group);
        foreach (var (name, actual) in results)
        {
            double error = Golden.Error(actual.ToArray(), _file.Floats(Full(prefix + name)), groupMax);
            Assert.True(error <= tolerance, $"{reference.Name}/{prefix}{name} on {device.Id}: error {error:G3}, tolerance {tolerance:G3}");
        }
    }
}
