namespace MlffAd.Tests.House;

/// <summary>The sources that these tests were built from.</summary>
internal static class Repository
{
    /// <summary>The folders of the projects, lowest first; without the tests.</summary>
    public static readonly string[] Projects =
    [
        "kernels", "src/MlffAd", "src/MlffAd.CommandLine", "src/MlffAd.Cli", "src/MlffAd.Inference",
        "bench/MlffAd.Bench", "tests/MlffAd.Fuzz",
    ];

    /// <summary>The folder of the solution, above the built program. A path from the compiler would not do: where
    /// builds are deterministic it says <c>/_/</c>.</summary>
    public static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    /// <summary>The files of all assemblies that the tests run with.</summary>
    public static IEnumerable<string> Assemblies =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);

    /// <summary>The files below a folder that have one of some extensions, without what was built.</summary>
    public static IEnumerable<string> Sources(string folder, params string[] extensions) =>
        Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal).SelectMany(entry =>
            Path.GetFileName(entry) is "bin" or "obj" || Path.GetFileName(entry).StartsWith('.') ? []
            : Directory.Exists(entry) ? Sources(entry, extensions)
            : extensions.Contains(Path.GetExtension(entry)) ? [entry] : []);

    /// <summary>The files of the whole repository that have one of some extensions.</summary>
    public static IEnumerable<string> All(params string[] extensions) => Sources(Root, extensions);

    private static string Find(DirectoryInfo? folder) => folder is null
        ? throw new DirectoryNotFoundException($"No folder above '{AppContext.BaseDirectory}' has MlffAd.Native.sln.")
        : File.Exists(Path.Combine(folder.FullName, "MlffAd.Native.sln")) ? folder.FullName : Find(folder.Parent);
}
