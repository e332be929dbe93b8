namespace MlffAd.Reporting;

/// <summary>Anomaly maps as float32 TIFF files at the photographs' own size, in the folders that the evaluation script
/// of the MVTec AD benchmark searches: <c>DIR/CLASS/test/KIND/STEM.tiff</c>.</summary>
public static class TiffMaps
{
    /// <summary>Writes the map of every image of <paramref name="result"/>.</summary>
    /// <param name="directory">DIR, made where it is missing.</param>
    /// <param name="className">CLASS: the name of the data set's folder, such as "bottle".</param>
    /// <param name="result">The evaluation.</param>
    /// <exception cref="MlffAdException">A file cannot be written (exit code 7).</exception>
    public static void Write(string directory, string className, EvaluationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var paths = PathsOf(directory, className, result.Images.Select(image => (image.Path, image.Kind)));
        foreach (var (image, path) in result.Images.Zip(paths))
        {
            OutputFolder.MakeBelow(Path.GetDirectoryName(path)!);
            ScoreMap map = image.Cells.Enlarge(image.Width, image.Height);
            ImageFile.WriteTiff(path, map.Values, map.Width, map.Height);
        }
    }

    /// <summary>Where the maps of images go, no two in one file: <c>x.tiff</c>, and of another x
    /// <c>x.jpg.tiff</c>.</summary>
    /// <param name="directory">DIR.</param>
    /// <param name="className">CLASS.</param>
    /// <param name="images">The images' paths in their data set, <c>test/FOLDER/…</c>, and kinds.</param>
    public static IReadOnlyList<string> PathsOf(string directory, string className,
        IEnumerable<(string Path, string Kind)> images)
    {
        // Below test/FOLDER as the photograph, in the folder of its kind.
        string[] below = [.. images.Select(image => Path.Combine([image.Kind,
            .. image.Path.Split('/') is ["test", _, .. var rest] ? rest : [Path.GetFileName(image.Path)]]))];
        return [.. HeatMapNames.Of(below, ".tiff").Select(name => Path.Combine(directory, className, "test", name))];
    }
}
