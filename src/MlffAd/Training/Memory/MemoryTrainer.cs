namespace MlffAd.Training;

/// <summary>Makes a model that remembers good parts (spec §14): reads each photograph once, draws cells, chooses those
/// that cover them, and sets the threshold by images that are judged without themselves.</summary>
public sealed partial class MemoryTrainer
{
    /// <summary>Numbers are chosen where there is at least so much time, for the memory alone or for both.</summary>
    private static readonly TimeSpan TimeToChoose = TimeSpan.FromMinutes(2), TimeForBoth = TimeSpan.FromMinutes(5);

    private TrainingRequest _request;
    private readonly Device _device;
    private readonly Action<string> _say;
    private readonly CancellationToken _stop;
    private readonly MemoryPhases _phases;
    private InitialWeights _start;
    private MemoryChosen? _chosen;
    private RememberedCells _others = new([], []);
    private HashSet<ulong> _judging = [];
    private MemoryScores? _scores;
    private TimeSpan? _whole;

    private MemoryTrainer(TrainingRequest request, Device device, Action<string> say, MemoryPhases phases,
        CancellationToken stop)
    {
        (_request, _device, _say, _phases, _stop) = (request, device, say, phases, stop);
        _whole = request.TimeBudget;
        _start = InitialWeights.ForMemory(request, say);
        if (_start.Source == "random")
            say("Random features say little of what is normal: expect a memory that finds gross defects alone.");
    }

