using System.Text.Json;

namespace MlffAd.Reporting;

/// <summary>What a model says of itself as JSON: the metadata of its file (spec §12), the JSON in it as such, with
/// nothing left out: <c>pixelThreshold</c> and <c>thresholdFrom</c> are always there, <c>calibration</c> and
/// <c>quality</c> are null and <c>earlier</c> is empty where there is none. Besides, <c>warnings</c>, sentences, and of
/// a memory <c>memory.step</c>, what one cell aside counts.</summary>
public static class ModelJson
{
    /// <summary>Writes the file whole or not at all.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7), or the model is damaged (4).</exception>
    public static void Write(string path, ModelFile model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var metadata = model.Metadata;
        var strings = metadata.ToStrings(learns: model.Tensors.Tensors.ContainsKey(KeptPictures.Images));
        strings["pixelThreshold"] = metadata.PixelThreshold.ToString(CultureInfo.InvariantCulture);
        strings["thresholdFrom"] = metadata.From;
        foreach (var (key, none) in new[] { ("calibration", "null"), ("quality", "null"), ("earlier", "[]") })
            strings.TryAdd(key, none);
        float[]? step = metadata.Config.HasMemory ? model.Tensors.ReadFloats(MemoryNetwork.Step, [1, 1]) : null;
        AtomicFile.Write(path, stream =>
        {
            using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
            {
                json.WriteStartObject();
                foreach (var (key, text) in strings) Write(json, key, text);
                json.WriteStartArray("warnings");
                foreach (string warning in Warnings.Of(metadata)) json.WriteStringValue(warning);
                if (metadata.Calibration?.Caution is { } caution) json.WriteStringValue(caution);
                json.WriteEndArray();
                if (step is not null)
                {
                    json.WriteStartObject("memory");
                    json.WriteNumber("step", step[0]);
                    json.WriteEndObject();
                }
                json.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        });
    }

    private static void Write(Utf8JsonWriter json, string key, string text)
    {
        if (key is "format" or "class" or "thresholdFrom")
        {
            json.WriteString(key, text);
            return;
        }
        json.WritePropertyName(key);
        using var value = JsonDocument.Parse(text);
        value.RootElement.WriteTo(json);
    }
}
