using MlffAd.Cli;

namespace MlffAd.Tests.Reporting;

public sealed class EvaluationTableTests
{
    [Fact]
    public void WithoutATerminalColumnsAreAlignedAndNotWrapped() => Assert.Equal("""
        kind  images  flagged  image AUROC      AP  F1-max  pixel AUROC      AP     PRO
        good       1        0            -       -       -            -       -       -
        hole       1        1       1.0000  1.0000  1.0000       1.0000  1.0000  1.0000
        all        2        1       1.0000  1.0000  1.0000       1.0000  1.0000  1.0000

        """, Rendered([1, 0, 0, 0]), ignoreLineEndingDifferences: true);

    [Fact]
    public void WithoutMasksThePixelColumnsAreReplacedByASentence()
    {
        string text = Rendered(null);
        Assert.DoesNotContain("PRO", text, StringComparison.Ordinal);
        Assert.EndsWith("There are no masks: image level only.", text.Trim(), StringComparison.Ordinal);
    }

    private static string Rendered(byte[]? mask)
    {
        EvaluationResult result = EvaluationResult.Of(
            [new("good/a.png", "good", 1, new(2, 2, [1, 1, 1, 1]), 2, 2, null),
                new("hole/a.png", "hole", 2, new(2, 2, [2, 1, 1, 1]), 2, 2, mask)], 1, 1, new(2));
        var writer = new StringWriter();
        EvaluationTable.Render(result, writer);
        return writer.ToString();
    }
}
