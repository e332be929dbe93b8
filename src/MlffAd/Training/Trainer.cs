using System.Diagnostics;

namespace MlffAd.Training;

/// <summary>Trains a network on a folder of good images and writes its model (spec §8).</summary>
public sealed class Trainer
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(5);
    private const int MostSkipped = 5;

    private readonly Device _device;
    private readonly Action<string> _say;
    private readonly Action<TrainingProgress>? _onStep;
    private TrainingRequest _request;
    private TrainingState _state = new();

    private Trainer(TrainingRequest request, Device device, Action<string> say, Action<TrainingProgress>? onStep) =>
        (_request, _device, _say, _onStep) = (request, device, say, onStep);

    /// <summary>Trains or resumes, and writes the model; until then the state is kept beside it.</summary>
    /// <param name="request">What is to be trained.</param>
    /// <param name="device">Where.</param>
    /// <param name="say">Receives sentences for the user.</param>
    /// <param name="onStep">Called after each step.</param>
    /// <param name="stop">Ends training after the present step, its state saved.</param>
    /// <exception cref="MlffAdException">The input cannot be used, the output not written, or training diverged (exit
    /// codes 2, 3, 4, 6, 7).</exception>
    public static TrainingOutcome Train(TrainingRequest request, Device device, Action<string> say,
        Action<TrainingProgress>? onStep = null, CancellationToken stop = default) =>
        new Trainer(request, device, say, onStep).Run(stop);

    private TrainingOutcome Run(CancellationToken stop)
    {
        AtomicFile.RequireWritable(_request.Output);
        using var alone = _request.Begin();
        var watch = Stopwatch.StartNew();
        using var checkpoint = _request.Resume is { } resume ? Checkpoint.Open(resume) : null;
        if (checkpoint is not null) _request = TrainingSaver.Adopt(checkpoint, _request);
        _request.RequireThreshold();
        var set = _request.Open(_say);
        var split = checkpoint?.Metadata.Split ?? _request.Split;
        var (training, held) = Holdout.Split(set.Train, _request.Config.Train.Holdout, split);
        var (weights, preprocessing) = Start(checkpoint);
        using var parameters = new Parameters(_device, weights);
        var config = _request.Config;
        // Another size would be another training: what is resumed has none to choose.
        var reduction = checkpoint is null ? Reduction.Of(set.Train, config.ImageSize, _request.MaxPixels) : null;
        var store = ImageStore.Load(training, config.ImageSize, _device.Team.Count, _request.MaxBad,
            _request.MaxPixels, (_, bad) => { if (bad is not null) _say(bad.Message); }, config.BitDepth);
        foreach (string doubt in store.Doubts) _say(doubt);
        var budget = Budget.Of(_request, store.Items.Count * config.Train.Repeat);
        var saver = new TrainingSaver(_request, preprocessing, split, store);
        if (checkpoint is not null)
        {
            (_state, budget) = saver.Restore(checkpoint, parameters, budget);
            _say($"Goes on at step {_state.Step}, {_state.Images} images done.");
        }
        using var log = new TrainingLogWriter(_request.StateLogPath, _request.EarlierLog, _state.Step, _say);
        TrainingClock clock;
        using (var loader = new BatchLoader(store, config, KernelOptions.Normalisation(preprocessing),
            (int)_state.Step, asRecipes: !_device.IsHost))
        using (var step = new TrainingStep(config, parameters, Math.Min(config.Train.Batch, loader.ImagesPerEpoch)))
        {
            clock = new TrainingClock(_state, watch, budget);
            if (!Loop(step, loader, parameters, saver, clock, log, reduction, stop)) return Outcome(null, clock);
            weights = parameters.ToHost();
        }
        parameters.Dispose();
        _device.Pool.Trim();
        var record = _state.Record(config) with { Photographs = store.Items.Count, LossTrend = _state.Trend?.Ratio };
        return Finish(new(weights, preprocessing, record, held), clock, log, stop);
    }

    /// <summary>The weights that training starts from; a checkpoint's come later.</summary>
    private (NetworkWeights Weights, Preprocessing Preprocessing) Start(Checkpoint? checkpoint)
    {
        var config = _request.Config;
        if (checkpoint is not null)
            return (Initialisation.Random(MlffNetwork.Parameters(config.NetworkAlone), config.Train.Seed),
                checkpoint.Metadata.Preprocessing);
        var start = InitialWeights.Of(_request with { Config = config.NetworkAlone }, _say);
        _request = _request with { Config = start.Config with { Memory = config.Memory } };
        _state = _state with { Source = start.Source };
        return (start.Weights, start.Preprocessing);
    }

    /// <summary>Steps until the budget is used up; false if stopped before, the state saved.</summary>
    private bool Loop(TrainingStep step, BatchLoader loader, Parameters parameters, TrainingSaver saver,
        TrainingClock clock, TrainingLogWriter log, Reduction? reduction, CancellationToken stop)
    {
        // At the start, to find out now whether the disk has room; at the end, so that a model that cannot be
        // written costs no training.
        saver.Save(parameters, _state, clock);
        var saved = Stopwatch.StartNew();
        BatchTicket sent = clock.Share < 1 ? Send(step, loader) : default;
        while (clock.Share < 1)
        {
            if (stop.IsCancellationRequested)
            {
                saver.Save(parameters, _state, clock);
                return false;
            }
            var batch = sent;
            double rate = Budget.Rate(_request.Config.Train, _state.Step, clock.Share);
            var result = step.Run(batch, rate, () =>
            {
                if (clock.ShareWith(_state.Images + batch.Images) < 1) sent = Send(step, loader);
            });
            _state = _state.After(result, batch, loader.StepsPerEpoch);
            var progress = Progress(result, batch.Epoch, rate, clock);
            log.Write(progress);
            _onStep?.Invoke(progress);
            if (reduction is not null && (progress.Remaining is not null || clock.Share == 1))
            {
                var whole = clock.Elapsed + (progress.Remaining ?? TimeSpan.Zero);
                // Weights, gradients and velocities stay as they are.
                long maps = progress.MemoryBytes - 3L * sizeof(float) * parameters.List.TrainedFloats;
                _say(reduction.InWords(clock.Budget.Time is null ? (whole, 4 * whole) : null, 3 * maps));
                reduction = null;
            }
            if (_state.SkippedInARow < MostSkipped && saved.Elapsed < SaveEvery) continue;
            saver.Save(parameters, _state, clock);
            saved.Restart();
            if (_state.SkippedInARow == MostSkipped) throw Diverged();
        }
        // The last step's scratch would stand beside the copies, and beside the plan that scores.
        _device.Pool.Trim();
        saver.Save(parameters, _state, clock);
        return true;
    }

    /// <summary>Starts the upload of a batch.</summary>
    private static BatchTicket Send(TrainingStep step, BatchLoader loader)
    {
        using var batch = loader.Next();
        return step.Upload(batch);
    }

    private TrainingProgress Progress(StepResult result, int epoch, double rate, TrainingClock clock) =>
        new(Step: _state.Step, Epoch: epoch, Images: _state.Images, Share: clock.ShareAfter(_state),
            Losses: result.Losses, GradientNorm: result.GradientNorm, Rate: rate,
            ImagesPerSecond: clock.ImagesPerSecond, Remaining: clock.Remaining,
            MemoryBytes: _device.Pool.AllocatedBytes, Skipped: !result.IsFinite);

    private MlffAdException Diverged() => new(ExitCode.Diverged,
        $"Training diverged: {MostSkipped} steps in a row had a loss or gradient that is not finite. The last good "
        + $"state is '{_request.StatePath}'; train anew with --restart and a smaller --train.lr or "
        + "--train.clipNorm 10.");

    private TrainingOutcome Finish(TrainedNetwork network, TrainingClock clock, TrainingLogWriter log,
        CancellationToken stop)
    {
        ModelMetadata metadata;
        try
        {
            metadata = _request.Config.HasMemory ? Remember(network, clock, log, stop)
                : new NetworkModel(_request, _device, _say).Write(network);
            // The state goes only once the model is known to be whole.
            Model.Load(_request.Output);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { return Outcome(null, clock); }
        catch (MlffAdException e) when (e.Code is ExitCode.Output or ExitCode.BadModel)
        {
            throw new MlffAdException(e.Code,
                $"{e.Message} Nothing is lost: --resume '{_request.StatePath}' writes the model.", e);
        }
        if (metadata.Quality is { } quality && !_request.Config.HasMemory)
            log.Write(TrainingLogWriter.LineOf(quality));
        log.MoveTo(_request.LogPath);
        File.Delete(_request.StatePath);
        return Outcome(metadata, clock);
    }

    /// <summary>Makes a memory beside the network, and writes the model of both.</summary>
    private ModelMetadata Remember(TrainedNetwork network, TrainingClock clock, TrainingLogWriter log,
        CancellationToken stop)
    {
        _say("The network is trained; now the memory beside it.");
        var whole = clock.Budget.Time / Budget.NetworkPart;
        var (metadata, lines) = MemoryTrainer.Beside(
            _request with { Network = network, TimeBudget = whole - clock.Elapsed }, whole, _device, _say, stop);
        log.Write(lines);
        return metadata;
    }

    private TrainingOutcome Outcome(ModelMetadata? metadata, TrainingClock clock) =>
        new(metadata, _state.Images, clock.Elapsed, _state.Skipped, _state.StayedGood);
}
