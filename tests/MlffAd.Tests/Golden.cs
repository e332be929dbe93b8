using MlffAd.Verification;

namespace MlffAd.Tests;

/// <summary>The reference files beside the tests (<c>tests/reference</c>), opened once for all.</summary>
internal static class Golden
{
    private static readonly Dictionary<string, ReferenceFile> Files = [];

    /// <summary>Full path of a reference file.</summary>
    public static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "reference", file);

    /// <summary>The file of that name, such as "conv" for <c>conv.safetensors</c>.</summary>
    public static ReferenceFile File(string name)
    {
        lock (Files)
        {
            if (!Files.TryGetValue(name, out var file))
                Files[name] = file = ReferenceFile.Open(PathOf(name + ".safetensors"));
            return file;
        }
    }

    /// <summary>The cases of an operator file, those of one operator where it is named.</summary>
    public static IEnumerable<ReferenceCase> Cases(string file, string? op = null) =>
        File(file).Cases.Where(c => op is null || c.Op == op);

    /// <inheritdoc cref="ReferenceFile.Error"/>
    public static double Error(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double groupMax) =>
        ReferenceFile.Error(actual, expected, groupMax);
}
