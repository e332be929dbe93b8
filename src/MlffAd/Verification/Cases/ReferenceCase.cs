using System.Text.Json;

namespace MlffAd.Verification;

/// <summary>One case of an operator file.</summary>
/// <param name="Name">Prefix of its tensors' names.</param>
/// <param name="Op">The operator, such as "conv2d".</param>
/// <param name="Attrs">Its attributes, a JSON object.</param>
/// <param name="Inputs">Inputs, without the prefix.</param>
/// <param name="Outputs">Expected outputs.</param>
/// <param name="Upstream">Outputs that a gradient <c>d_output</c> flows into.</param>
/// <param name="Grads">Inputs whose gradient <c>d_input</c> is expected.</param>
public sealed record ReferenceCase(string Name, string Op, JsonElement Attrs, string[] Inputs, string[] Outputs,
    string[] Upstream, string[] Grads)
{
    // Large logits and scores near the loss's centre lose digits in any float32 computation.
    private bool IsDelicate =>
        Name == "softmax_large" || Name.StartsWith("loss_near_centre_", StringComparison.Ordinal);

    /// <summary>Largest error an output may have.</summary>
    public double OutputTolerance => IsDelicate ? 1e-3 : 1e-5;

    /// <summary>Largest error a gradient may have.</summary>
    public double GradTolerance => IsDelicate ? 1e-3 : 1e-4;

    /// <summary>Full names of the expected outputs, which form one group of the error measure.</summary>
    public IEnumerable<string> OutputNames => Outputs.Select(output => $"{Name}/{output}");

    /// <summary>Full names of the expected gradients, which form one group of the error measure.</summary>
    public IEnumerable<string> GradNames => Grads.Select(input => $"{Name}/d_{input}");

    /// <summary>The name, so that test runners show it.</summary>
    public override string ToString() => Name;

    internal static ReferenceCase Parse(JsonElement json) =>
        new(Name: json.GetProperty("name").GetString()!, Op: json.GetProperty("op").GetString()!,
            Attrs: json.GetProperty("attrs"), Inputs: Strings(json, "inputs"), Outputs: Strings(json, "outputs"),
            Upstream: Strings(json, "upstream"), Grads: Strings(json, "grads"));

    private static string[] Strings(JsonElement json, string key) =>
        json.GetProperty(key).EnumerateArray().Select(item => item.GetString()!).ToArray();
}
