namespace MlffAd.Training;

/// <summary>What was chosen.</summary>
/// <param name="Candidates">All of them, the chosen one first, the others by their error.</param>
/// <param name="Dissenters">Images, by their contents, without which another would have been chosen: they were not
/// judged without themselves if the chosen one judged them.</param>
internal sealed record MemoryChosen(IReadOnlyList<MemoryCandidate> Candidates, IReadOnlySet<ulong> Dissenters);

/// <summary>Chooses a memory's numbers by pseudo anomalies on good images, each judged without itself (spec
/// §14).</summary>
internal sealed class MemoryChoice
{
    /// <summary>Images that the small memories remember, and that judge, at most.</summary>
    private const int MostRemembered = 200, MostJudged = 32;

    /// <summary>What a candidate's error must be below, of the defaults', to stand in their place.</summary>
    private const double Better = 0.99;

    /// <summary>Kept from 0, so that where nothing is missed something can still be told: an error of 1 in 1,000
    /// pairs.</summary>
    private const double Least = 0.001;

    /// <summary>The map's side at which <see cref="Smooths"/> and <see cref="Readouts"/> are what they are, and how
    /// many times finer a map they follow.</summary>
    private const double UsualSide = 32, MostFiner = 4;

    private static readonly double[] Smooths = [0.6, 0.8, 1.2];

    private static readonly int[] Readouts = [0, 5, 20];

    private readonly TrainingRequest _request;
    private readonly Device _device;
    private readonly CancellationToken _stop;
    private readonly MemoryConfig _asked;
    private readonly bool[] _means;
    private readonly double[] _places, _smooths;
    private readonly Scaling[] _scalings;
    private readonly int[] _readouts;

    public MemoryChoice(TrainingRequest request, Device device, CancellationToken stop)
    {
        (_request, _device, _stop, _asked) = (request, device, stop, request.Config.Memory);
        _means = Free("memory.mean", _asked.Mean, [false, true]);
        _places = Free("memory.place", _asked.Place, [0, 0.05, 0.1, 0.2]);
        _scalings = Free("memory.scaling", _asked.Scaling, [Scaling.None, Scaling.Place]);
        // Both count cells, which are smaller on the part the larger the map is.
        double finer = Math.Clamp(request.Config.MapSide / UsualSide, 1, MostFiner);
        _smooths = Free("memory.smooth", _asked.Smooth, [.. Smooths.Select(cells => Math.Round(cells * finer, 2))]);
        _readouts = Free("memory.readout", _asked.Readout,
            [.. Readouts.Select(cells => (int)(cells * finer * finer))]);
    }

    /// <summary>Whether there is anything to choose.</summary>
    public bool IsOpen => _means.Length * _places.Length * _scalings.Length * _smooths.Length * _readouts.Length > 1;

    /// <summary>Images that will be read.</summary>
    public static int Reads(MemoryImages images) =>
        Math.Min(MostRemembered, images.Remembered.Count) + Math.Min(MostJudged, images.Judged.Count);

    /// <summary>Measures all candidates.</summary>
    /// <param name="images">Those to remember, and those to judge by.</param>
    /// <param name="onRead">Told of each image that was read.</param>
    /// <returns>Null where too few images can be read to tell.</returns>
    public MemoryChosen? Choose(MemoryImages images, Action onRead)
    {
        var screened = new MemoryScreen(_request, _device, _stop).Measure(_means, _places,
            [.. Holdout.ByName(images.Remembered).Take(MostRemembered)],
            [.. Holdout.ByName(images.Judged).Take(MostJudged)], onRead);
        if (screened.Count == 0) return null;
        var shown = new ShownCells([.. screened[0].Scores.Pictures], _request.Config);
        var all = new List<Ranked>();
        foreach (var memory in screened)
            foreach (var scaling in _scalings)
                foreach (double smooth in _smooths)
                {
                    _stop.ThrowIfCancellationRequested();
                    all.AddRange(Rank(memory, scaling, smooth, shown));
                }
        if (!all.All(ranked => double.IsFinite(ranked.Error()))) return null;
        // The defaults come first.
        var chosen = Best(all, ranked => ranked.Error());
        return new([chosen.Candidate, .. all.Where(ranked => ranked != chosen).OrderBy(ranked => ranked.Error())
            .Select(ranked => ranked.Candidate)],
            shown.Owners.Where((_, owner) => Best(all, ranked => ranked.Error(owner)) != chosen).ToHashSet());
    }

    /// <summary>That of the least error, or the first where that is as good as the best.</summary>
    private static Ranked Best(List<Ranked> all, Func<Ranked, double> error)
    {
        var best = all.MinBy(error)!;
        return error(best) < Better * error(all[0]) ? best : all[0];
    }

    /// <summary>What a memory finds with a scaling and a smoothing: a candidate for each readout.</summary>
    private IEnumerable<Ranked> Rank(MemoryScreen.Screened memory, Scaling scaling, double smooth, ShownCells shown)
    {
        var config = _request.Config with
        {
            Memory = _asked with { Size = memory.Vectors, Scaling = scaling, Smooth = smooth },
        };
        ScoreMap[] maps = [.. memory.Scores.Of(config).Select(judged => judged.Map)];
        var cells = GroupedAuroc.Of([.. maps.SelectMany(map => map.Values)], shown.OfCell, shown.Owners.Length,
            shown.ByArea, shown.ByAnomaly);
        foreach (int readout in _readouts)
        {
            var read = config with { Memory = config.Memory with { Readout = readout } };
            float[] scores = [.. maps.AsParallel().AsOrdered().Select(map => map.Readout(read))];
            var image = GroupedAuroc.Of(scores, shown.OfImage, shown.Owners.Length, shown.ByImage)[0];
            yield return new(new(Mean: memory.Mean, Place: memory.Place, Scaling: scaling, Smooth: smooth,
                Readout: readout, Image: image.All, Area: cells[0].All, Anomaly: cells[1].All), [image, .. cells]);
        }
    }

    /// <summary>What a key may be, its default first; what the user set is all that it may be.</summary>
    private T[] Free<T>(string key, T asked, T[] others) =>
        _request.ExplicitKeys.Contains(key) || !_asked.Choose ? [asked] : [.. others.Prepend(asked).Distinct()];

    /// <summary>A candidate and its figures.</summary>
    private sealed record Ranked(MemoryCandidate Candidate, GroupedAuroc[] Figures)
    {
        /// <summary>The product of its errors.</summary>
        public double Error() => Figures.Aggregate(1.0, (product, auroc) => product * (1 - auroc.All + Least));

        /// <summary>The same without an image.</summary>
        public double Error(int owner) =>
            Figures.Aggregate(1.0, (product, auroc) => product * (1 - auroc.Without[owner] + Least));
    }
}
