namespace MlffAd.Data;

/// <summary>What the names of folders and files say about the parts on them.</summary>
internal static class PartNames
{
    private static readonly HashSet<string> NamesOfGood = Words("good ok normal");

    /// <summary>Words for good parts that no layout has.</summary>
    private static readonly HashSet<string> LikeGood =
        Words("good ok okay normal pass passed perfect clean free fine intact flawless io gut");

    /// <summary>Words for what is not good, and for what belongs to it.</summary>
    private static readonly HashSet<string> NotGood = Words(
        "test tests testing groundtruth mask masks annotation annotations segmentation "
        + "anomaly anomalies anomalous abnormal bad defect defects defective def ng nok ko nio "
        + "fault faults faulty fail failed failure failures reject rejects rejected scrap damage damaged broken "
        + "crack cracked cracks scratch scratched scratches fehler defekt ausschuss");

    private static readonly HashSet<string> Denials = Words("no non not without none zero ohne kein");

    /// <summary>Whether a folder is called as those of good parts are, in any case.</summary>
    public static bool IsGood(string folder) => NamesOfGood.Contains(folder);

    /// <summary>Whether a folder may hold good parts under another name.</summary>
    public static bool MayBeGood(string folder)
    {
        string[] words = WordsOf(folder);
        return Denies(words, NotGood) || (words.Any(LikeGood.Contains) && !SaysNotGood(folder));
    }

    /// <summary>Whether a folder's name has a word, whole, for what good parts are not: <c>defect</c>,
    /// <c>test_2</c>, <c>NotOK</c>; not <c>no_defect</c> or <c>latest</c>.</summary>
    public static bool SaysNotGood(string folder)
    {
        string[] words = WordsOf(folder);
        if (folder.Equals("gt", StringComparison.OrdinalIgnoreCase)
            || NotGood.Contains(string.Concat(words))) return true;
        if (Denies(words, LikeGood)) return true;
        if (words.Contains("free")) return false;
        for (int i = 0; i < words.Length; i++)
        {
            if (i > 0 && words[i - 1] == "ground" && words[i] == "truth") return true;
            if (NotGood.Contains(words[i]) && (i == 0 || !Denials.Contains(words[i - 1]))) return true;
        }
        return false;
    }

    /// <summary>The name that a file's would be a mask of: <c>7</c> of <c>7_mask</c>; null for all others.</summary>
    public static string? MaskedStem(string stem)
    {
        int end = stem.LastIndexOfAny(['_', '-', '.']);
        return end > 0 && stem[(end + 1)..].ToLowerInvariant() is "mask" or "gt" or "label" ? stem[..end] : null;
    }

    private static bool Denies(string[] words, HashSet<string> what)
    {
        for (int i = 1; i < words.Length; i++)
            if (Denials.Contains(words[i - 1]) && what.Contains(words[i])) return true;
        return false;
    }

    /// <summary>Runs of letters, a capital behind a small letter beginning another, in small letters.</summary>
    private static string[] WordsOf(string name)
    {
        var words = new List<string>();
        int start = 0;
        for (int i = 0; i <= name.Length; i++)
        {
            bool letter = i < name.Length && char.IsLetter(name[i]);
            bool next = letter && i > start && char.IsUpper(name[i]) && char.IsLower(name[i - 1]);
            if (letter && !next) continue;
            if (i > start) words.Add(name[start..i].ToLowerInvariant());
            start = letter ? i : i + 1;
        }
        return [.. words];
    }

    private static HashSet<string> Words(string all) => new(all.Split(' '), StringComparer.OrdinalIgnoreCase);
}
