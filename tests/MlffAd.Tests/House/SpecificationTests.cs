using System.Text.RegularExpressions;

namespace MlffAd.Tests.House;

public sealed partial class SpecificationTests
{
    /// <summary>A section is a heading, a part of it a numbered item.</summary>
    [Fact]
    public void EverySectionThatIsCitedExists()
    {
        var sections = new HashSet<string>();
        string section = "";
        foreach (string line in File.ReadLines(Path.Combine(Repository.Root, "docs/spec.md")))
        {
            if (Heading().Match(line) is { Success: true } heading) sections.Add(section = heading.Groups[1].Value);
            if (Item().Match(line) is { Success: true } item) sections.Add($"{section}.{item.Groups[1].Value}");
        }
        var cited = Sources().SelectMany(file => Citation().Matches(File.ReadAllText(file))
            .SelectMany(match => match.Groups[1].Captures.Concat(match.Groups[2].Captures))
            .Select(number => (Number: number.Value, File: Path.GetRelativePath(Repository.Root, file)))).ToList();
        Assert.True(cited.Count > 100, $"{cited.Count} citations were found.");
        Assert.All(cited, place => Assert.True(sections.Contains(place.Number),
            $"{place.File} cites §{place.Number}, which docs/spec.md does not have."));
    }

    private static IEnumerable<string> Sources() => new[] { "kernels", "src", "tests", "bench", "docs" }
        .SelectMany(folder => Repository.Sources(Path.Combine(Repository.Root, folder), ".cs", ".md", ".py", ".sh"));

    [GeneratedRegex(@"^## (\d+)\. ")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^(\d+)\. ")]
    private static partial Regex Item();

    [GeneratedRegex(@"§(\d+(?:\.\d+)?)(?:–§?(\d+(?:\.\d+)?))?")]
    private static partial Regex Citation();
}
