namespace MlffAd.Training;

/// <summary>A good image in memory, S×S.</summary>
/// <param name="Item">Where it is from.</param>
/// <param name="Pixels">What it shows.</param>
internal sealed record GoodPicture(ImageItem Item, RgbImage Pixels)
{
    /// <summary>What tells it from others, whatever it is called.</summary>
    public ulong Contents { get; } = Pixels.Contents;
}

/// <summary>What a picture shows: a good image, or one with a pseudo anomaly on it.</summary>
/// <param name="Item">The good image's file.</param>
/// <param name="Owner">What tells the good image from others, whatever it is called: the picture's cells pass over what
/// is remembered of it.</param>
/// <param name="Mask"><c>[S, S]</c>, 1 where it is anomalous; null where it is the good image itself.</param>
internal sealed record Picture(ImageItem Item, ulong Owner, byte[]? Mask = null)
{
    public bool IsGood => Mask is null;
}

/// <summary>Told of a picture's cells.</summary>
/// <param name="picture">The picture.</param>
/// <param name="first">The description's first value, of this picture; valid during the call.</param>
/// <param name="second">Its second, if it has one.</param>
/// <param name="third">Its third.</param>
internal delegate void TakeCells(Picture picture, ReadOnlySpan<float> first, ReadOnlySpan<float> second,
    ReadOnlySpan<float> third);

/// <summary>Reads photographs, a few at a time, and computes something of their cells; keeps no image.</summary>
internal sealed class CellReader : IDisposable
{
    private readonly int _side;
    private readonly Device _device;
    private readonly int _bitDepth;
    private readonly PixelNormalisation _normalisation;
    private readonly Plan _plan;
    private readonly Tensor? _groups;
    private readonly IReadOnlyDictionary<ulong, int>? _groupOf;
    private readonly float[] _images;
    private readonly float[][] _values;
    private readonly List<Picture> _waiting = [];

    /// <summary>Plans.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="weights">Its numbers.</param>
    /// <param name="preprocessing">What the network is fed.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="describe">One to three values of each cell.</param>
    /// <param name="groupOf">The group of each image whose vectors its own cells pass over; null: none.</param>
    public CellReader(Config config, NetworkWeights weights, Preprocessing preprocessing, Device device,
        Func<IExecutor, Value, Value[]> describe, IReadOnlyDictionary<ulong, int>? groupOf = null)
    {
        (_side, _bitDepth, _device, _groupOf) = (config.ImageSize, config.BitDepth, device, groupOf);
        Doubts = new(_bitDepth);
        _normalisation = KernelOptions.Normalisation(preprocessing);
        var shape = new Shape(device.IsHost ? 4 : 16, _side, _side, 3);
        _groups = groupOf is null ? null
            : Tensor.Rent(device, new Shape(shape.N, 1, config.Cells, 1), "groups of cells");
        _plan = Planner.Plan(config, weights, device, shape, describe, _groups);
        (_images, _values) = (new float[shape.Count], [.. _plan.Outputs.Select(output => new float[output.Count])]);
    }

    /// <summary>What is strange about the images that were read.</summary>
    public Doubts Doubts { get; }

    /// <summary>Reads images in order.</summary>
    /// <param name="items">The images.</param>
    /// <param name="maxPixels">Larger ones are refused.</param>
    /// <param name="take">Told of the cells of each.</param>
    /// <param name="onRead">Told of each image that was read, or of its error.</param>
    /// <param name="stop">Ends reading with an <see cref="OperationCanceledException"/>.</param>
    /// <param name="others">Pictures, S×S, made of an image and read after it; null: none.</param>
    public void Read(IReadOnlyList<ImageItem> items, long maxPixels, TakeCells take,
        Action<ImageItem, MlffAdException?> onRead, CancellationToken stop,
        Func<Picture, RgbImage, IEnumerable<(Picture, RgbImage)>>? others = null)
    {
        foreach (var image in DecodedImage.Ahead(items, _side, _device.Team.Count, maxPixels, _bitDepth))
        {
            stop.ThrowIfCancellationRequested();
            Doubts.Add(image.Item, image.Original);
            onRead(image.Item, image.Error);
            if (image.Resized is { } resized) Add(new(image.Item, resized), take, others);
        }
        if (_waiting.Count > 0) Flush(take);
    }

    /// <summary>The same of images that are in memory.</summary>
    public void Read(IEnumerable<GoodPicture> images, TakeCells take, CancellationToken stop,
        Func<Picture, RgbImage, IEnumerable<(Picture, RgbImage)>>? others = null)
    {
        foreach (var image in images)
        {
            stop.ThrowIfCancellationRequested();
            Add(image, take, others);
        }
        if (_waiting.Count > 0) Flush(take);
    }

    /// <summary>Returns the memory.</summary>
    public void Dispose()
    {
        _plan.Dispose();
        _groups?.Dispose();
    }

    /// <summary>Refuses features that no memory can be made of.</summary>
    /// <exception cref="MlffAdException">They are not finite numbers (exit code 4).</exception>
    public static ReadOnlySpan<float> Finite(Picture picture, ReadOnlySpan<float> cells) =>
        cells.ContainsAnyExceptInRange(float.MinValue, float.MaxValue)
            ? throw new MlffAdException(ExitCode.BadModel, $"The weights give '{picture.Item.Name}' features that are "
                + "not finite numbers; take other weights.")
            : cells;

    private void Add(
        GoodPicture image, TakeCells take, Func<Picture, RgbImage, IEnumerable<(Picture, RgbImage)>>? others)
    {
        var good = new Picture(image.Item, image.Contents);
        Add(good, image.Pixels, take);
        foreach (var (picture, pixels) in others?.Invoke(good, image.Pixels) ?? []) Add(picture, pixels, take);
    }

    private void Add(Picture picture, RgbImage image, TakeCells take)
    {
        int length = 3 * _side * _side;
        Normalise.Forward(image.Rgb, _images.AsSpan(_waiting.Count * length, length), _normalisation);
        _waiting.Add(picture);
        if (_waiting.Count == _plan.Input.Shape.N) Flush(take);
    }

    private void Flush(TakeCells take)
    {
        _plan.Input.Write(_images);
        if (_groups is not null)
            for (int i = 0; i < _waiting.Count; i++) Pointwise.Fill(_groups.Items(i, 1),
                _groupOf!.GetValueOrDefault(_waiting[i].Owner, -1));
        _plan.Run();
        for (int v = 0; v < _values.Length; v++) _plan.Outputs[v].Read(_values[v]);
        for (int i = 0; i < _waiting.Count; i++) take(_waiting[i], Of(0, i),
            _values.Length > 1 ? Of(1, i) : default, _values.Length > 2 ? Of(2, i) : default);
        _waiting.Clear();

        ReadOnlySpan<float> Of(int v, int i)
        {
            int length = _values[v].Length / _plan.Input.Shape.N;
            return _values[v].AsSpan(i * length, length);
        }
    }
}