    /// <summary>Makes the memory and writes the model. Until it is made nothing is written.</summary>
    /// <param name="request">What is to be remembered.</param>
    /// <param name="device">Where.</param>
    /// <param name="say">Told of what the user should know, a sentence at a time.</param>
    /// <param name="onProgress">Told of the phases.</param>
    /// <param name="stop">Ends the making.</param>
    /// <exception cref="MlffAdException">The input cannot be used, or the output not written
    /// (exit codes 2, 3, 4, 7).</exception>
    public static TrainingOutcome Train(TrainingRequest request, Device device, Action<string> say,
        Action<MemoryProgress>? onProgress = null, CancellationToken stop = default)
    {
        Require(request);
        using var alone = request.Begin();
        var phases = new MemoryPhases(onProgress);
        try { return new MemoryTrainer(request, device, say, phases, stop).Run(); }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new(null, 0, phases.Elapsed, 0, 0);
        }
    }

    /// <summary>Refuses what a memory cannot be made by, before anything is said or done.</summary>
    /// <exception cref="MlffAdException">The request asks for what concerns training alone, for judging without
    /// images, or for a file that cannot be written (exit codes 2, 3, 7).</exception>
    public static void Require(TrainingRequest request)
    {
        if (request.MaxImages is not null || request.ExplicitKeys.Contains("train.epochs"))
            throw new MlffAdException(ExitCode.Usage, "A memory looks at each photograph once: leave --max-images and "
                + "--epochs out, or train a network beside it with '--preset fast'.");
        if (request.Resume is not null)
            throw new MlffAdException(ExitCode.Usage,
                "A memory is made in one go, there is nothing to resume: leave --resume out.");
        request.RequireThreshold();
        AtomicFile.RequireWritable(request.Output);
    }

    /// <summary>Draws the cells that a memory is chosen from, of all good images; for benches.</summary>
    /// <exception cref="MlffAdException">The images cannot be used (exit code 3).</exception>
    public static DrawnPool DrawPool(TrainingRequest request, Device device)
    {
        var start = InitialWeights.ForMemory(request, _ => { });
        using var maker = new MemoryMaker(request, start, device, _ => { }, default);
        return new DrawnPool(maker.Draw(DataSet.Open(request.Folder).Train));
    }

    /// <summary>Makes a memory beside a network, and writes the model of both; of the memory alone where held-out
    /// images do not gain by the network.</summary>
    /// <param name="request">What is to be remembered, <c>memory.network</c> above 0, and the network.</param>
    /// <param name="whole">The time that both were given; the request has what is left of it.</param>
    /// <param name="device">Where.</param>
    /// <param name="say">Told of what the user should know, a sentence at a time.</param>
    /// <param name="stop">Ends the making with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What was written, and the log's lines.</returns>
    internal static (ModelMetadata Metadata, string Log) Beside(TrainingRequest request, TimeSpan? whole,
        Device device, Action<string> say, CancellationToken stop)
    {
        double weight = request.Config.Memory.Network;
        var alone = request with { Config = request.Config.With("memory.network", "0") };
        double? given = request.ExplicitKeys.Contains("memory.network") ? weight : null;
        return new MemoryTrainer(alone, device, say, new(null), stop) { _whole = whole }.Make(given);
    }

    private TrainingOutcome Run()
    {
        var (metadata, log) = Make(null);
        _request.WriteLog(log, _say);
        return new(metadata, metadata.Training.Images, _phases.Elapsed, 0, 0);
    }

    private (ModelMetadata Metadata, string Log) Make(double? given)
    {
        // What there is to say of the photographs has been said where a network saw them.
        Action<string> say = _request.Network is null ? _say : _ => { };
        var good = _request.Open(say).Train;
        var images = MemoryImages.Split(good, _request.Config.Train.Holdout);
        var rejects = new Rejects(good.Count, _request.MaxBad);
        var reduction = Reduction.Of(good, _request.Config.ImageSize, _request.MaxPixels);
        Choose(images);
        MadeMemory memory;
        TimeSpan choosing;
        long maps = -_device.Pool.LiveBytes - sizeof(float) * _start.Weights.Trained.Length;
        using (var maker = new MemoryMaker(_request, _start, _device, _say, _stop))
        {
            maps += _device.Pool.LiveBytes;
            IReadOnlyList<ImageItem> held = images.Judging == Judging.HeldOut ? images.Judged : [];
            memory = maker.Make(images.Remembered, held, rejects, _phases, images.Judged.Count + images.Others.Count,
                folds: images.Judging == Judging.Folds);
            choosing = TimeSpan.FromSeconds(_phases.InPhase);
            foreach (string doubt in maker.Doubts) say(doubt);
            images = images.Without(maker.Unreadable);
        }
        _device.Pool.Trim();
        var metadata = new ModelMetadata(Config: memory.Config, Preprocessing: _start.Preprocessing,
            Threshold: _request.Threshold
            ?? 0, Calibration: null, Training: new TrainingRecord(1, images.Remembered.Count,
                _request.Config.Train.Seed, _start.Source, null),
                Class: Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(_request.Folder))));
        metadata = Judge(images, memory, metadata);
        if (_request.Network is { } network && _scores is not null)
        {
            var judge = new MemoryJudge(_start.Preprocessing, _device, _stop);
            (memory, metadata) = new MemoryJoin(memory, metadata, network)
                .Join(judge, images.Judged, _judging.Contains, _scores, given, _request.MaxPixels, _say);
        }
        _phases.Begin(MemoryPhases.Comparing, 0);
        var apart = StandingApart.Find(memory, _device);
        var comparing = TimeSpan.FromSeconds(_phases.InPhase);
        var model = new Model(metadata, memory.Weights);
        _stop.ThrowIfCancellationRequested();
        ModelFile.Save(_request.Output, metadata,
            [.. memory.Weights.ToTensorData(), .. Keep(images, memory).ToTensorData(memory.Config.ImageSize),
                .. _others.ToTensorData()]);
        _phases.Finish(images.Remembered.Count);
        string log = _phases.Log + (metadata.Choice.Count > 0 ? TrainingLogWriter.LineOf(metadata.Choice) : "")
            + (metadata.Quality is { } quality ? TrainingLogWriter.LineOf(quality) : "");
        if (reduction is not null && _request.Network is null)
            _say(InWords(reduction, memory.Config, images.Remembered.Count, choosing, comparing, maps));
        StandingApart.Name(apart, model, memory, _request, _device, _say);
        return (metadata, log);
    }

    /// <summary>At twice the side a photograph has four times as many cells, and its maps grow; what they are chosen
    /// of grows up to <c>memory.candidates</c>, what is compared not at all.</summary>
    private string InWords(Reduction reduction, Config config, int images, TimeSpan choosing, TimeSpan comparing,
        long maps)
    {
        long drawn = Math.Min(config.Memory.Candidates, (long)images * config.Cells);
        long then = Math.Min(config.Memory.Candidates, 4 * drawn);
        var time = _phases.Elapsed;
        return reduction.InWords(_request.TimeBudget is not null ? null
            : (time, 4 * (time - choosing - comparing) + (double)then / drawn * choosing + comparing),
            3 * maps + (then - drawn) * config.Memory.Width * sizeof(float));
    }

    /// <summary>Chooses the memory's numbers, where the user left them open.</summary>
    private void Choose(MemoryImages images)
    {
        var choice = new MemoryChoice(_request, _device, _stop);
        if (images.Judging == Judging.None || !choice.IsOpen) return;
        var least = _request.Network is null ? TimeToChoose : TimeForBoth;
        if (_whole < least)
        {
            _say($"The time is too short to choose the memory's numbers: the defaults stand. From "
                + $"{least.TotalMinutes:0} minutes on they are chosen.");
            return;
        }
        _phases.Begin(MemoryPhases.Trying, MemoryChoice.Reads(images));
        long read = 0;
        _chosen = choice.Choose(images, () => _phases.Advance(++read));
        if (_chosen is null) return;
        var memory = _chosen.Candidates[0].In(_request.Config.Memory);
        _request = _request with { Config = _request.Config with { Memory = memory } };
        _start = _start with { Config = _start.Config with { Memory = memory with { Size = 1 } } };
    }
}
