namespace MlffAd.Evaluation;

/// <summary>Runs a model over a data set's test images (spec §9).</summary>
public static class Evaluator
{
    /// <summary>Scores every test image, reads its mask, computes every figure. An unusable image
    /// is passed over.</summary>
    /// <param name="scorer">Scores images with the model.</param>
    /// <param name="model">The model's thresholds.</param>
    /// <param name="set">Images and masks.</param>
    /// <param name="options">What to compute.</param>
    /// <param name="maxBad">Largest share of test images that may be unusable.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    /// <param name="onScored">Told of each image when it is done, and what was wrong with it.</param>
    /// <exception cref="MlffAdException">There is nothing to test, a mask is missing, too many images are unusable
    /// (exit code 3), or a score is not finite (4).</exception>
    public static EvaluationResult Run(Scorer scorer, ModelMetadata model, DataSet set, EvaluationOptions options,
        double maxBad = 0.05, long maxPixels = ImageFile.MaxPixels, Action<ImageItem,
        MlffAdException?>? onScored = null)
    {
        if (set.Test.Count == 0)
            throw new MlffAdException(ExitCode.BadData,
                $"'{set.Root}' has no test images; they belong in '{Path.Combine("test", DataSet.Good)}' and "
                    + $"'{Path.Combine("test", "KIND")}', "
                    + $"their masks in '{Path.Combine("ground_truth", "KIND")}'.");
        set.RequireMasks();
        var rejects = new Rejects(set.Test.Count, maxBad);
        var images = new List<TestImage>();
        var remarks = new Remarks();
        foreach (ScoredImage scored in scorer.Score(set.Test, maxPixels))
        {
            MlffAdException? error = scored.Error;
            try
            {
                if (error is null) images.Add(Tested(scored, options, maxPixels, remarks));
            }
            catch (MlffAdException e) when (e.Code == ExitCode.BadData) { error = e; }
            onScored?.Invoke(scored.Item, error);
            if (error is not null) rejects.Add(error);
        }
        if (images.Count == 0)
            throw new MlffAdException(ExitCode.BadData, $"None of the test images of '{set.Root}' can be used.");
        string[] unusable = rejects.Errors.Count == 0 ? []
            : [$"{rejects.Errors.Count} of {set.Test.Count} test images could not be used, and are in no figure."];
        return EvaluationResult.Of(images, model.Threshold, model.PixelThreshold, options,
            [.. unusable, .. set.CopyCautions(), .. remarks.All]);
    }

    private static TestImage Tested(ScoredImage scored, EvaluationOptions options, long maxPixels, Remarks remarks)
    {
        var (width, height) = (scored.Original!.Width, scored.Original.Height);
        remarks.Add(width, height);
        if (options.OriginalResolution && scored.Item.Mask is not null) PixelScores.Require(remarks.Pixels);
        var mask = scored.Item.Mask is { } path ? remarks.ReadMask(path, scored.Item.Path, width, height, maxPixels)
            : null;
        var (columns, rows) = options.OriginalResolution ? (width, height) : (options.Side, options.Side);
        return new(Path: scored.Item.Name, Kind: scored.Item.Kind, Score: scored.Score, Cells: scored.Cells!,
            Width: width, Height: height, Mask: mask?.ToMask(columns, rows));
    }
}
