using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace MlffAd.Tests.House;

/// <summary>The pages' C# is that of the samples, and compiles as a program of its own, which sees what is public
/// alone. What the samples print is <c>samples/run.sh</c>'s to test.</summary>
public sealed partial class ExamplesTests
{
    private static readonly Lazy<MetadataReference[]> References = new(() =>
        [.. Repository.Assemblies.Select(path => MetadataReference.CreateFromFile(path))]);

    /// <summary>A page's block is what the samples have in regions of its name, an empty line between two.</summary>
    [Theory]
    [InlineData("README.md")]
    [InlineData("src/MlffAd.Inference/README.md")]
    public void TheCSharpOfAPageIsASamples(string page)
    {
        string block = Assert.Single(CSharp().Matches(Read(page))).Groups[1].Value;
        var excerpts = Repository.Sources(Path.Combine(Repository.Root, "samples"), ".cs")
            .SelectMany(file => Region().Matches(File.ReadAllText(file)))
            .Where(region => region.Groups[1].Value == page).Select(region => region.Groups[2].Value);
        Assert.Equal(string.Join('\n', excerpts), block);
        Compiles(block);
    }

    [Theory]
    [InlineData("TrainFromCode")]
    [InlineData("Judge")]
    [InlineData("OnnxRuntime")]
    [InlineData("OwnOperator")]
    public void ASampleCompiles(string sample) => Compiles(
        [.. Repository.Sources(Path.Combine(Repository.Root, "samples", sample), ".cs").Select(File.ReadAllText)]);

    private static void Compiles(params string[] files)
    {
        var stop = TestContext.Current.CancellationToken;
        const string usings = "global using System; global using System.Collections.Generic; "
            + "global using System.IO; global using System.Linq;";
        var trees = files.Prepend(usings).Select(text => CSharpSyntaxTree.ParseText(text, cancellationToken: stop));
        var program = CSharpCompilation.Create("Example", trees, References.Value);
        Assert.Empty(program.GetDiagnostics(stop).Where(found => found.Severity == DiagnosticSeverity.Error));
    }

    private static string Read(string page) => File.ReadAllText(Path.Combine(Repository.Root, page));

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharp();

    [GeneratedRegex("^#region (.+?)\n(.*?)^#endregion", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Region();
}
