namespace MlffAd.Training;

/// <summary>What is to be trained.</summary>
/// <param name="Folder">Good images, or a data set in MVTec AD's layout.</param>
/// <param name="Output">The model to write.</param>
/// <param name="Config">The configuration; of what is resumed, the state's is taken in its place.</param>
public sealed record TrainingRequest(string Folder, string Output, Config Config)
{
    /// <summary>Names of the keys that the user set; a weights file or a state that contradicts one is
    /// refused.</summary>
    public IReadOnlySet<string> ExplicitKeys { get; init; } = new HashSet<string>();

    /// <summary>That all images of the folder show good parts, whatever its folders are called.</summary>
    public bool Plain { get; init; }

    /// <summary>What decides which images a network's training holds out; a state that is resumed knows it.</summary>
    public SplitBy Split { get; init; } = SplitBy.Content;

    /// <summary>The backbone's weights: a file, "none" for random ones, null for the shipped ones.</summary>
    public string? Weights { get; init; }

    /// <summary>A network whose backbone is taken instead, as a memory beside it is made.</summary>
    internal TrainedNetwork? Network { get; init; }

    /// <summary>End after so many images.</summary>
    public long? MaxImages { get; init; }

    /// <summary>End after so much time.</summary>
    public TimeSpan? TimeBudget { get; init; }

    /// <summary>A checkpoint to go on from.</summary>
    public string? Resume { get; init; }

    /// <summary>The image threshold, instead of one from held-out images.</summary>
    public float? Threshold { get; init; }

    /// <summary>Largest share of unusable images.</summary>
    public double MaxBad { get; init; } = 0.05;

    /// <summary>Larger images are refused.</summary>
    public long MaxPixels { get; init; } = ImageFile.MaxPixels;

    /// <summary>Begin anew although the state of an unfinished training lies there, which is lost.</summary>
    public bool Restart { get; init; }

    /// <summary>The folder's name, which the model keeps as its class.</summary>
    internal string ClassName => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Folder)));

    /// <summary>Where the state of a network's unfinished training lies; a memory has none.</summary>
    public string StatePath => Target + ".state";

    /// <summary>Where the log of that training lies.</summary>
    public string StateLogPath => LogOf(StatePath);

    /// <summary>Where the log is written, a JSON object a step, or of a memory a phase.</summary>
    public string LogPath => LogOf(Target);

    /// <summary>The log of what is resumed: beside its state, or where earlier versions wrote it; null if nothing
    /// is.</summary>
    internal string? EarlierLog => Resume is null ? null : File.Exists(LogOf(Resume)) ? LogOf(Resume) : LogPath;

    /// <summary>Where the log of a model's training lies.</summary>
    public static string LogOf(string model) => model + ".log.jsonl";

    /// <summary>Locks the model, and refuses if another training of it is running or unfinished.</summary>
    /// <returns>The lock; dispose it at the end.</returns>
    /// <exception cref="MlffAdException">One is running (exit code 7), or unfinished (2).</exception>
    internal TrainingLock Begin()
    {
        if (FileStatus.Of(Output) is { IsStream: true })
            throw new MlffAdException(ExitCode.Usage,
                $"'{Output}' is no file, and a model is read again once it is written; give a file.");
        var alone = TrainingLock.Take(Target);
        if (!File.Exists(StatePath) || Restart
            || (Resume is { } from && IsState(from))) return alone;
        alone.Dispose();
        throw new MlffAdException(ExitCode.Usage,
            $"'{StatePath}' is of a training that has not ended: go on with it by "
            + $"--resume '{StatePath}', or begin anew, and lose it, by --restart.");
    }

    /// <summary>Opens the folder and reports what the user should know of its images.</summary>
    /// <exception cref="MlffAdException">It cannot be learnt from (exit code 3).</exception>
    internal DataSet Open(Action<string> say)
    {
        var set = DataSet.Open(Folder, Plain);
        set.RequireTrain();
        // A state may be resumed into itself.
        string?[] read = [Weights is "none" ? null : Weights, Resume is { } state && !IsState(state) ? state : null];
        new OutputFiles().Add(Output).Add(LogPath).Add(StatePath).Add(StateLogPath)
            .RequireApartFrom(
                [.. read, .. set.Train.Concat(set.Test).SelectMany(item => new[] { item.Path, item.Mask })]);
        if (set.Caution is { } caution) say(caution);
        foreach (string copies in set.CopyCautions()) say(copies);
        return set;
    }

    /// <summary>Writes the log of a memory, and removes what an unfinished training of a network left. What cannot be
    /// written costs a warning: the model stands.</summary>
    internal void WriteLog(string log, Action<string> say)
    {
        try
        {
            AtomicFile.WriteText(LogPath, log);
            foreach (string left in new[] { StatePath, StateLogPath }) File.Delete(left);
        }
        catch (Exception e) when (e is MlffAdException
            || AtomicFile.IsOfSystem(e))
        { say($"The log is missing: {e.Message}"); }
    }

    /// <summary>The output with links resolved: a link and its target are one model.</summary>
    private string Target => new FileInfo(Output).LinkTarget is null ? Output : FileIdentity.Followed(Output);

    private bool IsState(string path) => FileIdentity.Of(path) == FileIdentity.Of(StatePath);

    /// <summary>Refuses a training that could not end in a threshold.</summary>
    /// <exception cref="MlffAdException">None is given, nor images to take it from (exit code 3); or it is not finite,
    /// and the model could not be opened (2).</exception>
    internal void RequireThreshold()
    {
        if (Threshold is { } given && !float.IsFinite(given))
            throw new MlffAdException(ExitCode.Usage, $"A threshold is a finite number, not {given}.");
        if (Config.Train.Holdout == 0 && Threshold is null)
            throw new MlffAdException(ExitCode.BadData,
                "Without held-out images (train.holdout 0) there is nothing to take "
                    + "a threshold from; give '--threshold' as well.");
    }
}

/// <summary>Where training stands after a step.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Images">Images done.</param>
/// <param name="Share">Share of the whole that is done, 0…1.</param>
/// <param name="Losses">Of this step.</param>
/// <param name="GradientNorm">Of this step.</param>
/// <param name="Rate">Learning rate of this step.</param>
/// <param name="ImagesPerSecond">Since training (or the resumed part) began.</param>
/// <param name="Remaining">Estimate of the time left; null before three batches are done.</param>
/// <param name="MemoryBytes">Bytes of the device's memory that training holds; constant from the first step on.</param>
/// <param name="Skipped">Whether the step was not finite and left out.</param>
public sealed record TrainingProgress(long Step, int Epoch, long Images, double Share, FinalLosses Losses,
    double GradientNorm, double Rate, double ImagesPerSecond, TimeSpan? Remaining, long MemoryBytes, bool Skipped);

/// <summary>How training ended.</summary>
/// <param name="Metadata">Of the model that was written; null if training was interrupted.</param>
/// <param name="Images">Images done.</param>
/// <param name="Elapsed">Time spent, earlier sittings included.</param>
/// <param name="SkippedSteps">Steps left out because they were not finite.</param>
/// <param name="StayedGood">Images that were to get a pseudo anomaly but took none.</param>
public sealed record TrainingOutcome(ModelMetadata? Metadata, long Images, TimeSpan Elapsed, int SkippedSteps,
    int StayedGood)
{
    /// <summary>Whether it was interrupted: a network's state is saved, of a memory nothing.</summary>
    public bool Interrupted => Metadata is null;
}
