using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using MlffAd.Configuration;
using MlffAd.Data;
using MlffAd.Detection;
using MlffAd.Evaluation;
using MlffAd.Execution;
using MlffAd.Files;
using MlffAd.Kernels.Runtime;
using MlffAd.Models;
using MlffAd.Network;
using MlffAd.Weights;

namespace MlffAd.Training;

/// <summary>Makes a model of a folder of good images (spec §8).</summary>
public sealed class Trainer
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(5);
    private const int MostSkipped = 5;

    private readonly Device _device;
    private readonly Action<string> _say;
    private TrainingRequest _request;
    private Config _config;
    private Preprocessing _preprocessing = Preprocessing.ImageNet;
    private TrainingState _state = new();
    private SentBatch _sent;
    private SplitBy _split;
    private TrainingFile[]? _files;

    private Trainer(TrainingRequest request, Device device, Action<string> say) =>
        (_request, _device, _say, _config) = (request, device, say, request.Config);

    /// <summary>Trains, or goes on training, and writes the model; the state while it is unfinished is
    /// kept beside it.</summary>
    /// <param name="request">What is to be trained.</param>
    /// <param name="device">Where.</param>
    /// <param name="say">Told of what the user should know, a sentence at a time.</param>
    /// <param name="onStep">Told after each step.</param>
    /// <param name="stop">Ends training after the present step, its state saved.</param>
    /// <exception cref="MlffAdException">The input cannot be used, the output not written, or training diverged (exit
    /// codes 2, 3, 4, 6, 7).</exception>
    public static TrainingOutcome Train(TrainingRequest request, Device device, Action<string> say,
        Action<TrainingProgress>? onStep = null, CancellationToken stop = default) =>
        new Trainer(request, device, say).Run(onStep, stop);

    private TrainingOutcome Run(Action<TrainingProgress>? onStep, CancellationToken stop)
    {
        AtomicFile.RequireWritable(_request.Output);
        using var alone = _request.Begin();
        var clock = Stopwatch.StartNew();
        using var checkpoint = _request.Resume is { } resume ? Checkpoint.Open(resume) : null;
        if (checkpoint is not null) Follow(checkpoint);
        _request.RequireThreshold();
        var set = _request.Open(_say);
        _split = checkpoint?.Metadata.Split ?? _request.Split;
        var (training, held) = Holdout.Split(set.Train, _config.Train.Holdout, _split);
        using var parameters = new Parameters(_device, checkpoint is null ? Start()
            : Initialisation.Random(MlffNetwork.Parameters(_config.NetworkAlone), _config.Train.Seed));
        // Another size would be another training: what is resumed has none to choose.
        var reduction = checkpoint is null ? Reduction.Of(set.Train, _config.ImageSize, _request.MaxPixels) : null;
        var store = ImageStore.Load(training, _config.ImageSize, _device.Team.Count, _request.MaxBad,
            _request.MaxPixels, (_, bad) => { if (bad is not null) _say(bad.Message); }, _config.BitDepth);
        foreach (string doubt in store.Doubts) _say(doubt);
        var budget = Budget.Of(_request, store.Items.Count * _config.Train.Repeat);
        if (checkpoint is not null) budget = Restore(checkpoint, store, parameters, budget);
        using var log = new TrainingLogWriter(_request.StateLogPath, _request.EarlierLog, _state.Step, _say);
        NetworkWeights weights;
        Sitting sitting;
        using (var loader = new BatchLoader(store, _config, KernelOptions.Normalisation(_preprocessing),
            (int)_state.Step, asRecipes: !_device.IsHost))
        using (var step = new TrainingStep(_config, parameters, Math.Min(_config.Train.Batch, loader.ImagesPerEpoch)))
        {
            sitting = new Sitting(_state, clock, budget);
            // At the start, to find out now whether the disk has room; at the end, so that a model that cannot be
            // written costs no training.
            Save(store, parameters, sitting);
            var saved = clock.Elapsed;
            if (sitting.Share < 1) _sent = Send(loader, step);
            while (sitting.Share < 1)
            {
                if (stop.IsCancellationRequested)
                {
                    Save(store, parameters, sitting);
                    return Outcome(null, sitting);
                }
                var progress = Step(step, loader, sitting);
                log.Write(progress);
                onStep?.Invoke(progress);
                if (reduction is not null && (progress.Remaining is not null || sitting.Share == 1))
                {
                    var whole = sitting.Elapsed + (progress.Remaining ?? TimeSpan.Zero);
                    // Weights, gradients and velocities stay as they are.
                    long maps = progress.MemoryBytes - 3L * sizeof(float) * parameters.List.TrainedFloats;
                    _say(reduction.InWords(budget.Time is null ? (whole, 4 * whole) : null, 3 * maps));
                    reduction = null;
                }
                if (_state.SkippedInARow == MostSkipped)
                {
                    Save(store, parameters, sitting);
                    throw new MlffAdException(ExitCode.Diverged,
                        $"Training diverged: {MostSkipped} steps in a row had a loss or gradient that is not finite. "
                            + $"The last good state is "
                                + $"'{_request.StatePath}'; train anew with --restart and a smaller --train.lr or "
                                    + "--train.clipNorm 10.");
                }
                if (clock.Elapsed - saved < SaveEvery) continue;
                Save(store, parameters, sitting);
                saved = clock.Elapsed;
            }
            // The last step's scratch would stand beside the copies, and beside the plan that scores.
            _device.Pool.Trim();
            Save(store, parameters, sitting);
            weights = parameters.ToHost();
        }
        parameters.Dispose();
        _device.Pool.Trim();
        return Finish(weights, store.Items.Count, held, sitting, log, stop);
    }

    /// <summary>Begins to bring a batch to the device.</summary>
    private static SentBatch Send(BatchLoader loader, TrainingStep step)
    {
        using var batch = loader.Next();
        step.Upload(batch);
        return new SentBatch(batch.Epoch, batch.Count, batch.StayedGood);
    }

    /// <summary>Takes a step on the batch that was sent, and sends the next meanwhile.</summary>
    private TrainingProgress Step(TrainingStep step, BatchLoader loader, Sitting sitting)
    {
        double rate = Budget.Rate(_config.Train, _state.Step, sitting.Share);
        var batch = _sent;
        var result = step.Run(rate, () =>
        {
            if (sitting.ShareWith(_state.Images + batch.Images) < 1) _sent = Send(loader, step);
        });
        _state = _state.After(result, batch, loader.StepsPerEpoch);
        return new TrainingProgress(Step: _state.Step, Epoch: batch.Epoch, Images: _state.Images,
            Share: sitting.ShareAfter(_state), Losses: result.Losses, GradientNorm: result.GradientNorm, Rate: rate,
            ImagesPerSecond: sitting.ImagesPerSecond, Remaining: sitting.Remaining,
            MemoryBytes: _device.Pool.AllocatedBytes, Skipped: !result.IsFinite);
    }

    private NetworkWeights Start()
    {
        var start = InitialWeights.Of(_request with { Config = _config.NetworkAlone }, _say);
        (_config, _preprocessing) = (start.Config with { Memory = _config.Memory }, start.Preprocessing);
        _state = _state with { Source = start.Source };
        return start.Weights;
    }

    /// <summary>Takes the configuration that training began with, unless the user asks for another.</summary>
    private void Follow(Checkpoint checkpoint)
    {
        checkpoint.RequireSame(_config, _request.ExplicitKeys);
        _config = checkpoint.Metadata.Config;
        _request = _request with
        {
            Config = _config,
            ExplicitKeys = _request.ExplicitKeys.Union(checkpoint.Metadata.Given).ToHashSet(),
        };
    }

    private Budget Restore(Checkpoint checkpoint, ImageStore store, Parameters parameters, Budget asked)
    {
        checkpoint.RequireSame(Files(store));
        var (state, budget) = TrainingState.From(checkpoint.Metadata);
        if (asked != budget && (_request.MaxImages is not null || _request.TimeBudget is not null))
            throw new MlffAdException(ExitCode.Usage,
                $"'{_request.Resume}' was begun with another --max-images or --time-budget; resume it as it was: "
                    + $"leave them out.");
        var list = parameters.List;
        var weights = NetworkWeights.Read(list, checkpoint.Tensors, "weights/", "stats/");
        parameters.Restore(weights, NetworkWeights.Read(list, checkpoint.Tensors, "velocity/", "stats/").Trained);
        (_state, _preprocessing) = (state, checkpoint.Metadata.Preprocessing);
        _say($"Goes on at step {state.Step}, {state.Images} images done.");
        return budget;
    }

    /// <summary>Saves the state, and gives back the copies of all weights that this took, and those that the start
    /// left: training makes so little garbage that the collector would never come for them.</summary>
    private void Save(ImageStore store, Parameters parameters, Sitting sitting)
    {
        Write(store, parameters, sitting);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>A method of its own, so that nothing on the stack holds the copies any more when it returns.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Write(ImageStore store, Parameters parameters, Sitting sitting)
    {
        var list = parameters.List;
        var metadata =
            _state.ToMetadata(_config, _preprocessing, ClassName, Files(store), sitting.Elapsed, sitting.Budget,
            _split) with
            { Given = [.. _request.ExplicitKeys.Where(Config.IsOfMemory).Order(StringComparer.Ordinal)] };
        Checkpoint.Save(_request.StatePath, metadata, [.. parameters.ToHost().ToTensorData("weights/", "stats/"),
            .. NetworkWeights.Write(list.Trained, parameters.Velocities.ToArray(), "velocity/")]);
    }

    private TrainingOutcome Finish(NetworkWeights weights, int photographs, IReadOnlyList<ImageItem> held,
        Sitting sitting, TrainingLogWriter log, CancellationToken stop)
    {
        var record = _state.Record(_config) with { Photographs = photographs, LossTrend = _state.Trend?.Ratio };
        ModelMetadata metadata;
        try
        {
            metadata = _config.HasMemory ? Remember(new(weights, _preprocessing, record, held), sitting, log, stop)
                : Write(weights, record, held);
            // The state goes only once the model is known to be whole.
            Model.Load(_request.Output);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { return Outcome(null, sitting); }
        catch (MlffAdException e) when (e.Code is ExitCode.Output or ExitCode.BadModel)
        {
            throw new MlffAdException(e.Code,
                $"{e.Message} Nothing is lost: --resume '{_request.StatePath}' writes the model.", e);
        }
        if (metadata.Quality is { } quality && !_config.HasMemory) log.Write(TrainingLogWriter.LineOf(quality));
        log.MoveTo(_request.LogPath);
        File.Delete(_request.StatePath);
        return Outcome(metadata, sitting);
    }

    /// <summary>Makes a memory beside the network, and writes the model of both.</summary>
    private ModelMetadata Remember(TrainedNetwork network, Sitting sitting, TrainingLogWriter log,
        CancellationToken stop)
    {
        _say("The network is trained; now the memory beside it.");
        var whole = sitting.Budget.Time / Budget.NetworkPart;
        var (metadata, lines) = MemoryTrainer.Beside(
            _request with { Config = _config, Network = network, TimeBudget = whole - sitting.Elapsed },
            whole, _device, _say, stop);
        log.Write(lines);
        return metadata;
    }

    /// <summary>Writes the model of a network.</summary>
    private ModelMetadata Write(NetworkWeights weights, TrainingRecord record, IReadOnlyList<ImageItem> held)
    {
        var metadata =
            new ModelMetadata(Config: _config, Preprocessing: _preprocessing, Threshold: _request.Threshold
                ?? 0, Calibration: null, Training: record, Class: ClassName);
        if (held.Count > 0)
        {
            using var scorer = new Scorer(new Model(metadata, weights), _device);
            var good = scorer.ScoreGood(held, _request.MaxBad, _request.MaxPixels,
                (_, bad) => { if (bad is not null) _say(bad.Message); });
            var calibration = Calibrator.Calibrate(good, _config);
            float threshold = _request.Threshold ?? calibration.Threshold;
            metadata = metadata with
            {
                Threshold = threshold,
                Calibration = calibration with { Threshold = threshold },
                Quality = Measure(scorer, good),
            };
            if (_request.Threshold is null && calibration.Caution is { } caution) _say(caution);
        }
        new Model(metadata, weights).Save(_request.Output);
        return metadata;
    }

    /// <summary>How well the network tells images that it has not seen from what it was not trained on.</summary>
    private Quality? Measure(Scorer scorer, IReadOnlyList<ScoredImage> good)
    {
        const int atATime = 4;
        var kinds = TestAnomalies.UntrainedKinds;
        int most = QualityMeter.MostImages(_config.ImageSize, kinds.Count * TestAnomalies.OfEachKind);
        var some = Holdout.ByName(good.Select(image => image.Item)).Take(most).ToHashSet();
        var meter = new QualityMeter(_config.ImageSize);
        foreach (var image in good.Where(image => some.Contains(image.Item)))
            meter.Add(image.Cells!, image.Score, null);
        foreach (var images in DecodedImage.Ahead(some, _config.ImageSize, _device.Team.Count, _request.MaxPixels,
            _config.BitDepth).Chunk(atATime))
        {
            TestAnomaly[] anomalies = [.. images.Where(image => image.Error is null)
                .SelectMany(image => TestAnomalies.On(image.Resized!, kinds))];
            var maps = scorer.Score([.. anomalies.Select(anomaly => anomaly.Image)]);
            foreach (var (anomaly, cells) in anomalies.Zip(maps))
                meter.Add(cells, cells.Readout(_config), anomaly.Mask);
        }
        return meter.Measure();
    }

    private TrainingOutcome Outcome(ModelMetadata? metadata, Sitting sitting) =>
        new(metadata, _state.Images, sitting.Elapsed, _state.Skipped, _state.StayedGood);

    private string ClassName => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(_request.Folder)));

    private TrainingFile[] Files(ImageStore store) => _files ??= [.. store.Items.Select(item =>
    {
        using var stream = File.OpenRead(item.Path);
        return new TrainingFile(item.Name, Convert.ToHexStringLower(SHA256.HashData(stream)));
    })];
}
