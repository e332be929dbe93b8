namespace MlffAd.Training;

/// <summary>Lets a memory learn more good parts without those that it was made of: appends what is new in them, and
/// sets scales and thresholds anew by the pictures that the model keeps (spec §14).</summary>
public sealed class MemoryLearner
{
    /// <summary>Of so many new pictures one is kept instead of learnt.</summary>
    private const int Every = 5;

    /// <summary>How far thresholds move at most, of what they were.</summary>
    private const double Room = 0.02;

    /// <summary>Where a picture still alarms, cells that are nearer by this factor are taken, too; below a share of the
    /// memory's radius all are.</summary>
    private const double Nearer = 0.7, Nearest = 0.02;

    /// <summary>How often what was learnt is looked at again, since the threshold follows from it.</summary>
    private const int Rounds = 3;

    private readonly LearningRequest _request;
    private readonly Device _device;
    private readonly Action<string> _say;
    private readonly CancellationToken _stop;
    private readonly Model _model;
    private readonly KeptPictures _kept;
    private readonly Measured[] _others;
    private readonly HashSet<Picture> _remembered;
    private readonly TensorData[] _tensors;
    private readonly MemoryJudge _judge;
    private readonly NewPictures _new;

    private MemoryLearner(LearningRequest request, Device device, Action<string> say, CancellationToken stop)
    {
        (_request, _device, _say, _stop) = (request, device, say, stop);
        _model = Model.Load(request.Model);
        if (!_model.Metadata.Config.HasMemory)
            throw new MlffAdException(ExitCode.Usage, $"'{request.Model}' is a network, which cannot learn more: add "
                + "the photographs to the good ones and train it again, or make a memory with 'mlffad train'.");
        using (var file = ModelFile.Open(request.Model))
        {
            _kept = KeptPictures.Read(file);
            _others = Others(RememberedCells.Read(file));
            _remembered = [.. _others.Select(other => other.Picture)];
            _tensors = request.DryRun ? [] : [.. file.ReadTensors()];
        }
        if (_kept.Pictures.Count == 0 && request.Good.Count == 0)
            throw new MlffAdException(ExitCode.Usage, $"'{request.Model}' keeps no pictures of good parts to set its "
                + "threshold by (memory.keep was false, or an earlier version made it): give some that it has not "
                + "learnt by --good DIR.");
        _judge = new(_model.Metadata.Preprocessing, device, stop);
        _new = new(_model, device, request, stop);
    }

    /// <summary>Lets a memory learn.</summary>
    /// <param name="request">What, and what with.</param>
    /// <param name="device">Where.</param>
    /// <param name="say">Told of what the user should know, a sentence at a time.</param>
    /// <param name="stop">Ends it with an <see cref="OperationCanceledException"/>; nothing is written.</param>
    /// <exception cref="MlffAdException">The model has no memory, or too little to set a threshold by (exit code 2);
    /// the images cannot be used, or look like defects (3); the model is damaged (4) or cannot be written
    /// (7).</exception>
    public static LearningOutcome Learn(LearningRequest request, Device device, Action<string> say,
        CancellationToken stop = default) => new MemoryLearner(request, device, say, stop).Run();

    private LearningOutcome Run()
    {
        var was = _model.Metadata;
        _new.Read(_kept.Known.ContainsKey);
        foreach (string doubt in _new.Doubts.All) _say(doubt);
        int known = _new.Count - _new.All.Count;
        if (_new.All.Count == 0)
        {
            Copy();
            return new(Was: was, Now: was, Learnt: 0, Cells: 0, Kept: 0, Known: known, Alarming: []);
        }
        int suspects = RequireGood();
        // Those that the memory knows best are the least loss to it. None that alarm: they would again, and brought
        // because they alarmed, they do not say how good parts score.
        int keep = was.Config.Memory.Keep ? _new.All.Count / Every : 0;
        var aside = _new.All.Where(picture => picture.Score <= was.Threshold)
            .OrderBy(picture => picture.Score).ThenBy(picture => picture.Contents).Take(keep)
            .Select(picture => picture.Picture).OrderBy(picture => picture.Contents).ToList();
        var learnt = _new.All.Select(picture => picture.Picture).Except(aside).ToList();
        var judged = Judged(aside);

        var (growth, memory) = Grow(learnt, judged);
        List<GoodPicture> all = [.. learnt, .. aside];
        var (setting, wanted) = Judge(memory, judged);
        var alarming = Alarming(memory, all, setting.Threshold);
        for (int round = 0; round < Rounds && alarming.Exists(image => learnt.Contains(image.Picture)); round++)
        {
            int cells = growth.Count;
            var some = learnt.FindAll(picture => alarming.Exists(image => image.Picture == picture));
            memory = GrowOn(growth, some, setting.Threshold, judged);
            if (growth.Count == cells) break;
            (setting, wanted) = Judge(memory, judged);
            alarming = Alarming(memory, all, setting.Threshold);
        }
        if (setting.Calibration != wanted)
            _say(string.Create(CultureInfo.InvariantCulture,
                $"By {wanted.Images} good images the thresholds would be {wanted.Threshold:0.000} and, of pixels, "
                + $"{wanted.PixelThreshold:0.000}: they move by {Room:0 %} at "
                + $"most, unless --force is given."));
        var extent = new MemoryExtent(was.Config.Memory.Size, was.Config.Memory.Candidates, was.Training.Images,
            _kept.Known.Count, _kept.Pictures.Count);
        string from = $"{wanted.Images} good images, with {learnt.Count} learnt ({growth.Count} cells) and "
            + $"{aside.Count} kept" + (suspects > 0 ? $", forced: {suspects} score far above the rest" : "");
        var now = was.WithMore(memory.Config, learnt.Count, extent, setting with { From = from });
        if (!_request.DryRun)
        {
            now = now with { Quality = Quality(memory, judged) };
            Write(now, memory, extent, judged, learnt);
        }
        return new(Was: was, Now: now, Learnt: learnt.Count, Cells: growth.Count, Kept: aside.Count, Known: known,
            Alarming: [
                .. alarming.Select(image => (image.Picture.Item.Name, image.Score, learnt.Contains(image.Picture)))]);
    }

