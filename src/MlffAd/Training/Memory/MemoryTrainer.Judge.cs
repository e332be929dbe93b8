namespace MlffAd.Training;

public sealed partial class MemoryTrainer
{
    /// <summary>Sets scales, threshold and quality.</summary>
    private ModelMetadata Judge(MemoryImages images, MadeMemory memory, ModelMetadata metadata)
    {
        var judge = new MemoryJudge(_start.Preprocessing, _device, _stop);
        var config = memory.Config;
        if (images.Judging is Judging.None or Judging.Folds && config.Memory.Scaling != Scaling.None)
            judge.Measure(memory, images.Remembered, [], _request.MaxPixels, (_, _) => { }).Scale(memory);
        if (images.Judging == Judging.None) return metadata;
        IReadOnlyList<ImageItem> others = memory.OwnGroups is null ? [] : images.Others;
        ImageItem[] all = [.. images.Judged, .. others];
        _phases.Begin(MemoryPhases.Judging, all.Length);
        if (memory.OwnGroups is null && images.Judging != Judging.HeldOut)
            _say(
                "What is remembered is of one image, or of copies of it, and judges that image too: the threshold says "
                    + "little. Give photographs that differ.");
        long done = 0;
        var rejects = new Rejects(all.Length, _request.MaxBad);
        void OnRead(ImageItem item, MlffAdException? error)
        {
            if (error is not null)
            {
                _say(error.Message);
                rejects.Add(error);
            }
            _phases.Advance(++done);
        }

        var shown = MemoryJudge.Shown(images.Judged, config.ImageSize);
        List<Judged> judged, known = [];
        if (images.Judging == Judging.Folds) judged = Folds(memory, images.Judged, shown, judge, OnRead);
        else
        {
            var scores = _scores = judge.Measure(memory, all, shown, _request.MaxPixels, OnRead);
            scores.Scale(memory);
            judged = [.. scores.Of(config)];
            var own = others.ToHashSet();
            _others = scores.Cells(own.Contains, config.Memory.Scaling);
            known = judged.FindAll(j => own.Contains(j.Picture.Item));
            judged.RemoveAll(j => own.Contains(j.Picture.Item));
        }
        judged = Undecided(judged);
        _judging = [.. judged.Select(j => j.Picture.Owner)];
        return Conclude(images, config, metadata, shown, judged, known);
    }

    /// <summary>What <c>learn</c> will need: the images that the threshold rests on, and which are known.</summary>
    private KeptPictures Keep(MemoryImages images, MadeMemory memory)
    {
        var config = memory.Config;
        var kept = new SortedDictionary<ulong, RgbImage>();
        foreach (var image in DecodedImage.Ahead(config.Memory.Keep ? images.Judged : [], config.ImageSize,
            _device.Team.Count, _request.MaxPixels, config.BitDepth))
        {
            _stop.ThrowIfCancellationRequested();
            if (image.Resized is not { } picture || !_judging.Contains(picture.Contents)) continue;
            kept[picture.Contents] = picture;
            if (kept.Count > KeptPictures.Most(config.ImageSize)) kept.Remove(kept.Keys.Last());
        }
        var remembered = images.Remembered.ToHashSet();
        return KeptPictures.Of([.. kept.Values],
            memory.Items.Where(image => image.Value.Exists(remembered.Contains)).Select(image => image.Key),
            memory.Groups);
    }

    /// <summary>Without images that decided the choice, as long as most are left: the others are judged by what would
    /// have been chosen without them as well.</summary>
    private List<Judged> Undecided(List<Judged> judged)
    {
        if (_chosen is not { Dissenters.Count: > 0 and var dissenters }) return judged;
        int good = judged.Count(j => j.Picture.IsGood);
        if (2 * dissenters > good || good - dissenters < Holdout.FewestHeld) return judged;
        return judged.FindAll(j => !_chosen.Dissenters.Contains(j.Picture.Owner));
    }

    private ModelMetadata Conclude(MemoryImages images, Config config, ModelMetadata metadata,
        HashSet<ImageItem> shown, List<Judged> judged, List<Judged> known)
    {
        var calibration = MemoryJudge.Calibrate(judged, known, config);
        if (images.Judging == Judging.Folds)
            _say($"The threshold rests on {calibration.Images} images, each judged by a memory of the others: with so "
                + "few it is high, and some defects will pass. More good images make it lower.");
        else if (_request.Threshold is null && calibration.Caution is { } caution) _say(caution);
        float threshold = _request.Threshold ?? calibration.Threshold;
        return metadata with
        {
            Threshold = threshold,
            Calibration = calibration with { Threshold = threshold },
            Quality = MemoryJudge.Quality(judged, config, shown),
            Choice = _chosen?.Candidates ?? [],
        };
    }

    /// <summary>Each image by a memory of all others, no larger than that of all.</summary>
    private List<Judged> Folds(MadeMemory whole, IReadOnlyList<ImageItem> images, HashSet<ImageItem> shown,
        MemoryJudge judge, Action<ImageItem, MlffAdException?> onRead)
    {
        var judged = new List<Judged>();
        using var maker = new MemoryMaker(_request with { Config = whole.Config }, _start, _device, _ => { }, _stop);
        foreach (var image in images)
        {
            ImageItem[] others = [.. images.Where(other => other != image)];
            var memory = maker.Make(others, [], new Rejects(others.Length, _request.MaxBad));
            if (memory.Config.Memory.Scaling != Scaling.None)
                judge.Measure(memory, others, [], _request.MaxPixels, (_, _) => { }).Scale(memory);
            judged.AddRange(judge.Measure(memory, [image], shown, _request.MaxPixels, onRead).As(memory));
        }
        return judged;
    }
}
