namespace MlffAd.Detection;

/// <summary>Judges photographs by a model: what <c>mlffad detect</c> says of each, without its
/// files and lines.</summary>
/// <remarks>
/// <para>What is wrong with one photograph is in its <see cref="Finding"/>, so that it ends no sequence; what is wrong
/// with the model's file or the device is thrown.</para>
/// <para>Threads may share a detector: each picture, or batch of a sequence, waits for the device. Single pictures and
/// sequences have a plan each, made at the first of its kind: that call takes longer, and the model's weights are in
/// memory once for each plan.</para>
/// </remarks>
public sealed class Detector : IDisposable
{
    private readonly long _maxPixels;
    private readonly ColourScale _scale;
    private readonly Device _device;
    private readonly Scorer _single, _batches;
    private bool _disposed;

    /// <summary>A detector of a model that is in memory.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="DeviceException">There is no such device, it cannot be opened, or it cannot multiply
    /// so.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A threshold is not finite, or a number is out of its
    /// range.</exception>
    public Detector(Model model, DetectorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new();
        (Model, _maxPixels) = (model, options.MaxPixels);
        Threshold = options.Threshold ?? model.Metadata.Threshold;
        PixelThreshold = options.PixelThreshold ?? model.Metadata.PixelThreshold;
        RequireFinite(Threshold, nameof(options.Threshold));
        RequireFinite(PixelThreshold, nameof(options.PixelThreshold));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxPixels, 1);
        _scale = ColourScale.Of(model.Metadata.Config, PixelThreshold);
        _device = Device.Open(options.Device, options.Threads, options.Precision);
        (_single, _batches) = (new(model, _device, batch: 1), new(model, _device));
    }

    /// <summary>The model.</summary>
    public Model Model { get; }

    /// <summary>A photograph is defective above this score.</summary>
    public float Threshold { get; }

    /// <summary>A pixel is defective above this score.</summary>
    public float PixelThreshold { get; }

    /// <summary>Opens a model that <c>mlffad train</c> wrote.</summary>
    /// <param name="model">The file.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="MlffAdException">The file cannot be read, is damaged, or is no model (exit code 4).</exception>
    /// <exception cref="DeviceException">There is no such device, it cannot be opened, or it cannot multiply
    /// so.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A threshold is not finite, or a number is out of its
    /// range.</exception>
    public static Detector Open(string model, DetectorOptions? options = null) => new(Model.Load(model), options);

    /// <summary>Judges a photograph; where it cannot be read, the finding has the
    /// <see cref="Finding.Error"/>.</summary>
    /// <param name="path">The file, whatever its name.</param>
    /// <exception cref="ObjectDisposedException">The detector is disposed.</exception>
    public Finding Inspect(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Judge(_single.Score([FoundImages.Item(path)], _maxPixels).Single());
    }

    /// <summary>Judges a photograph that is in memory, such as a camera's.</summary>
    /// <param name="image">The photograph, of any size.</param>
    /// <param name="name">What the finding calls it.</param>
    /// <exception cref="ArgumentException">The image has no pixels, or its bytes are not three a pixel.</exception>
    /// <exception cref="ObjectDisposedException">The detector is disposed.</exception>
    public Finding Inspect(RgbImage image, string name = "")
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (image.Width < 1 || image.Height < 1 || image.Rgb.LongLength != 3L * image.Width * image.Height)
            throw new ArgumentException($"An image of {image.Width}×{image.Height} has three bytes a pixel, and one "
                + $"pixel at least; this has {image.Rgb.LongLength} bytes.", nameof(image));
        ScoreMap cells = _single.Score([image])[0];
        return Judge(new(new(name, name, DataSet.Good), image, cells.Readout(Model.Metadata.Config), cells, null));
    }

    /// <summary>Judges photographs in order, while the files of the next are read in the background.</summary>
    /// <remarks>So a few more paths than findings are taken from a lazy sequence, by some batches. A finding holds its
    /// photograph until the next is asked for.</remarks>
    /// <param name="paths">The files, whatever their names; <see cref="FoundImages.Of"/> takes folders.</param>
    /// <exception cref="ObjectDisposedException">The detector is disposed, at once or meanwhile.</exception>
    public IEnumerable<Finding> Inspect(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Sequence(paths.Select(FoundImages.Item), []);
    }

    /// <summary>Judges what was found in folders, as the files of a sequence; then what looks like an image there and
    /// is not read, each as one that could not be: it is never good.</summary>
    /// <param name="found">Of <see cref="FoundImages.Of"/>.</param>
    /// <exception cref="ObjectDisposedException">The detector is disposed, at once or meanwhile.</exception>
    public IEnumerable<Finding> Inspect(FoundImages found)
    {
        ArgumentNullException.ThrowIfNull(found);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Sequence(found.Images, found.PassedOver);
    }

    /// <summary>Frees the device; findings stay, with their photographs.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _single.Dispose();
        _batches.Dispose();
        _device.Dispose();
    }

    private IEnumerable<Finding> Sequence(IEnumerable<ImageItem> items, IReadOnlyList<PassedImage> passedOver)
    {
        foreach (ScoredImage image in _batches.Score(items, _maxPixels))
        {
            Finding finding = Judge(image);
            yield return finding;
            finding.LetGo();
            ObjectDisposedException.ThrowIf(_disposed, this);
        }
        foreach (PassedImage image in passedOver) yield return Finding.NotJudged(image);
    }

    private Finding Judge(ScoredImage image) => Finding.Of(image, Threshold, PixelThreshold, _scale);

    private static void RequireFinite(float threshold, string name)
    {
        if (!float.IsFinite(threshold))
            throw new ArgumentOutOfRangeException(name, threshold, "A threshold is a finite number.");
    }
}
