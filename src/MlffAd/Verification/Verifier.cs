using MlffAd.Kernels.Runtime;
using MlffAd.Weights;

namespace MlffAd.Verification;

/// <summary>Recomputes reference files and measures the errors.</summary>
/// <remarks>On a device whose products round their factors, an operator is held to 2e-3 (TF32); a network, through which such roundings pass from layer to layer and turn ReLUs and levels over, is not judged.</remarks>
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
        double? rounded = device.Precision == Precision.Float32 ? null : Tf32Tolerance;
        IReadOnlyList<TensorError> Network(IEnumerable<TensorError> errors) => [.. errors.Select(e => rounded is null ? e : e with { Tolerance = double.PositiveInfinity })];
        if (Path.GetExtension(path) == ".json") return MetricCases.Verify(path, device);
        using (var tensors = SafetensorsFile.Open(path))
            if (BackboneCase.IsFeatures(tensors)) return Network(BackboneCase.Verify(tensors, weights ?? WeightsFile.ShippedPath, device));
        using var file = ReferenceFile.Open(path);
        if (file.Kind == "network") return Network(NetworkCase.Verify(file, device));
        return [.. file.Cases.SelectMany(c => OperatorCase.Verify(file, c, device)).Select(e => e with { Tolerance = Math.Max(e.Tolerance, rounded ?? 0) })];
    }

    private const double Tf32Tolerance = 2e-3;
}
