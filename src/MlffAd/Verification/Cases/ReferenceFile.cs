using System.Text.Json;

namespace MlffAd.Verification;

/// <summary>A file of reference tensors: inputs, expected results and gradients of operators or of a network.</summary>
/// <remarks>Tensors of a case are named <c>case/input</c>, <c>case/output</c>; <c>case/d_output</c> is the gradient
/// that flows in, <c>case/d_input</c> the one expected to come out. Activations are channels-last, convolution weights
/// <c>[Cout, Cin, KH, KW]</c>.</remarks>
public sealed class ReferenceFile : IDisposable
{
    private readonly SafetensorsFile file;

    private ReferenceFile(SafetensorsFile file)
    {
        this.file = file;
        Kind = Text("kind");
        Cases = Kind == "operators" ? Json("cases").EnumerateArray().Select(ReferenceCase.Parse).ToArray() : [];
    }

    /// <summary>"operators" or "network".</summary>
    public string Kind { get; }

    /// <summary>The cases of an operator file, none in a network file.</summary>
    public IReadOnlyList<ReferenceCase> Cases { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => file.Tensors;

    /// <summary>Opens and checks the file; dispose to close it.</summary>
    /// <exception cref="MlffAdException">The file cannot be read, or is no reference file.</exception>
    public static ReferenceFile Open(string path)
    {
        var file = SafetensorsFile.Open(path);
        try { return new ReferenceFile(file); }
        catch (Exception e)
        {
            file.Dispose();
            if (e is JsonException or InvalidOperationException or KeyNotFoundException)
                throw new MlffAdException(ExitCode.BadModel,
                    $"'{path}' is not a reference file ({e.Message.TrimEnd('.')}).", e);
            throw;
        }
    }

    /// <summary>A metadata string.</summary>
    /// <exception cref="MlffAdException">There is none of that name.</exception>
    public string Text(string key) => file.Metadata.TryGetValue(key, out string? text)
        ? text
        : throw new MlffAdException(ExitCode.BadModel,
            $"'{file.Source}' is not a reference file: its metadata has no '{key}'.");

    /// <summary>A metadata string parsed as JSON.</summary>
    public JsonElement Json(string key)
    {
        using var document = JsonDocument.Parse(Text(key));
        return document.RootElement.Clone();
    }

    /// <summary>The path.</summary>
    public string Source => file.Source;

    /// <summary>A tensor's numbers.</summary>
    public float[] Floats(string name) => file.ReadFloats(name);

    /// <summary>A tensor's labels.</summary>
    public int[] Ints(string name) => file.ReadInts(name);

    /// <summary>A tensor's extents.</summary>
    public int[] Shape(string name) => file[name].Shape;

    /// <summary>The largest magnitude in a group: one case's expected outputs, its expected gradients, or a prefix of
    /// a network file.</summary>
    public float GroupMax(IEnumerable<string> names) =>
        names.Select(name => MaxMagnitude(Floats(name))).DefaultIfEmpty(0).Max();

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    /// <summary><c>max|a − b| / max(max|b|, 1e-3·groupMax)</c>; infinite where <paramref name="actual"/>
    /// is not finite.</summary>
    /// <param name="actual">What was computed.</param>
    /// <param name="expected">What the file says.</param>
    /// <param name="groupMax">The largest magnitude of the group, so that a gradient that is zero by symmetry does
    /// not count as wrong.</param>
    /// <param name="floor">The share of <paramref name="groupMax"/> that is the least scale.</param>
    public static double Error(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double groupMax,
        double floor = 1e-3)
    {
        if (actual.Length != expected.Length)
            throw new ArgumentException($"{actual.Length} numbers cannot be compared with {expected.Length}.");
        double worst = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double difference = Math.Abs((double)actual[i] - expected[i]);
            if (!double.IsFinite(difference)) return double.PositiveInfinity;
            worst = Math.Max(worst, difference);
        }
        double scale = Math.Max(MaxMagnitude(expected), floor * groupMax);
        return worst == 0 ? 0 : worst / scale;
    }

    private static float MaxMagnitude(ReadOnlySpan<float> values)
    {
        float max = 0;
        foreach (float value in values) max = Math.Max(max, Math.Abs(value));
        return max;
    }
}
