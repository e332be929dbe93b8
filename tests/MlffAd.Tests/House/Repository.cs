namespace MlffAd.Tests.House;

/// <summary>The sources that these tests were built from.</summary>
internal static class Repository
{
    /// <summary>The folder of the solution, above the built program. A path from the compiler would not do: where
    /// builds are deterministic it says <c>/_/</c>.</summary>
    public static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    private static string Find(DirectoryInfo? folder) => folder is null
        ? throw new DirectoryNotFoundException($"No folder above '{AppContext.BaseDirectory}' has MlffAd.Native.sln.")
        : File.Exists(Path.Combine(folder.FullName, "MlffAd.Native.sln")) ? folder.FullName : Find(folder.Parent);
}