    /// <summary>Refuses what had better not be learnt; says it where it is forced. A trial draws all that
    /// alarm.</summary>
    /// <returns>How many pictures had better not be.</returns>
    private int RequireGood()
    {
        IReadOnlyList<NewPicture> suspects = _new.Suspects(), alarming = _request.DryRun ? _new.Alarming() : [];
        string drawn = alarming.Count == 0 ? "" : $"heat maps of all that alarm are in '{_new.Draw(alarming)}'";
        if (suspects.Count == 0)
        {
            if (drawn.Length > 0) _say($"Look at what would be learnt, since a defect would pass ever after: {drawn}.");
            return 0;
        }
        string what = $"{suspects.Count} of {_new.All.Count} new pictures score far above the rest, or above twice the "
            + $"threshold: {_new.Named(suspects)}{(drawn.Length > 0 ? $"; {drawn}" : "")}";
        if (!_request.Force)
            throw new MlffAdException(ExitCode.BadData, $"{what}; what shows a defect would pass ever after: "
                + "move it out of the folder, or give --force"
                + $"{(_request.DryRun ? "" : "; --dry-run draws the heat maps")}.");
        _say($"{what}.");
        return suspects.Count;
    }

    /// <summary>What the threshold rests on: pictures that the model keeps, those that are to be kept, those that were
    /// given; each once.</summary>
    private List<GoodPicture> Judged(IReadOnlyList<GoodPicture> aside)
    {
        var kept = _kept.Pictures.Select((pixels, i) => new GoodPicture(
            new ImageItem("", $"kept picture {i + 1}", DataSet.Good), pixels));
        var given = _new.Good().OrderBy(picture => picture.Contents);
        List<GoodPicture> judged = [.. kept.Concat(aside).Concat(given).DistinctBy(picture => picture.Contents)];
        return judged.Count >= Holdout.FewestHeld ? judged : throw new MlffAdException(ExitCode.BadData,
            $"{judged.Count} good images are too few to set a threshold with (at least {Holdout.FewestHeld}); give "
            + "more by --good DIR.");
    }

    /// <summary>Appends what is new in the pictures, and of those that alarm as much as it takes to let them
    /// pass.</summary>
    private (MemoryGrowth Growth, MadeMemory Memory) Grow(List<GoodPicture> learnt, List<GoodPicture> judged)
    {
        var was = _model.Metadata;
        // So they are good by the memory, however the threshold moves.
        double aim = was.Threshold - Room * Math.Abs(was.Threshold);
        var alarmed = _new.All.Where(picture => picture.Score > aim).Select(picture => picture.Contents).ToHashSet();
        int made = was.Earlier.Select(earlier => earlier.Memory).OfType<MemoryExtent>().FirstOrDefault()?.Vectors
            ?? was.Config.Memory.Size;
        var growth =
            new MemoryGrowth(model: _model, groups: _kept.GroupOf, vectors: made, pictures: learnt,
                isWhole: alarmed.Contains, device: _device, stop: _stop);
        growth.Take(growth.Radius, _ => true);
        var some = learnt.FindAll(picture => alarmed.Contains(picture.Contents));
        return (growth, GrowOn(growth, some, aim, judged));
    }

    private MadeMemory GrowOn(MemoryGrowth growth, List<GoodPicture> pictures, double aim, List<GoodPicture> judged)
    {
        float[]? scales = null;
        for (double radius = growth.Radius; ;)
        {
            _stop.ThrowIfCancellationRequested();
            var memory = growth.Grown();
            if (pictures.Count == 0) return memory;
            scales = Scaled(memory, judged, scales);
            pictures = [.. Alarming(memory, pictures, aim).Select(image => image.Picture)];
            if (pictures.Count == 0 || radius == 0) return memory;
            radius = radius > Nearest * growth.Radius ? Nearer * radius : 0;
            var contents = pictures.Select(picture => picture.Contents).ToHashSet();
            growth.Take(radius, contents.Contains);
        }
    }

