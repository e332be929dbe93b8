namespace MlffAd.Training;

/// <summary>The result of a step.</summary>
/// <param name="Losses">The losses before the step.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="StayedGood">Images that no draw changed enough (spec §2.6), where the device made the batch.</param>
public readonly record struct StepResult(FinalLosses Losses, double GradientNorm, int StayedGood = 0)
{
    /// <summary>Whether the step was taken; else weights and statistics are as before.</summary>
    public bool IsFinite => double.IsFinite(Losses.Total) && double.IsFinite(GradientNorm);
}

/// <summary>One step of stochastic gradient descent on a batch (spec §7, §8): forward, losses,
/// backward, update.</summary>
public sealed class TrainingStep : IDisposable
{
    private readonly Config _config;
    private readonly Parameters _parameters;
    private readonly MlffNetwork _network;
    private readonly LossOptions _loss;
    private readonly SgdRange[] _ranges;
    private readonly Tensor _images, _labels;
    private readonly StepReadback _readback;
    private readonly Dictionary<int, Recording> _recordings = [];
    private Upload? _newImages, _newLabels, _newBook;
    private int _uploads;

    /// <summary>Prepares for batches of up to <c>train.batch</c> images.</summary>
    public TrainingStep(Config config, Parameters parameters, int capacity)
    {
        (_config, _parameters, _network, _loss) =
            (config, parameters, new MlffNetwork(config), KernelOptions.Loss(config.Loss));
        var device = parameters.Weights.Device;
        _images = Tensor.Rent(device, new Shape(capacity, config.ImageSize, config.ImageSize, 3), "images");
        _labels = Tensor.Rent(device, new Shape(capacity, config.MapSide, config.MapSide, 1), "labels");
        _readback = new(device, capacity);
        _ranges = [.. Ranges()];
    }

    /// <summary>Called with the forward pass's results, while they are alive.</summary>
    public Action<Features>? OnForward { get; set; }

    /// <summary>Called when the gradients are complete, before clipping.</summary>
    public Action? OnGradients { get; set; }

    /// <summary>Takes a step.</summary>
    /// <param name="images">Normalised, <c>[N, S, S, 3]</c>.</param>
    /// <param name="labels">1 where a cell is anomalous, <c>[N, M, M]</c>.</param>
    /// <param name="rate">Learning rate lr_t.</param>
    public StepResult Run(ReadOnlySpan<float> images, ReadOnlySpan<float> labels, double rate) =>
        Run(Upload(images, labels), rate);

    /// <summary>Begins to upload the next step's batch; the device may be computing meanwhile.</summary>
    /// <param name="images">Normalised, <c>[N, S, S, 3]</c>; may be changed afterwards.</param>
    /// <param name="labels">1 where a cell is anomalous, <c>[N, M, M]</c>.</param>
    public BatchTicket Upload(ReadOnlySpan<float> images, ReadOnlySpan<float> labels)
    {
        (_newImages ??= NewUpload(_images.Count, "new images")).Begin(images);
        (_newLabels ??= NewUpload(_labels.Count, "new labels")).Begin(labels);
        return new() { Images = labels.Length / _config.Cells, Number = ++_uploads };
    }

    /// <summary>Begins to upload the next step's images and recipes; the device makes the batch of them.</summary>
    /// <param name="book">May be changed afterwards, but for its options.</param>
    public BatchTicket Upload(RecipeBook book)
    {
        (_newBook ??= NewUpload(_images.Shape.N * (long)RecipeBook.UsualFloats(_config.ImageSize),
            "new images and recipes")).Begin(book.Pack());
        return new() { Images = book.Count, Book = book, Number = ++_uploads };
    }

    /// <summary>Begins to upload the next step's batch.</summary>
    public BatchTicket Upload(Batch batch)
    {
        var ticket = batch.Book is { } book ? Upload(book) : Upload(batch.Images, batch.Labels);
        return ticket with { Epoch = batch.Epoch, StayedGood = batch.StayedGood };
    }

    private Upload NewUpload(long count, string name) => new(_parameters.Weights.Device, count, name);

