namespace MlffAd.Configuration;

/// <summary>How far a mistyped word is from a known one.</summary>
internal static class EditDistance
{
    /// <summary>Levenshtein's distance: fewest insertions, deletions and replacements of a letter that turn one word
    /// into the other.</summary>
    public static int Between(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (int i = 1; i <= a.Length; i++)
        {
            (int diagonal, row[0]) = (row[0], i);
            for (int j = 1; j <= b.Length; j++)
                (diagonal, row[j]) =
                    (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }
}
