using MlffAd.Data;
using MlffAd.Detection;
using MlffAd.Evaluation;
using MlffAd.Files;

namespace MlffAd.Reporting;

/// <summary>Anomaly maps as float32 TIFF files at the photographs' own size, in the folders that the evaluation script of the MVTec AD benchmark
/// searches: <c>DIR/CLASS/test/KIND/STEM.tiff</c>.</summary>
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
        foreach (var kind in result.Images.GroupBy(image => image.Kind))
        {
            string folder = OutputFolder.Make(Path.Combine(directory, className, "test", kind.Key));
            foreach (TestImage image in kind)
            {
                ScoreMap map = image.Cells.Enlarge(image.Width, image.Height);
                ImageFile.WriteTiff(Path.Combine(folder, Path.GetFileNameWithoutExtension(image.Path) + ".tiff"), map.Values, map.Width, map.Height);
            }
        }
    }
}
