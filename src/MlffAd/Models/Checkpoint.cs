using System.Text.Json;

namespace MlffAd.Models;

/// <summary>Where training stands, but for its tensors.</summary>
/// <param name="Config">The configuration in effect.</param>
/// <param name="Preprocessing">What the network is fed.</param>
/// <param name="Training">Epochs and images done, seed, source of weights.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Class">The name of the training folder.</param>
/// <param name="Files">The training images, in the order of training.</param>
/// <param name="Counters">The trainer's own numbers, such as skipped steps, by name.</param>
/// <param name="Split">What decides which images are held out.</param>
public sealed record CheckpointMetadata(Config Config, Preprocessing Preprocessing, TrainingRecord Training, long Step,
    string Class, IReadOnlyList<TrainingFile> Files, IReadOnlyDictionary<string, double> Counters, SplitBy Split =
    SplitBy.Content)
{
    /// <summary>The memory's keys that the user set: they are not chosen when it is made.</summary>
    public IReadOnlyList<string> Given { get; init; } = [];
}

/// <summary>An interrupted training, <c>MODEL.state</c>: tensors under <c>weights/</c>, <c>velocity/</c> and
/// <c>stats/</c>, and <see cref="CheckpointMetadata"/>.</summary>
public sealed class Checkpoint : IDisposable
{
    private const string Format = "mlffad-state/1";

    /// <summary>More than any training takes; a batch's number stays far below 2³¹.</summary>
    private const int MostSteps = 1 << 30;

    private Checkpoint(SafetensorsFile tensors) => (Tensors, Metadata) = (tensors, Parse(tensors));

    /// <summary>Where training stands.</summary>
    public CheckpointMetadata Metadata { get; }

    /// <summary>The tensors, by their prefixed names.</summary>
    public SafetensorsFile Tensors { get; }

    /// <summary>Writes a checkpoint whole or not at all.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void Save(string path, CheckpointMetadata metadata,
        IEnumerable<TensorData> tensors) => Safetensors.Write(path, tensors, new Dictionary<string, string>
        {
            ["format"] = Format,
            ["config"] = metadata.Config.ToJson(),
            ["preprocessing"] = JsonSerializer.Serialize(metadata.Preprocessing, FileJson.Default.Preprocessing),
            ["training"] = JsonSerializer.Serialize(metadata.Training, FileJson.Default.TrainingRecord),
            ["epoch"] = metadata.Training.Epochs.ToString(CultureInfo.InvariantCulture),
            ["seed"] = metadata.Training.Seed.ToString(CultureInfo.InvariantCulture),
            ["step"] = metadata.Step.ToString(CultureInfo.InvariantCulture),
            ["class"] = metadata.Class,
            ["split"] = metadata.Split == SplitBy.Content ? "content" : "name",
            ["files"] = JsonSerializer.Serialize([.. metadata.Files], FileJson.Default.TrainingFileArray),
            ["counters"] = JsonSerializer.Serialize(
                new SortedDictionary<string, double>(metadata.Counters.ToDictionary(), StringComparer.Ordinal),
                FileJson.Default.SortedDictionaryStringDouble),
            ["given"] = string.Join(' ', metadata.Given),
        });

    /// <summary>Opens a checkpoint and checks all but the tensors' names and numbers; dispose to close it.</summary>
    /// <exception cref="MlffAdException">It cannot be read, is damaged, or is no checkpoint (exit code 4).</exception>
    public static Checkpoint Open(string path)
    {
        var file = SafetensorsFile.Open(path);
        try { return new Checkpoint(file); }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Refuses to go on with other values of some keys than training began with.</summary>
    /// <param name="config">Has the values that are asked for.</param>
    /// <param name="keys">The keys that count.</param>
    /// <exception cref="MlffAdException">One differs (exit code 2); the message names it and both values.</exception>
    public void RequireSame(Config config, IEnumerable<string> keys)
    {
        foreach (string key in keys)
            if (Metadata.Config.Get(key) is var was && config.Get(key) is var wanted && was != wanted)
                throw Other($"{key} was {was} and is now {wanted}");
    }

    /// <summary>Refuses to go on with other images than training began with.</summary>
    /// <exception cref="MlffAdException">Some differ (exit code 2); the message says how many, and names some of
    /// them.</exception>
    public void RequireSame(IReadOnlyList<TrainingFile> files)
    {
        var (before, now) = (Metadata.Files.ToDictionary(file => file.Path, file => file.Sha256),
            files.ToDictionary(file => file.Path, file => file.Sha256));
        string[] differences = [.. new[]
        {
            Named("new", now.Keys.Except(before.Keys)),
            Named("gone", before.Keys.Except(now.Keys)),
            Named("changed", before.Keys.Where(path => now.GetValueOrDefault(path, before[path]) != before[path])),
        }.OfType<string>()];
        // Others move into or out of those held out then: they seem gone or new, though nobody touched them.
        if (differences is not []) throw Other("the images to train on are others, which an image more or less among "
            + $"the good ones can also cause: {string.Join(", ", differences)}");
    }

    /// <summary><c>3 new ('a.png', 'b.png', …)</c>; null for none.</summary>
    private static string? Named(string what, IEnumerable<string> files)
    {
        const int most = 3;
        string[] all = [.. files.Order(StringComparer.Ordinal)];
        string some = string.Join(", ", all.Take(most).Select(file => $"'{Shown.Text(file, 80)}'"));
        return all is [] ? null : $"{all.Length} {what} ({some}{(all.Length > most ? ", …" : "")})";
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => Tensors.Dispose();

    private MlffAdException Other(string difference) =>
        new(ExitCode.Usage,
            $"'{Tensors.Source}' cannot be resumed: {difference}; resume it as it was, or train anew without --resume.");

    private static CheckpointMetadata Parse(SafetensorsFile file)
    {
        var metadata = new FileMetadata(file);
        metadata.RequireFormat("checkpoint", Format);
        var files = metadata.Json("files", FileJson.Default.TrainingFileArray);
        if (files.Contains(null)) throw metadata.Bad("files", "names no file where one belongs");
        if (files.DistinctBy(f => f.Path).Count() != files.Length) throw metadata.Bad("files", "names an image twice");
        var read = new CheckpointMetadata(metadata.Config(), metadata.Preprocessing(), metadata.Training(),
            metadata.Number<long>("step"), metadata.Text("class"), files,
            metadata.Json("counters", FileJson.Default.SortedDictionaryStringDouble),
            metadata.Optional("split") switch
            {
                "content" => SplitBy.Content,
                // States of earlier versions do not say.
                null or "name" => SplitBy.Name,
                _ => throw metadata.Bad("split", "is neither content nor name"),
            })
        {
            // States of earlier versions have no memory to make.
            Given = metadata.Optional("given")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [],
        };
        if (read.Step is < 0 or > MostSteps) throw metadata.Bad("step", $"is {read.Step}, not from 0 to {MostSteps}");
        if (!read.Config.HasNetwork) throw metadata.Bad("config", "has a memory, which takes no training steps");
        var training = read.Training;
        if (training.Epochs > read.Step || training.Images > read.Step * read.Config.Train.Batch)
            throw metadata.Bad("training",
                $"counts {training.Epochs} epochs and {training.Images} images in {read.Step} steps");
        return TrainingCounters.FaultOf(read.Counters) is { } fault ? throw metadata.Bad("counters", fault) : read;
    }
}
