namespace MlffAd.Training;

/// <summary>Makes a model of a trained network: thresholds and quality from the good images held out.</summary>
/// <param name="request">The training's.</param>
/// <param name="device">Where images are scored.</param>
/// <param name="say">Told of images that cannot be read, and of a threshold that rests on few.</param>
internal sealed class NetworkModel(TrainingRequest request, Device device, Action<string> say)
{
    /// <summary>Writes the model to the request's output.</summary>
    public ModelMetadata Write(TrainedNetwork network)
    {
        var config = request.Config;
        var metadata = new ModelMetadata(Config: config, Preprocessing: network.Preprocessing,
            Threshold: request.Threshold ?? 0, Calibration: null, Training: network.Record, Class: request.ClassName);
        if (network.Held.Count > 0)
        {
            using var scorer = new Scorer(new Model(metadata, network.Weights), device);
            var good = scorer.ScoreGood(network.Held, request.MaxBad, request.MaxPixels,
                (_, bad) => { if (bad is not null) say(bad.Message); });
            var calibration = Calibrator.Calibrate(good, config);
            float threshold = request.Threshold ?? calibration.Threshold;
            metadata = metadata with
            {
                Threshold = threshold,
                Calibration = calibration with { Threshold = threshold },
                Quality = Measure(scorer, good),
            };
            if (request.Threshold is null && calibration.Caution is { } caution) say(caution);
        }
        new Model(metadata, network.Weights).Save(request.Output);
        return metadata;
    }

    /// <summary>How well the network tells held-out images from kinds of anomaly that it was not trained on.</summary>
    private Quality? Measure(Scorer scorer, IReadOnlyList<ScoredImage> good)
    {
        const int atATime = 4;
        var config = request.Config;
        var kinds = TestAnomalies.UntrainedKinds;
        int most = QualityMeter.MostImages(config.ImageSize, kinds.Count * TestAnomalies.OfEachKind);
        var some = Holdout.ByName(good.Select(image => image.Item)).Take(most).ToHashSet();
        var meter = new QualityMeter(config.ImageSize);
        foreach (var image in good.Where(image => some.Contains(image.Item)))
            meter.Add(image.Cells!, image.Score, null);
        foreach (var images in DecodedImage.Ahead(some, config.ImageSize, device.Team.Count, request.MaxPixels,
            config.BitDepth).Chunk(atATime))
        {
            TestAnomaly[] anomalies = [.. images.Where(image => image.Error is null)
                .SelectMany(image => TestAnomalies.On(image.Resized!, kinds))];
            var maps = scorer.Score([.. anomalies.Select(anomaly => anomaly.Image)]);
            foreach (var (anomaly, cells) in anomalies.Zip(maps))
                meter.Add(cells, cells.Readout(config), anomaly.Mask);
        }
        return meter.Measure();
    }
}
