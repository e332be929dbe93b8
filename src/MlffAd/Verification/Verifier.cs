namespace MlffAd.Verification;

/// <summary>Recomputes reference files and measures the errors.</summary>
/// <remarks>On a device whose products round their factors to TF32 (BF16), products are held to 2e-3 (2e-2), and of a
/// network f1 to f3 and sc in the first step to 2e-2 (1.5e-1; 5.8e-3 and 6.4e-2 were found with emulated tensor cores).
/// What comes after, where such roundings turn levels and ReLUs over, must be finite and is reported,
/// else not judged.</remarks>
public static class Verifier
{
    /// <summary>Recomputes everything in a reference file, of any kind.</summary>
    /// <param name="path">The reference file.</param>
    /// <param name="device">Where.</param>
    /// <param name="weights">The weights that a file of backbone features is recomputed with; null for
    /// the shipped ones.</param>
    /// <returns>The error of every expected tensor and number, in the file's order.</returns>
    /// <exception cref="MlffAdException">The file cannot be read or asks for what there is not
    /// (exit code 4).</exception>
    public static IReadOnlyList<TensorError> Verify(string path, Device device, string? weights = null)
    {
        bool rounds = device.Precision != Precision.Float32;
        var (products, outputs) =
            device.Precision switch { Precision.Tf32 => (2e-3, 2e-2), Precision.Bf16 => (2e-2, 1.5e-1), _ => (0, 0) };
        IReadOnlyList<TensorError> Network(IEnumerable<TensorError> errors) =>
            [.. errors.Select(e => !rounds ? e : e with
            {
                Tolerance = e.Name is "out/f1" or "out/f2" or "out/f3" or "out/sc" ? outputs : double.PositiveInfinity,
            })];
        if (Path.GetExtension(path) == ".json") return MetricCases.Verify(path, device);
        using (var tensors = SafetensorsFile.Open(path))
            if (BackboneCase.IsFeatures(tensors))
                return Network(BackboneCase.Verify(tensors, weights ?? WeightsFile.ShippedPath, device));
        using var file = ReferenceFile.Open(path);
        if (file.Kind == "network") return Network(NetworkCase.Verify(file, device));
        return [
            .. file.Cases.SelectMany(c => OperatorCase.Verify(file, c, device, OperatorRunners.All).Select(e => rounds
                && c.Op is "conv2d" or "matmul" ? e with { Tolerance = Math.Max(e.Tolerance, products) } : e))];
    }
}
