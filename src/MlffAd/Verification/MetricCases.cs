using System.Text.Json;

namespace MlffAd.Verification;

/// <summary><c>reference_cases.json</c>: metrics computed by brute force over all thresholds, and
/// image resizes.</summary>
internal static class MetricCases
{
    private const double MetricTolerance = 1e-9;

    /// <summary>Recomputes all cases; errors are absolute, of a resize in grey levels.</summary>
    /// <exception cref="MlffAdException">The file cannot be read or is not of this kind (exit code 4).</exception>
    public static List<TensorError> Verify(string path, Device device)
    {
        try
        {
            InputFile.Require(path);
            using var document = JsonDocument.Parse(File.ReadAllText(path));
            var root = document.RootElement;
            if (root.GetProperty("format").GetString() != "mlffad-cases/1")
                throw new FormatException("its format is not mlffad-cases/1");
            return [.. Each(root, "images", Images), .. Each(root, "pixels", Pixels),
                .. root.GetProperty("resize").EnumerateArray().Select((c, i) => Resized($"resize/{i}", c, device))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException
            or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new MlffAdException(ExitCode.BadModel,
                $"'{path}' cannot be read as reference cases ({e.Message.TrimEnd('.')}).", e);
        }
    }

    private static IEnumerable<TensorError> Each(JsonElement root, string list,
        Func<JsonElement, IEnumerable<(string Name, double? Actual)>> compute) =>
        root.GetProperty(list).EnumerateArray()
            .SelectMany((c, i) => compute(c)
                .Select(result => new TensorError($"{list}/{i}/{result.Name}",
                    Math.Abs(result.Actual!.Value - c.GetProperty(result.Name).GetDouble()), MetricTolerance)));

    private static IEnumerable<(string, double?)> Images(JsonElement c)
    {
        var ranking = Ranking.Of(Floats(c.GetProperty("scores")),
            [.. c.GetProperty("labels").EnumerateArray().Select(v => v.GetInt32() == 1)]);
        return
        [
            ("auroc", ranking.Auroc()), ("ap", ranking.AveragePrecision()), ("f1max", ranking.F1Max()?.Value),
            ("f1maxThreshold", ranking.F1Max()?.Threshold),
        ];
    }

    private static IEnumerable<(string, double?)> Pixels(JsonElement c)
    {
        var pixels = new PixelScores();
        int components = 0;
        foreach (var (scores, mask) in c.GetProperty("scores").EnumerateArray()
            .Zip(c.GetProperty("masks").EnumerateArray()))
        {
            int height = scores.GetArrayLength(), width = scores[0].GetArrayLength();
            byte[] defective = [.. mask.EnumerateArray().SelectMany(row => row.EnumerateArray())
                .Select(v => v.GetByte())];
            components += Components.Of(defective, width).Count;
            pixels.Add("defect", new ScoreMap(width, height, [.. scores.EnumerateArray().SelectMany(Floats)]),
                defective);
        }
        var ranking = pixels.Rank();
        return
        [
            ("components", components), ("auroc", ranking.Auroc()), ("ap", ranking.AveragePrecision()),
            ("pro03", ranking.Pro(0.3)), ("pro005", ranking.Pro(0.05)),
        ];
    }

    private static TensorError Resized(string name, JsonElement c, Device device)
    {
        int Size(string key) => c.GetProperty(key).GetInt32();
        byte[] rgb = [.. c.GetProperty("rgb").EnumerateArray().Select(v => v.GetByte())];
        using var image = AntialiasResize.Upload(device, rgb, 1, Size("height"), Size("width"));
        using var y = Tensor.Rent(device, new Shape(1, Size("outHeight"), Size("outWidth"), 3), "resized");
        AntialiasResize.Forward(image, Size("height"), Size("width"), y);
        return new TensorError(name, y.ToArray().Zip(Floats(c.GetProperty("outRgb")), (a, b) => Math.Abs((double)a - b))
            .Max(), c.GetProperty("tolerance").GetDouble());
    }

    private static float[] Floats(JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetSingle())];
}
