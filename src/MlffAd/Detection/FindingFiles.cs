using System.Globalization;
using System.Text;
using System.Text.Json;
using MlffAd.Files;

namespace MlffAd.Detection;

/// <summary>Findings as files for other programs.</summary>
public static class FindingFiles
{
    /// <summary>Writes CSV (RFC 4180): <c>path,score,verdict,x,y,w,h</c>; the last four are empty without a box, the score of an unreadable image too.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void WriteCsv(string path, IEnumerable<Finding> findings)
    {
        ArgumentNullException.ThrowIfNull(findings);
        var text = new StringBuilder("path,score,verdict,x,y,w,h\n");
        foreach (Finding f in findings)
            text.Append(CultureInfo.InvariantCulture, $"{Quoted(f.Path)},{f.Score},{f.Verdict},{f.Box?.X},{f.Box?.Y},{f.Box?.Width},{f.Box?.Height}\n");
        AtomicFile.WriteText(path, text.ToString());
    }

    /// <summary>Writes JSON: <c>{"threshold","pixelThreshold","images":[{"path","score","verdict","box":{"x","y","w","h"} or null}]}</c>; an
    /// unreadable image's score is null and it has an <c>error</c>.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void WriteJson(string path, IEnumerable<Finding> findings, float threshold, float pixelThreshold) => AtomicFile.Write(path, stream =>
    {
        ArgumentNullException.ThrowIfNull(findings);
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("threshold", threshold);
            json.WriteNumber("pixelThreshold", pixelThreshold);
            json.WriteStartArray("images");
            foreach (Finding finding in findings) Write(json, finding);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    });

    private static void Write(Utf8JsonWriter json, Finding finding)
    {
        json.WriteStartObject();
        json.WriteString("path", finding.Path);
        if (finding.Score is { } score) json.WriteNumber("score", score);
        else json.WriteNull("score");
        json.WriteString("verdict", finding.Verdict);
        if (finding.Box is { } box)
        {
            json.WriteStartObject("box");
            json.WriteNumber("x", box.X);
            json.WriteNumber("y", box.Y);
            json.WriteNumber("w", box.Width);
            json.WriteNumber("h", box.Height);
            json.WriteEndObject();
        }
        else json.WriteNull("box");
        if (finding.Error is not null) json.WriteString("error", finding.Error);
        json.WriteEndObject();
    }

    private static string Quoted(string field) => field.AsSpan().ContainsAny(",\"\r\n") ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;
}
