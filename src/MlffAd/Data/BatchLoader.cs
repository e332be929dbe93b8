using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace MlffAd.Data;

/// <summary>A batch on the host. Dispose it when its numbers are copied: its memory is used again.</summary>
public sealed class Batch : IDisposable
{
    private readonly BlockingCollection<Batch> _home;
    private readonly float[] _images, _labels;
    private readonly TrainingEntry[] _entries;

    internal Batch(BlockingCollection<Batch> home, int capacity, int side, RecipeBook? book)
    {
        (_home, Side, Book, _entries) = (home, side, book, new TrainingEntry[capacity]);
        (_images, _labels) = book is null
            ? (new float[3 * capacity * side * side], new float[capacity * (side / 8) * (side / 8)])
            : ([], []);
    }

    /// <summary>The images and what shall become of them, where the device makes them; null where they are made, and
    /// <see cref="Images"/> and <see cref="Labels"/> hold them.</summary>
    public RecipeBook? Book { get; }

    /// <summary>The step it is for, counted from 0.</summary>
    public int Step { get; internal set; }

    /// <summary>The epoch it belongs to.</summary>
    public int Epoch { get; internal set; }

    /// <summary>N; the last batch of an epoch may be smaller.</summary>
    public int Count { get; internal set; }

    /// <summary>S.</summary>
    public int Side { get; }

    /// <summary>How many entries stayed good because no draw changed them enough (spec §2.6); 0 where the
    /// device finds out.</summary>
    public int StayedGood { get; internal set; }

    /// <summary>Normalised images, <c>[N, S, S, 3]</c>.</summary>
    public ReadOnlySpan<float> Images => _images.AsSpan(0, 3 * Count * Side * Side);

    /// <summary>Cell labels, <c>[N, S/8, S/8]</c>: 1 where anomalous, else 0.</summary>
    public ReadOnlySpan<float> Labels => _labels.AsSpan(0, Count * (Side / 8) * (Side / 8));

    /// <summary>Where each image comes from.</summary>
    public ReadOnlySpan<TrainingEntry> Entries => _entries.AsSpan(0, Count);

    internal Span<float> Image(int i) => _images.AsSpan(i * 3 * Side * Side, 3 * Side * Side);

    internal Span<float> Label(int i) => _labels.AsSpan(i * (Side / 8) * (Side / 8), Side / 8 * (Side / 8));

    internal void Take(ReadOnlySpan<TrainingEntry> entries)
    {
        Count = entries.Length;
        StayedGood = 0;
        entries.CopyTo(_entries);
    }

    /// <summary>Gives the memory back to the loader.</summary>
    public void Dispose() => _home.Add(this);
}

/// <summary>Prepares training batches on a background thread, ahead of the compute.</summary>
/// <remarks>
/// The thread makes the batches of one step after the other into a few buffers; the caller takes them in order. What a
/// batch holds depends on the seed and the step alone. It makes an image in some 0.4 ms (256×256), and in a twentieth
/// of that as a recipe, for a device that makes it.
/// </remarks>
public sealed class BatchLoader : IDisposable
{
    private const int Buffers = 2;

    private readonly ImageStore _store;
    private readonly Config _config;
    private readonly PixelNormalisation _normalisation;
    private readonly TrainingSampler _sampler;
    private readonly CancellationTokenSource _stop = new();
    private readonly BlockingCollection<Batch> _free = [], _ready = [];
    private readonly Thread _worker;
    private readonly int _firstStep;
    private volatile ExceptionDispatchInfo? _failure;

    /// <summary>Starts preparing.</summary>
    /// <param name="store">The good images, at the configuration's image size.</param>
    /// <param name="config">Sampling, augmentation, pseudo anomalies, labels, batch size, seed.</param>
    /// <param name="normalisation">What the backbone's weights ask for.</param>
    /// <param name="firstStep">Where to begin, when training goes on from a checkpoint.</param>
    /// <param name="asRecipes">Whether the device will make the images, by <see cref="Synthesis"/>: the
    /// batches are books then.</param>
    public BatchLoader(ImageStore store, Config config, PixelNormalisation normalisation, int firstStep = 0,
        bool asRecipes = false)
    {
        if (store.Side != config.ImageSize)
            throw new ArgumentException($"The images are kept at {store.Side}, not at {config.ImageSize}.",
                nameof(store));
        (_store, _config, _normalisation, _firstStep) = (store, config, normalisation, firstStep);
        _sampler = new(config, store.Items.Count);
        int capacity = Math.Min(config.Train.Batch, _sampler.EpochLength);
        for (int b = 0; b < Buffers; b++)
            _free.Add(new Batch(_free, capacity, store.Side, asRecipes
                ? new RecipeBook(PseudoAnomalies.Options(config), normalisation)
                : null));
        _worker = new Thread(Work) { IsBackground = true, Name = "mlffad batches" };
        _worker.Start();
    }

