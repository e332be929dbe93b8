using MlffAd.Kernels.Runtime;

namespace MlffAd.Verification;

/// <summary>Recomputes reference files and measures the errors.</summary>
public static class Verifier
{
    /// <summary>Recomputes everything in a reference file, of any kind.</summary>
    /// <returns>The error of every expected tensor and number, in the file's order.</returns>
    /// <exception cref="MlffAdException">The file cannot be read or asks for what there is not (exit code 4).</exception>
    public static IReadOnlyList<TensorError> Verify(string path, Device device)
    {
        if (Path.GetExtension(path) == ".json") return MetricCases.Verify(path, device);
        using var file = ReferenceFile.Open(path);
        if (file.Kind == "network") return [.. NetworkCase.Verify(file, device)];
        return [.. file.Cases.SelectMany(c => OperatorCase.Verify(file, c, device))];
    }
}
