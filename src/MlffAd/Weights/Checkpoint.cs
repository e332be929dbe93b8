using System.Globalization;
using System.Text.Json;
using MlffAd.Configuration;
using MlffAd.Data;

namespace MlffAd.Weights;

/// <summary>Where training stands, but for its tensors.</summary>
/// <param name="Config">The configuration in effect.</param>
/// <param name="Preprocessing">What the network is fed.</param>
/// <param name="Training">Epochs and images done, seed, source of weights.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Class">The name of the training folder.</param>
/// <param name="Files">The training images, in the order of training.</param>
/// <param name="Counters">The trainer's own numbers, such as skipped steps, by name.</param>
/// <param name="Split">What decides which images are held out.</param>
public sealed record CheckpointMetadata(Config Config, Preprocessing Preprocessing, TrainingRecord Training, long Step, string Class,
    IReadOnlyList<TrainingFile> Files, IReadOnlyDictionary<string, double> Counters,
    SplitBy Split = SplitBy.Content);

/// <summary>An interrupted training, <c>MODEL.state</c>: tensors under <c>weights/</c>, <c>velocity/</c> and <c>stats/</c>, and <see cref="CheckpointMetadata"/>.</summary>
public sealed class Checkpoint : IDisposable
{
    private const string Format = "mlffad-state/1";

    private Checkpoint(SafetensorsFile tensors) => (Tensors, Metadata) = (tensors, Parse(tensors));

    /// <summary>Where training stands.</summary>
    public CheckpointMetadata Metadata { get; }

    /// <summary>The tensors, by their prefixed names.</summary>
    public SafetensorsFile Tensors { get; }

    /// <summary>Writes a checkpoint whole or not at all.</summary>
    /// <exception cref="MlffAdException">It cannot be written (exit code 7).</exception>
    public static void Save(string path, CheckpointMetadata metadata, IEnumerable<TensorData> tensors) => Safetensors.Write(path, tensors, new Dictionary<string, string>
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
        ["counters"] = JsonSerializer.Serialize(new SortedDictionary<string, double>(metadata.Counters.ToDictionary(), StringComparer.Ordinal), FileJson.Default.SortedDictionaryStringDouble),
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

    /// <summary>Refuses to go on with another configuration or other data than training began with.</summary>
    /// <exception cref="MlffAdException">Something differs (exit code 2); the message names the first key or file that does.</exception>
    public void RequireSame(Config config, IReadOnlyList<TrainingFile> files)
    {
        foreach (var key in Config.Keys)
            if (Metadata.Config.Get(key.Name) is var was && config.Get(key.Name) is var wanted && was != wanted)
                throw Other($"{key.Name} was {was} and is now {wanted}");
        var (before, now) = (Metadata.Files.ToDictionary(file => file.Path, file => file.Sha256), files.ToDictionary(file => file.Path, file => file.Sha256));
        if (before.Keys.Except(now.Keys).FirstOrDefault() is { } lost) throw Other($"the training image '{lost}' is gone");
        if (now.Keys.Except(before.Keys).FirstOrDefault() is { } added) throw Other($"the training image '{added}' is new");
        if (before.FirstOrDefault(file => now[file.Key] != file.Value) is { Key: { } changed }) throw Other($"the training image '{changed}' has changed");
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => Tensors.Dispose();

    private MlffAdException Other(string difference) =>
        new(ExitCode.Usage, $"'{Tensors.Source}' cannot be resumed: {difference}; resume it as it was, or train anew without --resume.");

    private static CheckpointMetadata Parse(SafetensorsFile file)
    {
        var metadata = new FileMetadata(file);
        metadata.RequireFormat("checkpoint", Format);
        var files = metadata.Json("files", FileJson.Default.TrainingFileArray);
        if (files.DistinctBy(f => f.Path).Count() != files.Length) throw metadata.Bad("files", "names an image twice");
        return new CheckpointMetadata(metadata.Config(), metadata.Preprocessing(), metadata.Json("training", FileJson.Default.TrainingRecord),
            metadata.Number<long>("step"), metadata.Text("class"), files,
            metadata.Json("counters", FileJson.Default.SortedDictionaryStringDouble),
            metadata.Optional("split") switch
            {
                "content" => SplitBy.Content,
                // States of earlier versions do not say.
                null or "name" => SplitBy.Name,
                _ => throw metadata.Bad("split", "is neither content nor name"),
            });
    }
}
