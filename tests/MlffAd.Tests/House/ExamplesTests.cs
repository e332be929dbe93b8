using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace MlffAd.Tests.House;

public sealed partial class ExamplesTests
{
    /// <summary>As a program of its own, which sees what is public alone.</summary>
    [Theory]
    [InlineData("README.md")]
    [InlineData("src/MlffAd.Inference/README.md")]
    public void TheCSharpOfAPageCompiles(string page)
    {
        var examples = CSharp().Matches(File.ReadAllText(Path.Combine(Repository.Root, page)));
        Assert.NotEmpty(examples);
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        var stop = TestContext.Current.CancellationToken;
        const string usings = "global using System; global using System.IO; global using System.Linq;";
        foreach (Match example in examples)
        {
            var program = CSharpCompilation.Create("Example",
                new[] { usings, example.Groups[1].Value }
                    .Select(text => CSharpSyntaxTree.ParseText(text, cancellationToken: stop)), references);
            Assert.Empty(program.GetDiagnostics(stop).Where(found => found.Severity == DiagnosticSeverity.Error));
        }
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharp();
}
