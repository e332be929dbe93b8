namespace MlffAd.Cli;

/// <summary>Markdown pages that show figures between marks, so that nobody types a number.</summary>
internal static class MarkedPages
{
    /// <summary>The marks of a section, for people.</summary>
    public static string Lines(string section) => $"the lines {Begin(section)} and {End(section)}";

    /// <summary>Refuses pages that have no place for any of the sections: before hours are
    /// spent on measuring.</summary>
    /// <exception cref="MlffAdException">A page cannot be read, or has no marks (exit code 3).</exception>
    public static void Require(string[] pages, params string[] sections)
    {
        foreach (string page in pages)
        {
            string text = Read(page);
            if (!sections.Any(section => Find(text, section) is not null))
                throw new MlffAdException(ExitCode.BadData,
                    $"'{page}' has no place to write to: {string.Join(", nor ", sections.Select(Lines))} are missing; "
                        + $"add them.");
        }
    }

    /// <summary>Puts each section's text between its marks, wherever a page has them.</summary>
    public static void Write(string[] pages, (string Section, string Text)[] sections)
    {
        foreach (string page in pages)
        {
            string text = Read(page);
            foreach (var (section, content) in sections)
                if (Find(text, section) is var (begin, end)) text = $"{text[..begin]}\n{content}{text[end..]}";
            AtomicFile.WriteText(page, text);
        }
    }

    private static string Begin(string section) => $"<!-- bench {section} -->";

    private static string End(string section) => $"<!-- /bench {section} -->";

    private static (int Begin, int End)? Find(string text, string section)
    {
        int begin = text.IndexOf(Begin(section), StringComparison.Ordinal);
        int end = text.IndexOf(End(section), StringComparison.Ordinal);
        return begin < 0 || end < begin ? null : (begin + Begin(section).Length, end);
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.BadData, $"'{path}' could not be read ({e.Message.TrimEnd('.')}).", e);
        }
    }
}
