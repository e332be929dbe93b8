using System.Text;
using System.Text.Json;

namespace MlffAd.Training;

/// <summary>Writes a training's log: JSON lines, one a step, and one of the model's quality. Kept beside the state
/// during training; replaces the model's log at the end.</summary>
/// <remarks>A line that cannot be written costs a warning, not the training.</remarks>
internal sealed class TrainingLogWriter : IDisposable
{
    private readonly string _path;
    private readonly Action<string> _say;
    private readonly FileStream? _file;
    private readonly Utf8JsonWriter _json = new(Stream.Null);
    private bool _failed;

    /// <summary>Begins a log, or goes on with that of an earlier sitting, behind the step that is resumed.</summary>
    /// <param name="path">The log.</param>
    /// <param name="earlier">The log of the earlier sittings, which may be the same file; null for none.</param>
    /// <param name="firstStep">Steps of it that count.</param>
    /// <param name="say">Told of what cannot be written.</param>
    public TrainingLogWriter(string path, string? earlier, long firstStep, Action<string> say)
    {
        (_path, _say) = (path, say);
        try
        {
            AtomicFile.Write(path, stream =>
            {
                if (earlier is null || !File.Exists(earlier) || InputFile.IsNothing(earlier)) return;
                using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
                foreach (string line in File.ReadLines(earlier)
                    .Where(line => StepOf(line) <= firstStep)) writer.WriteLine(line);
            });
            _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read | FileShare.Delete);
            _json = new Utf8JsonWriter(_file);
        }
        catch (Exception e) when (e is MlffAdException || AtomicFile.IsOfSystem(e)) { Warn(e); }
    }

    public void Write(TrainingProgress p)
    {
        if (_file is null) return;
        _json.WriteStartObject();
        _json.WriteNumber("step", p.Step);
        _json.WriteNumber("epoch", p.Epoch);
        _json.WriteNumber("images", p.Images);
        Number("total", p.Losses.Total);
        Number("lf", p.Losses.Lf);
        Number("ls", p.Losses.Ls);
        Number("lfs", p.Losses.Lfs);
        Number("gradNorm", p.GradientNorm);
        Number("rate", p.Rate);
        Number("imagesPerSecond", Math.Round(p.ImagesPerSecond, 2));
        if (p.Skipped) _json.WriteBoolean("skipped", true);
        EndLine();

        void Number(string name, double value)
        {
            if (double.IsFinite(value)) _json.WriteNumber(name, value);
            else _json.WriteNull(name);
        }
    }

    /// <summary>The last line of a log, <c>{"quality":{…}}</c>.</summary>
    public static string LineOf(Quality quality) =>
        $"{{\"quality\":{JsonSerializer.Serialize(quality, FileJson.Default.Quality)}}}\n";

    /// <summary>A line of what a memory might have been, <c>{"choice":[…]}</c>, the chosen numbers first.</summary>
    public static string LineOf(IReadOnlyList<MemoryCandidate> choice) =>
        $"{{\"choice\":{JsonSerializer.Serialize([.. choice], FileJson.Default.MemoryCandidateArray)}}}\n";

    /// <summary>Writes the last lines.</summary>
    public void Write(string lines)
    {
        if (_file is null) return;
        try
        {
            _file.Write(Encoding.UTF8.GetBytes(lines));
            _file.Flush();
        }
        catch (Exception e) when (AtomicFile.IsOfSystem(e)) { Warn(e); }
    }

    private void EndLine()
    {
        _json.WriteEndObject();
        try
        {
            _json.Flush();
            _file!.WriteByte((byte)'\n');
            _file.Flush();
        }
        catch (Exception e) when (AtomicFile.IsOfSystem(e)) { Warn(e); }
        _json.Reset();
    }

    /// <summary>Puts the log in the place of the model's.</summary>
    public void MoveTo(string path)
    {
        Close();
        try
        {
            if (FileStatus.Of(path) is { IsStream: true } or { IsSpecial: true }) throw new IOException(
                $"'{path}' is no file");
            File.Move(_path, FileIdentity.Followed(path), overwrite: true);
        }
        catch (Exception e) when (AtomicFile.IsOfSystem(e)) { Warn(e); }
    }

    public void Dispose() => Close();

    private void Close()
    {
        try
        {
            _json.Dispose();
            _file?.Dispose();
        }
        catch (Exception e) when (AtomicFile.IsOfSystem(e)) { Warn(e); }
    }

    private void Warn(Exception e)
    {
        if (!_failed) _say(
            $"The log '{_path}' cannot be written ({e.Message.TrimEnd('.')}); training goes on without.");
        _failed = true;
    }

    private static long StepOf(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("step").GetInt64();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException)
        {
            return long.MaxValue;
        }
    }
}
