using System.Text;
using System.Text.Json;

namespace MlffAd.Training;

/// <summary>Writes the log of a training: a JSON object a line, a line a step. A resumed training goes on behind the step it resumes from.</summary>
internal sealed class TrainingLogWriter : IDisposable
{
    private readonly FileStream _file;
    private readonly Utf8JsonWriter _json;

    public TrainingLogWriter(string path, long firstStep)
    {
        try
        {
            string[] kept = firstStep > 0 && File.Exists(path) ? [.. File.ReadLines(path).Where(line => StepOf(line) <= firstStep)] : [];
            _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
            foreach (string line in kept) _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MlffAdException(ExitCode.Output, $"The log '{path}' could not be written ({e.Message.TrimEnd('.')}); choose another place or free some space.", e);
        }
        _json = new Utf8JsonWriter(_file);
    }

    public void Write(TrainingProgress p)
    {
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
        _json.WriteEndObject();
        try
        {
            _json.Flush();
            _file.WriteByte((byte)'\n');
            _file.Flush();
        }
        catch (IOException e)
        {
            throw new MlffAdException(ExitCode.Output, $"The log '{_file.Name}' could not be written ({e.Message.TrimEnd('.')}); free some space and resume.", e);
        }
        _json.Reset();

        void Number(string name, double value)
        {
            if (double.IsFinite(value)) _json.WriteNumber(name, value);
            else _json.WriteNull(name);
        }
    }

    public void Dispose()
    {
        _json.Dispose();
        _file.Dispose();
    }

    private static long StepOf(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("step").GetInt64();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException) { return long.MaxValue; }
    }
}
