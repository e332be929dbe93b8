using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlffAd.Execution.Onnx;
using MlffAd.Tests.Training;

namespace MlffAd.Tests.CommandLine;

public sealed class MemoryExportTests : IDisposable
{
    private const int Side = 64;

    private readonly MemoryFolder _folder = new(images: 8);

    public MemoryExportTests()
    {
        for (int i = 0; i < 8; i++) _folder.Draw($"{i}.png", 100 + i, odd: i % 3 == 0, folder: "others");
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Of remembered images, of others, and of such with a defect; one at a time and eight.</summary>
    [Theory]
    [InlineData("memory.scaling", "none"), InlineData("memory.scaling", "place")]
    [InlineData("memory.scaling", "vector"), InlineData("memory.readout", "5"), InlineData("memory.smooth", "0")]
    [InlineData("memory.from", "1,2,3"), InlineData("memory.mean", "true")]
    public void OnnxRuntimeGivesAMemorysScoresAndVerdicts(string key, string value)
    {
        var model = _folder.Made(MemoryFolder.Tiny.With(key, value));
        using var session = new InferenceSession(OnnxWriter.Write(model));
        var items = DataSet.Find([_folder.Parts, _folder.In("others")]);
        RgbImage[] images = [.. items.Select(item => ImageFile.Read(item.Path))];
        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(model, device);
        var maps = scorer.Score(images);
        float[] ours = [.. maps.Select(map => map.Readout(model.Metadata.Config))];
        float[] cells = [.. maps.SelectMany(map => map.Values)];
        foreach (int batch in new[] { 1, 8 })
        {
            var (scores, scoreMaps) = (new List<float>(), new List<float>());
            foreach (var some in images.Chunk(batch))
            {
                byte[] rgb = [.. some.SelectMany(image => image.Rgb)];
                var bytes = new DenseTensor<byte>(rgb, [batch, Side, Side, 3]);
                using var results = session.Run([NamedOnnxValue.CreateFromTensor("image", bytes)]);
                scores.AddRange(results.Single(result => result.Name == "score").AsEnumerable<float>());
                scoreMaps.AddRange(results.Single(result => result.Name == "score_map").AsEnumerable<float>());
            }
            Near(ours, scores);
            Near(cells, scoreMaps);
            float threshold = model.Metadata.Threshold;
            Assert.Equal(ours.Select(score => score > threshold), scores.Select(score => score > threshold));
        }
        Assert.Equal([false, true], ours.Select(score => score > model.Metadata.Threshold).Distinct().Order());
    }

    private static void Near(IReadOnlyCollection<float> ours, IReadOnlyCollection<float> theirs)
    {
        Assert.Equal(ours.Count, theirs.Count);
        double off = ours.Zip(theirs, (a, b) => Math.Abs(a - b)).Max(), largest = ours.Max(Math.Abs);
        Assert.True(off <= 1e-3 * largest, $"off by {off:g3} where the largest is {largest:g3}");
    }
}
