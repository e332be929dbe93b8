namespace MlffAd.Data;

/// <summary>Folders that results are written to.</summary>
public static class OutputFolder
{
    /// <summary>A file by which a folder is known to hold pictures of results: it is not searched for
    /// photographs.</summary>
    internal const string Mark = ".mlffad-results";

    /// <summary>Makes a folder, and those above it, where they are missing, and checks that files can
    /// be made in it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="searched">Folders that are searched for photographs. In one of them, the folder is marked, so that
    /// later searches pass over what is written.</param>
    /// <returns>Its full path.</returns>
    /// <exception cref="MlffAdException">It cannot be made or written to (exit code 7); or it is searched, and holds
    /// photographs that a mark would hide (2).</exception>
    public static string Make(string path, params IEnumerable<string> searched)
    {
        bool isSearched =
            searched.Any(folder => FileIdentity.Of(path) == FileIdentity.Of(folder) || IsBelow(path, folder));
        if (isSearched && Directory.Exists(path) && !IsMarked(path) && HoldsImages(path))
            throw new MlffAdException(ExitCode.Usage,
                $"'{path}' holds photographs that are looked at: results among them would be "
                + "taken for photographs; choose a new folder.");
        string full = MakeBelow(path);
        AtomicFile.RequireWritable(Path.Combine(full, "probe"));
        if (isSearched) SetMark(full);
        return full;
    }

    /// <summary>Marks a folder as one of results.</summary>
    /// <exception cref="MlffAdException">It cannot be written to (exit code 7).</exception>
    internal static void SetMark(string folder)
    {
        if (!IsMarked(folder))
            AtomicFile.WriteText(Path.Combine(folder, Mark),
                "Pictures of results, by mlffad: a search for photographs passes this folder over.\n");
    }

    /// <summary>Whether a folder is one of results.</summary>
    internal static bool IsMarked(string folder) => File.Exists(Path.Combine(folder, Mark));

    private static bool HoldsImages(string folder)
    {
        var found = new Data.FoundImages();
        found.AddFolder(folder, folder, Data.DataSet.Good);
        return found.Images.Count > 0;
    }

    /// <summary>Whether a path leads below a folder, whatever links are on the way.</summary>
    internal static bool IsBelow(string path, string folder) => FileIdentity.Followed(path)
        .StartsWith(Path.TrimEndingDirectorySeparator(FileIdentity.Followed(folder)) + Path.DirectorySeparatorChar,
            StringComparison.Ordinal);

    /// <summary>Makes a folder below one that is known to be writable.</summary>
    /// <returns>Its full path.</returns>
    /// <exception cref="MlffAdException">It cannot be made (exit code 7).</exception>
    public static string MakeBelow(string path)
    {
        try { return Directory.CreateDirectory(path).FullName; }
        catch (Exception e) when (AtomicFile.IsOfSystem(e))
        {
            throw new MlffAdException(ExitCode.Output,
                $"The folder '{path}' could not be made ({e.Message.TrimEnd('.')}); choose another place.", e);
        }
    }
}
