using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace MlffAd.Tests.House;

/// <summary>What the sources of one room name in another, as the compiler reads them.</summary>
/// <remarks>A room is a folder that has C# files. There is an arrow from room A to room B where a file of A names a
/// type or member that a file of B declares: as a base type, a type argument, an extension method or a constructor of
/// <c>new()</c> as well. The parts of a partial type name each other. Using directives do not count.</remarks>
internal sealed partial class Arrows
{
    private static readonly CSharpParseOptions ParseOptions =
        new(LanguageVersion.CSharp14, DocumentationMode.None);

    private readonly ConcurrentDictionary<(string From, string To), string> found = new();

    /// <summary>The C# files of each room, by the room's path below the root.</summary>
    public SortedDictionary<string, int> Rooms { get; } = new(StringComparer.Ordinal);

    /// <summary>For each arrow one place that makes it: the least in ordinal order.</summary>
    public SortedDictionary<(string From, string To), string> All { get; }

    /// <summary>Reads all sources below some folders of a root, as one compilation.</summary>
    public Arrows(string root, params string[] folders)
    {
        string[] files = [.. folders.SelectMany(folder => Repository.Sources(Path.Combine(root, folder), ".cs"))];
        foreach (var room in files.GroupBy(Room)) Rooms[room.Key] = room.Count();
        var trees = new SyntaxTree[files.Length + 1];
        Parallel.For(0, files.Length, i => trees[i] = Parse(File.ReadAllText(files[i]), files[i]));
        trees[^1] = Parse(ImplicitUsings(root), "");
        // What the tests run with has every package that the house uses, and the house itself, which is left out.
        var references = Repository.Assemblies
            .Where(path => !Path.GetFileName(path).StartsWith("MlffAd", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create("House", trees, references,
            new(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true));
        Parallel.For(0, files.Length, i => Read(compilation.GetSemanticModel(trees[i]), trees[i]));
        All = new(found);

        string Room(string file) => Path.GetRelativePath(root, Path.GetDirectoryName(file)!).Replace('\\', '/');

        SyntaxTree Parse(string text, string file) => CSharpSyntaxTree.ParseText(text, ParseOptions, file);

        void Read(SemanticModel model, SyntaxTree tree)
        {
            string here = Room(tree.FilePath);
            foreach (var node in tree.GetRoot().DescendantNodes(node => node is not UsingDirectiveSyntax))
            {
                if (node is BaseTypeDeclarationSyntax declared)
                    foreach (var part in model.GetDeclaredSymbol(declared)!.DeclaringSyntaxReferences)
                        Add(part, declared.Identifier.ValueText);
                if (node is not (SimpleNameSyntax { IsVar: false } or ImplicitObjectCreationExpressionSyntax)) continue;
                var symbol = model.GetSymbolInfo(node).Symbol;
                if (symbol is IMethodSymbol { ReducedFrom: { } extension }) symbol = extension;
                if (symbol is not (ITypeSymbol or IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol))
                    continue;
                foreach (var place in symbol.OriginalDefinition.DeclaringSyntaxReferences) Add(place, symbol.Name);

                void Add(SyntaxReference place, string name)
                {
                    string there = Room(place.SyntaxTree.FilePath);
                    if (there == here) return;
                    int line = tree.GetLineSpan(node.Span).StartLinePosition.Line + 1;
                    string example = $"{Path.GetFileName(tree.FilePath)}:{line:0000} {name}";
                    found.AddOrUpdate((here, there), example,
                        (_, other) => string.CompareOrdinal(example, other) < 0 ? example : other);
                }
            }
        }
    }

    /// <summary>What the SDK and the projects import into every file.</summary>
    private static string ImplicitUsings(string root)
    {
        string[] sdk = ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http",
            "System.Threading", "System.Threading.Tasks"];
        var own = Repository.Sources(root, ".targets", ".csproj")
            .SelectMany(file => Using().Matches(File.ReadAllText(file))).SelectMany(m => m.Groups[1].Value.Split(';'));
        return string.Concat(sdk.Concat(own).Distinct().Select(name => $"global using {name};\n"));
    }

    [GeneratedRegex("<Using Include=\"([^\"]+)\"")]
    private static partial Regex Using();
}