    /// <summary>Steps of an epoch: the last batch is kept, however small.</summary>
    public int StepsPerEpoch => (_sampler.EpochLength + _config.Train.Batch - 1) / _config.Train.Batch;

    /// <summary>Images of an epoch.</summary>
    public int ImagesPerEpoch => _sampler.EpochLength;

    /// <summary>The next step's batch; waits for it. There is no last one.</summary>
    public Batch Next()
    {
        try { return _ready.Take(_stop.Token); }
        catch (OperationCanceledException) when (_failure is { } failure)
        {
            failure.Throw();
            throw;
        }
    }

    /// <summary>Ends the background thread.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _worker.Join();
        _stop.Dispose();
    }

    private void Work()
    {
        try
        {
            var maker = new ImageMaker(_store, _config, _normalisation);
            TrainingEntry[] entries = [];
            for (int step = _firstStep, planned = -1; ; step++)
            {
                var batch = _free.Take(_stop.Token);
                int epoch = step / StepsPerEpoch, first = step % StepsPerEpoch * _config.Train.Batch;
                if (epoch != planned) entries = _sampler.Epoch(planned = epoch);
                (batch.Step, batch.Epoch) = (step, epoch);
                batch.Take(entries.AsSpan(first, Math.Min(_config.Train.Batch, entries.Length - first)));
                batch.Book?.Begin(batch.Count);
                for (int i = 0; i < batch.Count && !_stop.IsCancellationRequested; i++)
                {
                    if (batch.Book is { } book) maker.Describe(epoch, batch.Entries[i], book);
                    else if (!maker.Make(epoch, batch.Entries[i], batch.Image(i), batch.Label(i))) batch.StayedGood++;
                }
                _ready.Add(batch);
            }
        }
        catch (OperationCanceledException) { }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
            _stop.Cancel();
        }
    }

    /// <summary>Scratch memory, where images are made, and what is done to an entry.</summary>
    private sealed class ImageMaker(ImageStore store, Config config, PixelNormalisation normalisation)
    {
        private Synthesizer? _synthesizer;
        private byte[] _image = [], _mask = [];

        /// <summary>Augments, adds the pseudo anomaly, normalises, labels. False if the anomaly
        /// could not be drawn.</summary>
        public bool Make(int epoch, TrainingEntry entry, Span<float> image, Span<float> labels)
        {
            if (_synthesizer is null)
                (_synthesizer, _image, _mask) = (new(PseudoAnomalies.Options(config)),
                    new byte[3 * store.Side * store.Side], new byte[store.Side * store.Side]);
            store[entry.Image].CopyTo(_image);
            if (Warp(epoch, entry) is { } warp) _synthesizer.Apply(warp, _image);
            bool drawn = true;
            if (entry.Anomaly is null) labels.Clear();
            else
            {
                drawn = _synthesizer.Apply(Draws(epoch, entry), _image, _mask);
                _synthesizer.Label(_mask, labels);
            }
            Normalise.Forward(_image, image, normalisation);
            return drawn;
        }

        /// <summary>Writes down what <see cref="Make"/> would do.</summary>
        public void Describe(int epoch, TrainingEntry entry, RecipeBook book) =>
            book.Add(store[entry.Image], Warp(epoch, entry), [.. Draws(epoch, entry)]);

        private Warp? Warp(int epoch, TrainingEntry entry) =>
            Augmentation.Draw(config.Augment, new(config.Train.Seed, RngPurpose.Augmentation, epoch, entry.Place));

        private IEnumerable<AnomalyDraw> Draws(int epoch, TrainingEntry entry) =>
            entry.Anomaly is { } kind
                ? PseudoAnomalies.Draws(config.Synth, store.Side, kind,
                    new(config.Train.Seed, RngPurpose.Anomaly, epoch, entry.Place))
                : [];
    }
}