    /// <summary>Takes a step on a batch. The host waits for the device once, at the end.</summary>
    /// <param name="batch">The last upload.</param>
    /// <param name="rate">Learning rate lr_t.</param>
    /// <param name="meanwhile">Called while the device computes, for instance to upload the next batch.</param>
    public StepResult Run(BatchTicket batch, double rate, Action? meanwhile = null)
    {
        if (batch.Number == 0 || batch.Number != _uploads)
            throw new InvalidOperationException("A step takes the batch that was uploaded last.");
        int items = batch.Images;
        bool again = _recordings.TryGetValue(items, out var recording);
        recording ??= new Recording(_config, _parameters, _images.Items(0, items), _labels.Items(0, items),
            capacity: _images.Shape.N);
        if (batch.Book is { } book)
            Synthesis.Forward(_newBook!.End(), book.Options, book.Normalisation, recording.Images, recording.Labels,
                _readback.StayedGood.Part(0, Shape.Of(items)));
        else
        {
            Pointwise.Copy(_newImages!.End(), recording.Images.Reshape(Shape.Of((int)recording.Images.Count)));
            Pointwise.Copy(_newLabels!.End(), recording.Labels.Reshape(Shape.Of((int)recording.Labels.Count)));
        }
        if (again) recording.Tape.Forward();
        else recording.Features = _network.Forward(recording.Recorder, new Value(recording.Images));
        _recordings[items] = recording;
        var (features, tape) = (recording.Features!, recording.Tape);
        OnForward?.Invoke(features);

        Value F = features.F, S = features.S;
        Losses.Evaluate(F.Tensor, S.Tensor, recording.Labels, _loss, _readback.Losses, F.Receive(out _),
            S.Receive(out _));
        tape.Backward();
        OnGradients?.Invoke();
        Sgd.Clip(_parameters.Gradients, _readback.Losses, (float)_config.Train.ClipNorm, _readback.Clip);
        Sgd.Step(_parameters.Weights, _parameters.Velocities, _parameters.Gradients, _ranges, (float)rate,
            (float)_config.Train.Momentum, _readback.Clip);
        _parameters.Round();
        recording.Recorder.CommitStatistics(_readback.Clip);
        _parameters.Weights.Device.Pool.IsWarm = true;
        meanwhile?.Invoke();
        return _readback.Read(batch.Book is null ? 0 : items);
    }

    /// <summary>Returns the input buffers.</summary>
    public void Dispose()
    {
        foreach (var recording in _recordings.Values) recording.Tape.Free();
        foreach (var disposable in
            (ReadOnlySpan<IDisposable?>)[_images, _labels, _readback, _newImages, _newLabels, _newBook])
            disposable?.Dispose();
    }

    /// <summary>The recorded tape for one batch size.</summary>
    private sealed class Recording
    {
        public Recording(Config config, Parameters parameters, Tensor images, Tensor labels, int capacity) =>
            (Images, Labels, Recorder) = (images, labels, new Recorder(config, parameters, Tape, capacity));

        public Tensor Images { get; }
        public Tensor Labels { get; }
        public Tape Tape { get; } = new();
        public Recorder Recorder { get; }
        public Features? Features { get; set; }
    }

    /// <summary>Contiguous ranges of equal decay and rate; gaps between parameters hold zeros and may be in
    /// either.</summary>
    private IEnumerable<SgdRange> Ranges()
    {
        SgdRange? run = null;
        foreach (var p in _parameters.List.Trained.OrderBy(p => p.Start))
        {
            float decay = p.Kind == ParameterKind.Weight ? (float)_config.Train.WeightDecay : 0;
            float scale = p.IsBackbone ? (float)_config.Train.BackboneLrScale : 1;
            bool frozen = _config.Train.Freezes(p);
            if (run is { } r && r.Decay == decay && r.RateScale == scale && r.Frozen == frozen)
                run = r with { Count = p.Start + p.Count - r.Start };
            else
            {
                if (run is { } done) yield return done;
                run = new SgdRange(p.Start, p.Count, decay, scale, frozen);
            }
        }
        if (run is { } last) yield return last;
    }
}
