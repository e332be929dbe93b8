namespace MlffAd.Training;

/// <summary>A memory that has been made.</summary>
/// <param name="Config">The configuration, with as many vectors as there are.</param>
/// <param name="Weights">Backbone, projection, vectors, groups, step.</param>
/// <param name="Groups">The group of each remembered image, by its contents.</param>
/// <param name="Items">The images that were read, by their contents, which copies have in common.</param>
internal sealed record MadeMemory(Config Config, NetworkWeights Weights, IReadOnlyDictionary<ulong, int> Groups,
    IReadOnlyDictionary<ulong, List<ImageItem>> Items)
{
    /// <summary>The groups that images are judged without; null where all is of one image, and nothing would be left to
    /// judge it by.</summary>
    public IReadOnlyDictionary<ulong, int>? OwnGroups
    {
        get
        {
            var groups = Weights[MemoryNetwork.Groups];
            return groups.ContainsAnyExcept(groups[0]) ? Groups : null;
        }
    }
}

/// <summary>Draws cells of good images, and chooses those that cover them (spec §14).</summary>
internal sealed class MemoryMaker(
    TrainingRequest request, InitialWeights start, Device device, Action<string> say, CancellationToken stop)
    : IDisposable
{
    /// <summary>The least part of a memory that is made where time is short.</summary>
    private const double Least = 0.02;

    /// <summary>Cells of a trial that tells the device's speed.</summary>
    private const int TrialCells = 512;

    private readonly CellReader _reader = new(start.Config, start.Weights, start.Preprocessing, device,
        (x, image) => [new MemoryNetwork(start.Config).Cells(x, image)]);
    private readonly int _width = request.Config.Memory.Width, _cells = request.Config.Cells;
    private readonly Dictionary<ulong, List<ImageItem>> _items = [];
    private readonly HashSet<ImageItem> _unreadable = [];
    private float _step = float.NaN;

    /// <summary>What is remembered: <c>memory.size</c> and <c>memory.candidates</c>, less where time is
    /// short.</summary>
    private (int Size, int Candidates) _asked = (request.Config.Memory.Size, request.Config.Memory.Candidates);

    /// <summary>What is strange about the images that were read, a sentence each.</summary>
    public IReadOnlyList<string> Doubts => _reader.Doubts.All;

    /// <summary>Images that could not be read.</summary>
    public IReadOnlySet<ImageItem> Unreadable => _unreadable;

    /// <summary>Most images of a lot.</summary>
    public int LotImages { get; init; } = MemoryImages.LotImages;

    /// <summary>Makes a memory.</summary>
    /// <param name="images">Those to remember.</param>
    /// <param name="held">Others, that show what is usual; none: the remembered show it, each without itself.</param>
    /// <param name="rejects">Counts images that cannot be read.</param>
    /// <param name="phases">Told where the work stands; null if nobody asks.</param>
    /// <param name="judged">Images that will be judged afterwards, for the estimate.</param>
    /// <param name="folds">Whether each by a memory that is made of the others.</param>
    public MadeMemory Make(IReadOnlyList<ImageItem> images, IReadOnlyList<ImageItem> held, Rejects rejects,
        MemoryPhases? phases = null, int judged = 0, bool folds = false)
    {
        if (images.Count == 0) throw Nothing();
        _step = float.NaN;
        var lots = MemoryImages.Lots(images, LotImages);
        long read = 0;
        void OnRead(ImageItem item, MlffAdException? error)
        {
            if (error is not null)
            {
                if (phases is not null) say(error.Message);
                _unreadable.Add(item);
                rejects.Add(error);
            }
            phases?.Advance(++read);
        }

        phases?.Begin(MemoryPhases.Reading, images.Count + (NeedsUnit ? held.Count : 0));
        using var usual = NeedsUnit && held.Count > 0 ? Draw(held, CellPool.UnitCells, OnRead) : null;
        if (lots is [var only])
        {
            using var pool = Draw(only, _asked.Candidates, OnRead);
            Settle(pool, usual, phases, 1, judged, folds);
            return Choose(pool, Math.Min(_asked.Candidates, pool.Keys.Count), phases);
        }
        if ((long)lots.Count * _asked.Size * _width > int.MaxValue)
            throw new MlffAdException(ExitCode.Usage,
                $"memory.size {_asked.Size:#,0} is too large for {images.Count:#,0} "
                    + $"photographs: take at most {int.MaxValue / lots.Count / _width:#,0}.");
        using var merged = new CellPool(device, lots.Count * _asked.Size, _width);
        foreach (var lot in lots)
        {
            using var pool = Draw(lot, _asked.Candidates, OnRead);
            Settle(pool, usual, phases, lots.Count, judged, folds);
            int candidates = Math.Min(_asked.Candidates, pool.Keys.Count);
            foreach (int row in KCentre.Choose(pool.First(candidates), _asked.Size, null, stop).Indices)
                merged.Add(pool.Keys[row], pool.Row(row).ToArray());
        }
        merged.Sort();
        return Choose(merged, merged.Keys.Count, phases);
    }

    /// <summary>Draws the pool of some images, places and all.</summary>
    public CellPool Draw(IReadOnlyList<ImageItem> images)
    {
        if (images.Count == 0) throw Nothing();
        var rejects = new Rejects(images.Count, request.MaxBad);
        var pool = Draw(images, _asked.Candidates, (_, error) =>
        {
            if (error is not null) rejects.Add(error);
        });
        Settle(pool, null, null, 1, 0, false);
        return pool;
    }

    public void Dispose() => _reader.Dispose();

    private static MlffAdException Nothing() => new(ExitCode.BadData, "There are no images to learn from.");

    private bool NeedsUnit => request.Config.Memory.Place > 0;

    private CellPool Draw(
        IReadOnlyList<ImageItem> images, int most, Action<ImageItem, MlffAdException?> onRead)
    {
        var pool = new CellPool(device, (int)Math.Min(most, (long)images.Count * _cells), _width);
        var seen = new HashSet<ulong>();
        try
        {
            _reader.Read(images, request.MaxPixels, (picture, cells, _, _) =>
            {
                CellReader.Finite(picture, cells);
                ulong image = picture.Owner;
                if (!_items.TryGetValue(image, out var copies)) _items[image] = copies = [];
                copies.Add(picture.Item);
                // Copies have the same keys, and would take the place of other cells.
                if (!seen.Add(image)) return;
                for (int cell = 0; cell < _cells; cell++)
                    pool.Add(CellKey.Of(request.Config.Train.Seed, image, cell), cells.Slice(cell * _width, _width));
            }, onRead, stop);
            if (pool.Keys.Count == 0) throw Nothing();
            pool.Sort();
            return pool;
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    /// <summary>What only the first pool can tell: the unit of place, and how much the time allows. Then places are
    /// written beside the features.</summary>
    private void Settle(CellPool pool, CellPool? usual, MemoryPhases? phases, int lots, int judged, bool folds)
    {
        if (float.IsNaN(_step))
        {
            double unit = NeedsUnit ? pool.UsualDistance(usual ?? pool, stop) : 0;
            _step = (float)(request.Config.Memory.Place * unit);
            if (phases is not null) Expect(phases, pool, lots, judged, folds);
        }
        pool.SetPlaces(_step, request.Config.MapSide);
    }

    private void Expect(MemoryPhases phases, CellPool pool, int lots, int judged, bool folds)
    {
        int b = Math.Min(TrialCells, pool.Keys.Count);
        using var distance = Tensor.Rent(device, Shape.Of(1, b, 1), "distances");
        using var index = Tensor.Rent(device, Shape.Of(1, b, 1), "nearest");
        double trial = Timing.SecondsPerCall(() =>
        {
            NearestVector.Forward(pool.First(b), pool.First(b), distance, index);
            device.Synchronize();
        }, TimeSpan.FromMilliseconds(20));
        double pair = trial / b / b, image = phases.SecondsOfOne;
        double Seconds(double share)
        {
            double size = share * _asked.Size, candidates = share * Math.Min(_asked.Candidates, pool.Keys.Count);
            double last = lots == 1 ? candidates : lots * size;
            return MemoryPhases.ChoosingShare * pair * size * ((lots > 1 ? lots * candidates : 0) + last);
        }
        // In folds each is judged by a memory that is made for it; with scales each is read for both halves' and all.
        double Judged(double share) => judged * (folds ? phases.All * image + Seconds(share)
            : (request.Config.Memory.Scaling == Scaling.None ? 1 : 3) * (image + pair * _cells * share * _asked.Size));
        double factor = 1;
        if (request.TimeBudget is { } budget)
        {
            double left = (budget - phases.Elapsed).TotalSeconds - (phases.All - phases.Done) * image;
            while (factor > Least && Seconds(factor) + Judged(factor) > left) factor *= 0.95;
            if (factor < 1)
            {
                _asked = (Math.Max(1, (int)(factor * _asked.Size)), Math.Max(1, (int)(factor * _asked.Candidates)));
                string why = factor > Least ? "To keep the time"
                    : "The time is too short for these photographs and will not be kept";
                say($"{why}: {_asked.Size:#,0} vectors are chosen of {_asked.Candidates:#,0} cells; "
                    + "a longer --time-budget makes a better memory.");
            }
        }
        phases.Expect(MemoryPhases.Choosing, Seconds(factor));
        phases.Expect(MemoryPhases.Comparing, pair * factor * _asked.Size * factor * _asked.Size);
        if (judged > 0) phases.Expect(MemoryPhases.Judging, Judged(factor));
    }

    /// <summary>The vectors that cover the first so many of the pool.</summary>
    private MadeMemory Choose(CellPool pool, int candidates, MemoryPhases? phases)
    {
        int size = Math.Min(_asked.Size, candidates);
        phases?.Begin(MemoryPhases.Choosing, size);
        var chosen = KCentre.Choose(pool.First(candidates), size, done => phases?.Advance(done), stop).Indices;
        if (phases is not null) Say(chosen.Length, candidates, pool);
        ulong[] shown = [.. chosen.Select(row => pool.Keys[row].Image).Distinct().Order()];
        var groups = shown.Index().ToDictionary(entry => entry.Item, entry => entry.Index);

        var config = start.Config with
        {
            Memory = request.Config.Memory with { Size = chosen.Length, Candidates = _asked.Candidates },
        };
        var list = MlffNetwork.Parameters(config);
        var weights =
            new NetworkWeights(list, start.Weights.Trained, start.Weights.Statistics, new float[list.ConstantFloats]);
        weights[MemoryNetwork.Step][0] = _step;
        for (int j = 0; j < chosen.Length; j++)
        {
            pool.Row(chosen[j]).Read(weights[MemoryNetwork.Vectors].Slice(j * _width, _width));
            weights[MemoryNetwork.Groups][j] = groups[pool.Keys[chosen[j]].Image];
        }
        return new(config, weights, groups, _items);
    }

    private void Say(int chosen, int cells, CellPool pool)
    {
        if (chosen >= _asked.Size) return;
        int images = pool.Keys.Take(cells).Select(key => key.Image).Distinct().Count();
        if (chosen == 1)
            say("All cells that were drawn are alike: is this the right folder? Whatever differs will be called a "
                + "defect.");
        else
            say($"Of {cells:#,0} cells drawn from {images} image{(images == 1 ? "" : "s")} {chosen:#,0} differ: all of "
                + $"these are remembered instead of {_asked.Size:#,0}.");
    }
}
