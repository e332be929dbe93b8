namespace MlffAd.Training;

/// <summary>Measures good images, and pseudo anomalies on them, by a memory without what it remembers of each
/// (spec §14).</summary>
/// <param name="preprocessing">What the network is fed.</param>
/// <param name="device">Where to compute.</param>
/// <param name="stop">Ends measuring with an <see cref="OperationCanceledException"/>.</param>
internal sealed class MemoryJudge(Preprocessing preprocessing, Device device, CancellationToken stop)
{
    /// <summary>Kinds of pseudo anomaly that a memory is judged by: it is trained on none.</summary>
    public static IReadOnlyList<TestKind> Kinds { get; } = [TestKind.Confetti, TestKind.Patch, TestKind.Scar];

    /// <summary>Those of good images on which pseudo anomalies are drawn, by their names' hashes.</summary>
    /// <param name="images">The good images.</param>
    /// <param name="side">S.</param>
    /// <param name="most">Most of them.</param>
    public static HashSet<ImageItem> Shown(IReadOnlyList<ImageItem> images, int side, int most = int.MaxValue) =>
        [.. Holdout.ByName(images).Take(Math.Min(most,
            QualityMeter.MostImages(side, Kinds.Count * TestAnomalies.OfEachKind)))];

    /// <summary>Pseudo anomalies on a good image, if it is to be <paramref name="shown"/> with them.</summary>
    public static IEnumerable<(Picture, RgbImage)> Anomalies(HashSet<ImageItem> shown, Picture good, RgbImage image) =>
        !shown.Contains(good.Item) ? [] : Anomalies(Kinds, good, image);

    private static IEnumerable<(Picture, RgbImage)> Anomalies(IReadOnlyList<TestKind> kinds, Picture good,
        RgbImage image) => TestAnomalies.On(image, kinds)
            .Select(anomaly => (good with { Mask = anomaly.Mask }, anomaly.Image));

    /// <summary>Measures good images, and pseudo anomalies on some of them.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="images">The images.</param>
    /// <param name="shown">Those of them with pseudo anomalies.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    /// <param name="onRead">Told of each image that was read, or of its error.</param>
    public MemoryScores Measure(MadeMemory memory, IReadOnlyList<ImageItem> images, HashSet<ImageItem> shown,
        long maxPixels, Action<ImageItem, MlffAdException?> onRead) => Measure(memory, (reader, take) =>
            reader.Read(images, maxPixels, take, onRead, stop, (good, pixels) => Anomalies(shown, good, pixels)));

    /// <summary>The same of images that are in memory, beside others that were measured before.</summary>
    public MemoryScores Measure(MadeMemory memory, IReadOnlyList<GoodPicture> images, HashSet<ImageItem> shown,
        IReadOnlyList<Measured> others) => Measure(memory, (reader, take) =>
            reader.Read(images, take, stop, (good, pixels) => Anomalies(shown, good, pixels)), others);

    /// <summary>Measures good images, and on each the pseudo anomalies that no network is trained on.</summary>
    public MemoryScores MeasureUntrained(MadeMemory memory, IReadOnlyList<ImageItem> images, long maxPixels) =>
        Measure(memory, (reader, take) => reader.Read(images, maxPixels, take, (_, _) => { }, stop,
            (good, pixels) => Anomalies(TestAnomalies.UntrainedKinds, good, pixels)));

    /// <summary>Scores of images by all that a memory knows, as <c>detect</c> gives them.</summary>
    public IReadOnlyList<float> ScoreWhole(MadeMemory memory, IReadOnlyList<GoodPicture> images)
    {
        var metadata = new ModelMetadata(Config: memory.Config, Preprocessing: preprocessing, Threshold: 0,
            Calibration: null, Training: new(0, 0, 0, "", null), Class: "");
        using var scorer = new Scorer(new(metadata, memory.Weights), device);
        var scores = new List<float>();
        foreach (var some in images.Chunk(scorer.Batch))
        {
            stop.ThrowIfCancellationRequested();
            scores.AddRange(scorer.Score([.. some.Select(image => image.Pixels)])
                .Select(cells => cells.Readout(memory.Config)));
        }
        return scores;
    }

    /// <summary>Thresholds by the good pictures. Remembered ones lie too high: what covered them is passed over, and
    /// others are not remembered the better for it. They count lower by what their median lies above that of the
    /// judged, and for the threshold of images alone.</summary>
    /// <param name="judged">Pictures that the memory does not hold or, where there are none, some that it does.</param>
    /// <param name="others">Pictures that it remembers, judged without themselves.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="share">Of a network beside the memory, which counts in the maps; null where there is none.</param>
    /// <exception cref="MlffAdException">A score is not finite (exit code 4).</exception>
    public static Calibration Calibrate(IEnumerable<Judged> judged, IEnumerable<Judged> others, Config config,
        NetworkShare? share = null)
    {
        Judged[] good = [.. judged.Where(j => j.Picture.IsGood)];
        float[] scores = Scores(good), known = Scores(others);
        float above = known.Length == 0 ? 0 : MathF.Max(0, Median(known) - Median(scores));
        return Calibrator.Calibrate([.. scores, .. known.Select(score => score - above)],
            [.. good.Select(j => share?.Map(j) ?? j.Map)], config.ImageSize,
            config.Verdict.ImageQuantile, config.Verdict.PixelQuantile);

        static float Median(float[] scores) => (float)Quantile.OfSorted([.. scores.Order()], 0.5);

        static float[] Scores(IEnumerable<Judged> images) => [.. images.Select(image => float.IsFinite(image.Score)
            ? image.Score : throw Finding.NotFinite(image.Picture.Item.Name))];
    }

    /// <summary>How well the good ones of some images are told from the others.</summary>
    public static Quality? Quality(IEnumerable<Judged> judged, Config config, HashSet<ImageItem> shown)
    {
        var meter = new QualityMeter(config.ImageSize);
        foreach (var j in judged.Where(j => shown.Contains(j.Picture.Item))) meter.Add(j.Map, j.Score, j.Picture.Mask);
        return meter.Measure();
    }

    private MemoryScores Measure(MadeMemory memory, Action<CellReader, TakeCells> read,
        IReadOnlyList<Measured>? others = null)
    {
        var measured = new List<Measured>(others ?? []);
        var (config, finder) = (memory.Config, new MemoryNetwork(memory.Config));
        using var reader = new CellReader(config: config, weights: memory.Weights, preprocessing: preprocessing,
            device: device, describe: (x, image) =>
        {
            var network = config.HasNetwork ? new MlffNetwork(config).Forward(x, image) : null;
            var (distance, index) = network is null ? finder.Nearest(x, image) : finder.Nearest(x, network);
            return network is null ? [distance, index] : [distance, index, network.S];
        }, groupOf: memory.OwnGroups);
        read(reader, (picture, distance, index, network) => measured.Add(new(picture,
            distance.ToArray(), index.ToArray(), config.HasNetwork ? network.ToArray() : null)));
        return new(memory.Config.MapSide, measured, device);
    }
}