    /// <summary>Gives a memory the scales of places that one a little smaller had; measures others.</summary>
    private float[]? Scaled(MadeMemory memory, List<GoodPicture> judged, float[]? scales)
    {
        var scaling = memory.Config.Memory.Scaling;
        if (scaling == Scaling.None) return null;
        if (scales is not null && scaling == Scaling.Place) scales.CopyTo(memory.Weights[MemoryNetwork.Scales]);
        else _judge.Measure(memory, judged, [], _others).Scale(memory);
        return memory.Weights[MemoryNetwork.Scales].ToArray();
    }

    /// <summary>Those that are above a threshold, and their scores.</summary>
    private List<(GoodPicture Picture, float Score)> Alarming(MadeMemory memory, List<GoodPicture> pictures,
        double threshold) => [.. pictures.Zip(_judge.ScoreWhole(memory, pictures))
            .Where(image => image.Second > threshold)];

    /// <summary>Scales and thresholds from pictures, each judged without its own cells in the memory.</summary>
    /// <returns>The thresholds, and what they would be if they might move as far.</returns>
    private (ThresholdSetting Setting, Calibration Wanted) Judge(MadeMemory memory, List<GoodPicture> judged)
    {
        var was = _model.Metadata;
        var scores = _judge.Measure(memory, judged, [], _others);
        scores.Scale(memory);
        var all = scores.Of(memory.Config).ToLookup(j => _remembered.Contains(j.Picture));
        var wanted = MemoryJudge.Calibrate(all[false], all[true], memory.Config,
            memory.Config.HasNetwork ? NetworkShare.Of(memory) : null);
        float threshold = Near(wanted.Threshold, was.Threshold);
        float pixel = Near(wanted.PixelThreshold, was.PixelThreshold);
        return (new(threshold, null, wanted with { Threshold = threshold, PixelThreshold = pixel }, was.From), wanted);
    }

    /// <summary>How well it tells those pictures from pseudo anomalies on them.</summary>
    private Quality? Quality(MadeMemory memory, List<GoodPicture> judged)
    {
        var shown = MemoryJudge.Shown([.. judged.Select(picture => picture.Item)], memory.Config.ImageSize);
        return MemoryJudge.Quality(_judge.Measure(memory, judged, shown, _others).Of(memory.Config), memory.Config,
            shown);
    }

    /// <summary>Remembered images, as they were found when the memory was made; what it has learnt since only brings
    /// them nearer.</summary>
    private static Measured[] Others(RememberedCells cells) => [.. cells.Distances.Select((distance, i) =>
        new Measured(new(new ImageItem("", $"remembered image {i + 1}", DataSet.Good), (ulong)i), distance,
            cells.Nearest.Count > 0 ? cells.Nearest[i] : []))];

    /// <summary>As far towards a threshold as it may move.</summary>
    private float Near(float wanted, float was)
    {
        float room = (float)(Room * Math.Abs(was));
        return _request.Force ? wanted : Math.Clamp(wanted, was - room, was + room);
    }

    private void Write(ModelMetadata now, MadeMemory memory, MemoryExtent extent, List<GoodPicture> judged,
        List<GoodPicture> learnt)
    {
        var known = new OrderedDictionary<ulong, int>(_kept.Known);
        bool keep = now.Config.Memory.Keep;
        foreach (ulong image in learnt.Concat(keep ? judged : []).Select(picture => picture.Contents).Order())
            known.TryAdd(image, memory.Groups.GetValueOrDefault(image, KeptPictures.NoGroup));
        RgbImage[] pictures = [.. (keep ? judged.Select(picture => picture.Pixels) : _kept.Pictures)];
        var replaced = new KeptPictures(pictures, known).ToTensorData(now.Config.ImageSize)
            .Concat(memory.Weights.ToTensorData().Where(tensor => tensor.Name is MemoryNetwork.Vectors
                or MemoryNetwork.Groups or MemoryNetwork.Scales)).ToList();
        if (now.Config.Memory.Scaling != Scaling.None)
        {
            var scales = _tensors.First(tensor => tensor.Name == MemoryNetwork.Scales);
            replaced.Add(scales with { Name = extent.ScalesName });
        }
        var names = replaced.Select(tensor => tensor.Name).ToHashSet();
        ModelFile.Save(_request.Output ?? _request.Model, now,
            [.. _tensors.Where(tensor => !names.Contains(tensor.Name)), .. replaced]);
    }

    /// <summary>The model as it is, where another file was asked for.</summary>
    private void Copy()
    {
        if (_request.DryRun || _request.Output is not { } output) return;
        using var from = File.OpenRead(_request.Model);
        AtomicFile.Write(output, from.CopyTo);
    }
}
