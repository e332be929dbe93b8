namespace MlffAd.Files;

/// <summary>The files that a run will write; the run reads none of them and writes each once.</summary>
public sealed class OutputFiles
{
    private readonly List<(string Path, FileIdentity Identity)> _written = [];

    /// <summary>Adds a file that will be written; nothing is opened.</summary>
    /// <param name="path">The file; null for none.</param>
    /// <exception cref="MlffAdException">It is added already (exit code 2).</exception>
    public OutputFiles Add(string? path)
    {
        // What goes into a pipe or to a terminal replaces nothing.
        if (path is null || FileStatus.Of(path) is { IsStream: true }) return this;
        var identity = FileIdentity.Of(path);
        if (_written.FirstOrDefault(other => other.Identity == identity).Path is { } other)
            throw new MlffAdException(ExitCode.Usage, other == path
                ? $"'{path}' would be written twice; give two names."
                : $"'{path}' and '{other}' are one file, and would be written twice; give two names.");
        _written.Add((path, identity));
        return this;
    }

    /// <summary>Refuses to write over what is read.</summary>
    /// <param name="read">The files that the run reads, there or not; null for none.</param>
    /// <exception cref="MlffAdException">One would be (exit code 2).</exception>
    public void RequireApartFrom(IEnumerable<string?> read)
    {
        var there = _written.Where(file => File.Exists(file.Path)).GroupBy(file => file.Identity)
            .ToDictionary(group => group.Key, group => group.First().Path);
        if (there.Count == 0) return;
        foreach (string? path in read)
            if (path is not null && there.TryGetValue(FileIdentity.Of(path), out string? written))
                throw new MlffAdException(ExitCode.Usage, $"'{written}' would be written over "
                    + $"{(written == path ? "what is read" : $"'{path}', which is read")}; choose another name.");
    }
}
