using System.Text.Json;

namespace MlffAd.Evaluation;

/// <summary>An evaluation as JSON: <c>{"image":{"auroc","ap","f1max"},"pixel":{"auroc","ap","pro"} or
/// null,"kinds":{kind:{"image","pixel","count"}},
/// "images":[{"path","kind","score","verdict"}],"remarks":[sentence]}</c>, remarks only where there are some; a metric
/// that is not defined is null, a kind's figures have the shape of the whole's.</summary>
public static class EvaluationJson
{
    /// <summary>Writes the file whole or not at all.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void Write(string path, EvaluationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var kinds = result.Kinds.Select(kind => (kind.Kind, kind));
        Write(path, new Whole(result.Image, result.Pixel, kinds, [result]), null);
    }

    /// <summary>Writes several evaluations as one: the means of their figures, kinds as <c>name/kind</c>, all images. A
    /// mean is null where a figure is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="evaluations">What the figures are of.</param>
    /// <param name="memories">Evaluations of memories, whose figures stand beside as <c>memory</c>, in the same shape;
    /// null for none.</param>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void WriteMeans(string path, IReadOnlyList<(string Name, EvaluationResult Result)> evaluations,
        IReadOnlyList<(string Name, EvaluationResult Result)>? memories = null) =>
        Write(path, Means(evaluations), memories is null ? null : Means(memories));

    private static Whole Means(IReadOnlyList<(string Name, EvaluationResult Result)> evaluations)
    {
        EvaluationResult[] results = [.. evaluations.Select(evaluation => evaluation.Result)];
        return new(new(Mean(result => result.Image.Auroc), Mean(result => result.Image.Ap),
            Mean(result => result.Image.F1Max), null), results.Any(result => result.Pixel is null)
            ? null
            : new(Mean(result => result.Pixel?.Auroc), Mean(result => result.Pixel?.Ap),
                Mean(result => result.Pixel?.Pro)),
                evaluations.SelectMany(evaluation =>
                    evaluation.Result.Kinds.Select(kind => ($"{evaluation.Name}/{kind.Kind}", kind))), results);

        double? Mean(Func<EvaluationResult, double?> of) =>
            results.Any(result => of(result) is null) ? null : results.Average(of);
    }

    private static void Write(string path, Whole whole, Whole? memory) =>
        AtomicFile.Write(path, stream =>
        {
            using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
            {
                json.WriteStartObject();
                Write(json, whole);
                if (memory is not null)
                {
                    json.WriteStartObject("memory");
                    Write(json, memory);
                    json.WriteEndObject();
                }
                json.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        });

    private static void Write(Utf8JsonWriter json, Whole whole)
    {
        Write(json, whole.Image);
        Write(json, whole.Pixel);
        json.WriteStartObject("kinds");
        foreach (var (name, kind) in whole.Kinds)
        {
            json.WriteStartObject(name);
            Write(json, kind.Image);
            Write(json, kind.Pixel);
            json.WriteNumber("count", kind.Count);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteStartArray("images");
        foreach (EvaluationResult result in whole.Results)
            foreach (TestImage test in result.Images)
            {
                json.WriteStartObject();
                json.WriteString("path", test.Path);
                json.WriteString("kind", test.Kind);
                json.WriteNumber("score", test.Score);
                json.WriteString("verdict", result.IsFlagged(test) ? "defect" : "good");
                json.WriteEndObject();
            }
        json.WriteEndArray();
        string[] remarks = [.. whole.Results.SelectMany(result => result.Remarks)];
        if (remarks.Length == 0) return;
        json.WriteStartArray("remarks");
        foreach (string remark in remarks) json.WriteStringValue(remark);
        json.WriteEndArray();
    }

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

    /// <summary>One evaluation, or the means of several.</summary>
    private sealed record Whole(ImageMetrics Image, PixelMetrics? Pixel,
        IEnumerable<(string Name, KindMetrics Metrics)> Kinds, IEnumerable<EvaluationResult> Results);
}
