using System.Text.Json;

namespace MlffAd.Tests.Evaluation;

/// <summary>Against metrics that another language computed by brute force; 1e-9 absolute.</summary>
public sealed class ReferenceMetricsTests
{
    private const double Tolerance = 1e-9;
    private static readonly JsonElement Cases = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "reference", "reference_cases.json"))).RootElement;

    [Fact]
    public void ImageMetricsAreTheReferences()
    {
        foreach (JsonElement c in Cases.GetProperty("images").EnumerateArray())
        {
            float[] scores = [.. c.GetProperty("scores").EnumerateArray().Select(v => v.GetSingle())];
            bool[] labels = [.. c.GetProperty("labels").EnumerateArray().Select(v => v.GetInt32() == 1)];
            Ranking ranking = Ranking.Of(scores, labels);
            Assert.Equal(c.GetProperty("auroc").GetDouble(), ranking.Auroc()!.Value, Tolerance);
            Assert.Equal(c.GetProperty("ap").GetDouble(), ranking.AveragePrecision()!.Value, Tolerance);
            Assert.Equal(c.GetProperty("f1max").GetDouble(), ranking.F1Max()!.Value.Value, Tolerance);
            Assert.Equal(c.GetProperty("f1maxThreshold").GetSingle(), ranking.F1Max()!.Value.Threshold);
        }
    }

    [Fact]
    public void PixelMetricsAreTheReferences()
    {
        foreach (JsonElement c in Cases.GetProperty("pixels").EnumerateArray())
        {
            var pixels = new PixelScores();
            int components = 0;
            foreach (var (scores, mask) in c.GetProperty("scores").EnumerateArray()
                .Zip(c.GetProperty("masks").EnumerateArray()))
            {
                float[] values = [.. scores.EnumerateArray().SelectMany(row => row.EnumerateArray())
                    .Select(v => v.GetSingle())];
                byte[] defective = [.. mask.EnumerateArray().SelectMany(row => row.EnumerateArray())
                    .Select(v => v.GetByte())];
                int width = scores[0].GetArrayLength();
                components += Components.Of(defective, width).Count;
                pixels.Add("hole", new ScoreMap(width, values.Length / width, values), defective);
            }
            Ranking ranking = pixels.Rank();
            Assert.Equal(c.GetProperty("components").GetInt32(), components);
            Assert.Equal(c.GetProperty("auroc").GetDouble(), ranking.Auroc()!.Value, Tolerance);
            Assert.Equal(c.GetProperty("ap").GetDouble(), ranking.AveragePrecision()!.Value, Tolerance);
            Assert.Equal(c.GetProperty("pro03").GetDouble(), ranking.Pro()!.Value, Tolerance);
            Assert.Equal(c.GetProperty("pro005").GetDouble(), ranking.Pro(0.05)!.Value, Tolerance);
        }
    }
}
