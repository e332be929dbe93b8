namespace MlffAd.Training;

/// <summary>A picture that a memory is to learn, as the memory judges it.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Width">Columns of the photograph.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Cells">Its scores.</param>
/// <param name="Score">Its score.</param>
internal sealed record NewPicture(GoodPicture Picture, int Width, int Height, ScoreMap Cells, float Score)
{
    public string Name => Picture.Item.Name;

    public ulong Contents => Picture.Contents;
}

/// <summary>Pictures that a memory is to learn: read, judged, and looked through for what had better not be
/// learnt.</summary>
internal sealed class NewPictures(Model model, Device device, LearningRequest request, CancellationToken stop)
{
    /// <summary>Pictures that are named at most.</summary>
    private const int MostNamed = 10;

    /// <summary>The fewest pictures among which one can stand apart.</summary>
    private const int FewestTogether = 4;

    private readonly List<NewPicture> _all = [];

    /// <summary>Those that the memory does not know, each once.</summary>
    public IReadOnlyList<NewPicture> All => _all;

    /// <summary>How many were read.</summary>
    public int Count { get; private set; }

    /// <summary>What is strange about them, a sentence each.</summary>
    public Doubts Doubts { get; } = new(model.Metadata.Config.BitDepth);

    /// <summary>Reads and judges them.</summary>
    /// <param name="known">Whether the memory knows an image, by its contents.</param>
    /// <exception cref="MlffAdException">Too many cannot be used (exit code 3).</exception>
    public void Read(Func<ulong, bool> known)
    {
        var config = model.Metadata.Config;
        using var scorer = new Scorer(model, device);
        var (waiting, seen) = (new List<(GoodPicture Picture, int Width, int Height)>(), new HashSet<ulong>());
        foreach (var (picture, photo) in Decoded(request.Images))
        {
            Count++;
            Doubts.Add(picture.Item, photo);
            ulong contents = picture.Contents;
            if (known(contents) || !seen.Add(contents)) continue;
            waiting.Add((picture, photo.Width, photo.Height));
            if (waiting.Count == scorer.Batch) Judge();
        }
        Judge();

        void Judge()
        {
            foreach (var ((picture, width, height), cells) in
                waiting.Zip(scorer.Score([.. waiting.Select(one => one.Picture.Pixels)])))
            {
                float score = cells.Readout(config);
                if (!float.IsFinite(score)) throw Finding.NotFinite(picture.Item.Name);
                _all.Add(new(picture, width, height, cells, score));
            }
            waiting.Clear();
        }
    }

    /// <summary>Pictures of good parts that are given to set the threshold by.</summary>
    /// <exception cref="MlffAdException">Too many cannot be used (exit code 3).</exception>
    public IReadOnlyList<GoodPicture> Good() =>
        [.. Decoded(request.Good).Select(good => good.Picture).DistinctBy(picture => picture.Contents)];

    /// <summary>What had better not be learnt: pictures that score above twice the threshold, or above it and apart
    /// from the other new ones. The highest score first.</summary>
    public IReadOnlyList<NewPicture> Suspects()
    {
        float threshold = model.Metadata.Threshold;
        double twice = threshold + Math.Abs(threshold);
        double apart = _all.Count < FewestTogether ? double.MaxValue
            : Math.Max(threshold, StandingApart.Limit([.. _all.Select(picture => (double)picture.Score)]));
        return [.. _all.Where(picture => picture.Score > Math.Min(twice, apart))
            .OrderByDescending(picture => picture.Score)];
    }

    /// <summary>Those that score above the threshold, the highest first.</summary>
    public IReadOnlyList<NewPicture> Alarming() => [.. _all.Where(picture => picture.Score > model.Metadata.Threshold)
        .OrderByDescending(picture => picture.Score)];

    /// <summary>Pictures by name, each with its box and score.</summary>
    public string Named(IReadOnlyList<NewPicture> pictures) =>
        string.Join(", ", pictures.Take(MostNamed).Select(Named)) + (pictures.Count > MostNamed ? " …" : "");

    /// <summary>Draws the pictures' heat maps.</summary>
    /// <returns>The folder.</returns>
    public string Draw(IReadOnlyList<NewPicture> pictures)
    {
        string folder = OutputFolder.Make(request.Model + ".learn",
            request.Images.Select(item => Path.GetDirectoryName(Path.GetFullPath(item.Path))!).Distinct());
        var names = HeatMapNames.Of([.. pictures.Select(picture => picture.Picture.Item)]);
        var scale = ColourScale.Of(model.Metadata.Config, model.Metadata.PixelThreshold);
        foreach (var (i, picture) in pictures.Index())
        {
            stop.ThrowIfCancellationRequested();
            string path = Path.Combine(folder, names[i]);
            OutputFolder.MakeBelow(Path.GetDirectoryName(path)!);
            var photo = ImageFile.Read(picture.Picture.Item.Path, request.MaxPixels, model.Metadata.Config.BitDepth);
            ImageFile.WritePng(path, HeatMap.Overlay(photo, picture.Cells.Enlarge(photo.Width, photo.Height), scale));
        }
        return folder;
    }

    private string Named(NewPicture picture)
    {
        float limit = model.Metadata.PixelThreshold;
        string box = picture.Cells.Max() > limit
            && Components.LargestAbove(picture.Cells.Enlarge(picture.Width, picture.Height), limit) is { } b
            ? string.Create(CultureInfo.InvariantCulture, $" at {b.X},{b.Y},{b.Width},{b.Height}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"'{picture.Name}'{box} ({picture.Score:0.000})");
    }

    private IEnumerable<(GoodPicture Picture, RgbImage Photo)> Decoded(IReadOnlyList<ImageItem> items)
    {
        var config = model.Metadata.Config;
        var rejects = new Rejects(items.Count, request.MaxBad);
        foreach (var image in DecodedImage.Ahead(items, config.ImageSize, device.Team.Count, request.MaxPixels,
            config.BitDepth))
        {
            stop.ThrowIfCancellationRequested();
            var error = image.Error ?? (!Exposure.IsPlain(image.Original!) ? null : new MlffAdException(
                ExitCode.BadData, $"'{image.Item.Path}' has one colour all over: nothing can be learnt of it."));
            request.OnRead?.Invoke(image.Item, error);
            if (error is not null) rejects.Add(error);
            else yield return (new(image.Item, image.Resized!), image.Original!);
        }
    }
}
