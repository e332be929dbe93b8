using System.Text.Json;

namespace MlffAd.Detection;

/// <summary>Findings as files for other programs, written as they are made.</summary>
/// <remarks>
/// CSV (RFC 4180): <c>path,score,verdict,x,y,w,h</c>; the last four are empty without a box, the score of an unreadable
/// image too; no field begins like a formula but a negative score. JSON:
/// <c>{"threshold","pixelThreshold","images":[{"path","score","verdict","box":{"x","y","w","h"} or
/// null}],"complete"}</c>; an unreadable image's score is null and it has an <c>error</c>.
/// Until <see cref="Finish"/> the files of before stand; disposed without it, they stay.
/// </remarks>
public sealed class FindingFiles : IDisposable
{
    private const int FlushBytes = 1 << 16;

    private readonly List<Sink> _open = [];

    /// <summary>Begins the files.</summary>
    /// <param name="csv">The CSV file; null for none.</param>
    /// <param name="json">The JSON file; null for none.</param>
    /// <param name="threshold">An image is defective above this score.</param>
    /// <param name="pixelThreshold">A pixel is defective above this score.</param>
    /// <exception cref="MlffAdException">One cannot be written (exit code 7).</exception>
    public FindingFiles(string? csv, string? json, float threshold, float pixelThreshold)
    {
        if (csv is not null) _open.Add(Csv(csv));
        try { if (json is not null) _open.Add(Json(json, threshold, pixelThreshold)); }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How many findings there are so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a finding.</summary>
    /// <exception cref="MlffAdException">The disk is full (exit code 7).</exception>
    public void Add(Finding finding)
    {
        ArgumentNullException.ThrowIfNull(finding);
        Count++;
        foreach (var sink in _open) AtomicFile.Guarded(sink.Path, () => sink.Add(finding));
    }

    /// <summary>Ends the files and puts them in their places: each that can be, whatever becomes of the
    /// other.</summary>
    /// <param name="complete">Whether every image was judged.</param>
    /// <exception cref="MlffAdException">The disk is full (exit code 7).</exception>
    public void Finish(bool complete)
    {
        MlffAdException? first = null;
        while (_open is [var sink, ..])
        {
            _open.RemoveAt(0);
            using var file = sink.File;
            try
            {
                AtomicFile.Guarded(sink.Path, () => sink.End(complete));
                file.Commit();
            }
            catch (MlffAdException e) { first ??= e; }
        }
        if (first is not null) throw first;
    }

    /// <summary>Removes what was not finished.</summary>
    public void Dispose()
    {
        foreach (var sink in _open) sink.File.Dispose();
        _open.Clear();
    }

    private static Sink Csv(string path)
    {
        var file = AtomicFile.Create(path);
        var rows = new StreamWriter(file.Stream, leaveOpen: true) { NewLine = "\n" };
        rows.WriteLine("path,score,verdict,x,y,w,h");
        return new(path, file, f => rows.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Quoted(f.Path)},{f.Score},{f.Verdict},{f.Box?.X},{f.Box?.Y},{f.Box?.Width},{f.Box?.Height}")),
            _ => rows.Flush());
    }

    private static Sink Json(string path, float threshold, float pixelThreshold)
    {
        var file = AtomicFile.Create(path);
        var json = new Utf8JsonWriter(file.Stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("threshold", threshold);
        json.WriteNumber("pixelThreshold", pixelThreshold);
        json.WriteStartArray("images");
        return new(path, file, Add, End);

        void Add(Finding finding)
        {
            Write(json, finding);
            if (json.BytesPending > FlushBytes) json.Flush();
        }

        void End(bool complete)
        {
            json.WriteEndArray();
            json.WriteBoolean("complete", complete);
            json.WriteEndObject();
            json.Flush();
            file.Stream.WriteByte((byte)'\n');
        }
    }

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

    /// <summary>A path as a field. One that a spreadsheet would take for a formula gets a <c>./</c>, which names the
    /// same file: such a path is always relative.</summary>
    private static string Quoted(string path)
    {
        if (path is ['=' or '+' or '-' or '@' or '\t' or '\r' or '\n', ..]) path = "./" + path;
        return path.AsSpan().ContainsAny(",\"\r\n")
            ? $"\"{path.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : path;
    }

    /// <summary>A file that is open: how a finding is added to it, and how it ends.</summary>
    private sealed record Sink(string Path, AtomicFile File, Action<Finding> Add, Action<bool> End);
}
