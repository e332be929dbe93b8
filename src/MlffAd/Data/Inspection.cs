namespace MlffAd.Data;

/// <summary>The images of one kind.</summary>
/// <param name="Split"><c>train</c> or <c>test</c>.</param>
/// <param name="Kind">The kind of defect, or good.</param>
/// <param name="Images">How many there are, unusable ones included.</param>
/// <param name="Unusable">How many cannot be read.</param>
/// <param name="Masks">How many have a mask.</param>
/// <param name="Sizes">Sizes of those that can be read, and how many have each; the commonest first.</param>
public sealed record InspectedKind(string Split, string Kind, int Images, int Unusable, int Masks,
    IReadOnlyList<(int Width, int Height, int Count)> Sizes);

/// <summary>What a look at every file of a data set says.</summary>
/// <param name="Kinds">Counts, per split and kind.</param>
/// <param name="HeldOut">Good training images that will be kept out of training to set the threshold.</param>
/// <param name="Rejects">Files that cannot be read, each with its reason.</param>
/// <param name="Problems">What training or evaluation will refuse, a sentence each.</param>
/// <param name="Warnings">What may make results worse than they could be, a sentence each.</param>
public sealed record Inspection(IReadOnlyList<InspectedKind> Kinds, int HeldOut, IReadOnlyList<MlffAdException> Rejects,
    IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings)
{
    /// <summary>Below this, the held-out images are so few that the 0.99 quantile is nearly their maximum.</summary>
    private const int FewHeldOut = 20;

    /// <summary>Decodes every image and mask of a data set.</summary>
    /// <param name="set">The data set.</param>
    /// <param name="holdout"><c>train.holdout</c>.</param>
    /// <param name="maxBad">Largest share of training images that may be broken.</param>
    /// <param name="maxPixels">Larger images are refused.</param>
    /// <param name="threads">How many are decoded at a time; 0: one for each processor.</param>
    /// <param name="onRead">Told after each image how many are done.</param>
    /// <param name="bitDepth">As for <see cref="ImageFile.Read"/>.</param>
    public static Inspection Of(DataSet set, double holdout, double maxBad = 0.05, long maxPixels = ImageFile.MaxPixels,
        int threads = 0, Action<int>? onRead = null,
        int bitDepth = 16)
    {
        var rejects = new List<MlffAdException>();
        var problems = new List<string>();
        var warnings = new List<string>();
        var kinds = new List<InspectedKind>();
        var (remarks, doubts) = (new Remarks(), new Doubts(bitDepth));
        int done = 0;
        var groups = set.Train.GroupBy(i => ("train", i.Kind)).Concat(set.Test.GroupBy(i => ("test", i.Kind)));
        foreach (var group in groups)
        {
            var sizes = new Dictionary<(int, int), int>();
            int unusable = 0, masks = 0;
            // Only whether it decodes and how large it is matter here: the smallest side resizes fastest.
            foreach (var image in DecodedImage.Ahead(group, side: 1, threads, maxPixels, bitDepth))
            {
                onRead?.Invoke(++done);
                if (image.Error is { } error)
                {
                    unusable++;
                    rejects.Add(error);
                    continue;
                }
                var size = (image.Original!.Width, image.Original.Height);
                sizes[size] = sizes.GetValueOrDefault(size) + 1;
                remarks.Add(size.Width, size.Height);
                doubts.Add(image.Item, image.Original);
                if (image.Item.Mask is not { } mask || !File.Exists(mask)) continue;
                masks++;
                try { remarks.ReadMask(mask, image.Item.Path, size.Width, size.Height, maxPixels); }
                catch (MlffAdException e) { rejects.Add(e); }
            }
            kinds.Add(new(Split: group.Key.Item1, Kind: group.Key.Kind, Images: group.Count(), Unusable: unusable,
                Masks: masks,
                Sizes: [.. sizes.OrderByDescending(s => s.Value).ThenBy(s => s.Key)
                    .Select(s => (s.Key.Item1, s.Key.Item2, s.Value))]));
        }

        int held = 0;
        try { held = Holdout.Split(set.Train, holdout).Held.Count; }
        catch (MlffAdException e) { problems.Add(e.Message); }
        if (held is > 0 and < FewHeldOut)
            warnings.Add(
                $"The threshold will rest on {held} held-out good images, nearly on the highest score among them; "
                    + $"more good images make it surer.");
        if (kinds.FirstOrDefault(k => k.Split == "train") is { } train && train.Unusable > maxBad * train.Images)
            problems.Add(
                $"{train.Unusable} of {train.Images} training images are unusable, more than --max-bad allows.");
        if (set.Caution is { } passedOver) warnings.Add(passedOver);
        warnings.AddRange(set.CopyCautions());
        warnings.AddRange(doubts.All);
        warnings.AddRange(remarks.All);
        if (set.MissingMasks is [var first, ..] missing)
            problems.Add(
                $"{missing.Count} defect images have no mask, the first is '{first.Mask}'; evaluation needs all of "
                    + $"them, or no ground_truth folder.");
        else if (set.Test.Any(i => i.Kind != DataSet.Good) && !set.HasMasks)
            warnings.Add("There is no ground_truth folder: evaluation will judge whole images alone.");
        if (set.Test.Count > 0 && set.Test.All(i => i.Kind != DataSet.Good))
            warnings.Add("There are no good test images: evaluation cannot tell how often good parts are refused.");
        return new(kinds, held, rejects, problems, warnings);
    }
}
