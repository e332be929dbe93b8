namespace MlffAd.Tests.House;

public sealed class LinesTests
{
    /// <summary>In characters: 140 at most, and of a hundred lines one at most above 120. A row of a Markdown table
    /// is one line, and an address cannot be broken.</summary>
    [Theory]
    [InlineData(".cs")]
    [InlineData(".md")]
    public void LinesFitAWindow(string extension)
    {
        long all = 0, wide = 0;
        foreach (string file in Repository.All(extension))
        {
            int number = 0;
            foreach (string line in File.ReadLines(file))
            {
                (all, number) = (all + 1, number + 1);
                if (line.Length <= 120 || extension == ".md" && (line.StartsWith('|') || !line.Trim().Contains(' ')))
                    continue;
                wide++;
                Assert.True(line.Length <= 140,
                    $"{Path.GetRelativePath(Repository.Root, file)}:{number} has {line.Length} characters.");
            }
        }
        Assert.True(all > 2_000 && wide * 100 <= all, $"{wide} of {all} lines have more than 120 characters.");
    }

    /// <summary>Three hundred lines, the hand-unrolled tiles aside.</summary>
    [Fact]
    public void FilesAreShort() => Assert.All(Repository.All(".cs"), file =>
    {
        int lines = File.ReadLines(file).Count();
        Assert.True(lines <= 300 || Path.GetFileName(file) == "Tile.cs",
            $"{Path.GetRelativePath(Repository.Root, file)} has {lines} lines.");
    });

    /// <summary>Phrases for which the field has a word: prefetch, mantissa bits, non-temporal, a multiple of four,
    /// interleaved. The changelog is history.</summary>
    [Fact]
    public void TheFieldsWordsAreUsed()
    {
        string[] phrases = ["fetch" + " ahead", "fetched" + " ahead", "bits behind" + " the point",
            "past the" + " cache",
            "come in" + " fours", "in" + " turns", "who" + "ever", "of" + " which"];
        foreach (string file in Repository.All(".cs", ".md", ".sh", ".csproj", ".props", ".targets"))
        {
            if (Path.GetFileName(file) == "CHANGELOG.md") continue;
            string text = File.ReadAllText(file);
            foreach (string phrase in phrases)
                Assert.False(text.Contains(phrase, StringComparison.OrdinalIgnoreCase),
                    $"{Path.GetRelativePath(Repository.Root, file)} says '{phrase}'.");
        }
    }
}
