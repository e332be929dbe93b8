using MlffAd.Data;
using MlffAd.Detection;
using MlffAd.Evaluation;

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
        foreach (TestImage image in result.Images)
        {
            string path = Path.Combine(directory, className, "test", image.Kind, Path.GetFileNameWithoutExtension(image.Path) + ".tiff");
            try { Directory.CreateDirectory(Path.GetDirectoryName(path)!); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new MlffAdException(ExitCode.Output, $"The folder of '{path}' could not be made ({e.Message.TrimEnd('.')}); choose another place.", e);
            }
            ScoreMap map = image.Cells.Enlarge(image.Width, image.Height);
            ImageFile.WriteTiff(path, map.Values, map.Width, map.Height);
        }
    }
}
