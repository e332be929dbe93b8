using MlffAd.Kernels.Runtime;
using MlffAd.Weights;

namespace MlffAd.Verification;

/// <summary>Recomputes reference files and measures the errors.</summary>
public static class Verifier
{
    /// <summary>Recomputes everything in a reference file, of any kind.</summary>
    /// <param name="path">The reference file.</param>
    /// <param name="device">Where.</param>
    /// <param name="weights">The weights that a file of backbone features is recomputed with; null for the shipped ones.</param>
    /// <returns>The error of every expected tensor and number, in the file's order.</returns>
    /// <exception cref="MlffAdException">The file cannot be read or asks for what there is not (exit code 4).</exception>
    public static IReadOnlyList<TensorError> Verify(string path, Device device, string? weights = null)
    {
        if (Path.GetExtension(path) == ".json") return MetricCases.Verify(path, device);
        using (var tensors = SafetensorsFile.Open(path))
            if (BackboneCase.IsFeatures(tensors)) return [.. BackboneCase.Verify(tensors, weights ?? WeightsFile.ShippedPath, device)];
        using var file = ReferenceFile.Open(path);
        if (file.Kind == "network") return [.. NetworkCase.Verify(file, device)];
        return [.. file.Cases.SelectMany(c => OperatorCase.Verify(file, c, device))];
    }
}
