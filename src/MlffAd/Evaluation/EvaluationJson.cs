using System.Text.Json;
using MlffAd.Files;

namespace MlffAd.Evaluation;

/// <summary>An evaluation as JSON: <c>{"image":{"auroc","ap","f1max"},"pixel":{"auroc","ap","pro"} or null,"kinds":{kind:{"image","pixel","count"}},
/// "images":[{"path","kind","score","verdict"}]}</c>; a metric that is not defined is null, a kind's figures have the shape of the whole's.</summary>
public static class EvaluationJson
{
    /// <summary>Writes the file whole or not at all.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void Write(string path, EvaluationResult result) => AtomicFile.Write(path, stream =>
    {
        ArgumentNullException.ThrowIfNull(result);
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            Write(json, result.Image);
            Write(json, result.Pixel);
            json.WriteStartObject("kinds");
            foreach (KindMetrics kind in result.Kinds)
            {
                json.WriteStartObject(kind.Kind);
                Write(json, kind.Image);
                Write(json, kind.Pixel);
                json.WriteNumber("count", kind.Count);
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteStartArray("images");
            foreach (TestImage image in result.Images)
            {
                json.WriteStartObject();
                json.WriteString("path", image.Path);
                json.WriteString("kind", image.Kind);
                json.WriteNumber("score", image.Score);
                json.WriteString("verdict", result.IsFlagged(image) ? "defect" : "good");
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    });

    private static void Write(Utf8JsonWriter json, ImageMetrics metrics)
    {
        json.WriteStartObject("image");
        Write(json, "auroc", metrics.Auroc);
        Write(json, "ap", metrics.Ap);
        Write(json, "f1max", metrics.F1Max);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, PixelMetrics? metrics)
    {
        if (metrics is null)
        {
            json.WriteNull("pixel");
            return;
        }
        json.WriteStartObject("pixel");
        Write(json, "auroc", metrics.Auroc);
        Write(json, "ap", metrics.Ap);
        Write(json, "pro", metrics.Pro);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }
}
