namespace MlffAd.Training;

/// <summary>A training's state without the tensors.</summary>
internal sealed record TrainingState
{
    public long Step { get; init; }
    public long Images { get; init; }
    public int Epochs { get; init; }
    public int Skipped { get; init; }
    public int SkippedInARow { get; init; }
    public int StayedGood { get; init; }
    public TimeSpan Elapsed { get; init; }
    public string Source { get; init; } = "random";

    /// <summary>Sums over the finite steps of the present epoch, and how many they are.</summary>
    public FinalLosses Sums { get; init; } = new(0, 0, 0, 0);
    public int Summed { get; init; }

    /// <summary>Means over the last epoch done.</summary>
    public FinalLosses? LastEpoch { get; init; }

    /// <summary>How the loss has gone; null where the training was begun by a version that did not know.</summary>
    public LossTrend? Trend { get; init; } = new();

    public TrainingState After(StepResult result, BatchTicket batch, int stepsPerEpoch)
    {
        var (sums, l) = (Sums, result.Losses);
        var next = this with
        {
            Step = Step + 1,
            Images = Images + batch.Images,
            StayedGood = StayedGood + batch.StayedGood + result.StayedGood,
        };
        next = result.IsFinite
            ? next with
            {
                SkippedInARow = 0,
                Summed = Summed + 1,
                Sums = new(sums.Total + l.Total, sums.Lf + l.Lf, sums.Ls + l.Ls, sums.Lfs + l.Lfs),
                Trend = Trend?.After(l.Total),
            }
            : next with { SkippedInARow = SkippedInARow + 1, Skipped = Skipped + 1 };
        return next.Step % stepsPerEpoch != 0 ? next
            : next with
            {
                Epochs = Epochs + 1,
                LastEpoch = next.Means ?? LastEpoch,
                Sums = new(0, 0, 0, 0),
                Summed = 0,
            };
    }

    public TrainingRecord Record(Config config) => new(Epochs, Images, config.Train.Seed, Source, LastEpoch ?? Means);

    public CheckpointMetadata ToMetadata(Config config, Preprocessing preprocessing, string name,
        IReadOnlyList<TrainingFile> files, TimeSpan elapsed, Budget budget,
        SplitBy split)
    {
        var counters = new Dictionary<string, double>
        {
            ["skipped"] = Skipped,
            ["stayedGood"] = StayedGood,
            ["seconds"] = elapsed.TotalSeconds,
            ["summed"] = Summed,
            ["sum.total"] = Sums.Total,
            ["sum.lf"] = Sums.Lf,
            ["sum.ls"] = Sums.Ls,
            ["sum.lfs"] = Sums.Lfs,
        };
        Trend?.Write(counters);
        if (budget.Images is { } images) counters["maxImages"] = images;
        if (budget.Time is { } time) counters["timeBudget"] = time.TotalSeconds;
        return new CheckpointMetadata(Config: config, Preprocessing: preprocessing,
            Training: Record(config) with { Losses = LastEpoch }, Step: Step, Class: name, Files: files,
            Counters: counters, Split: split);
    }

    public static (TrainingState State, Budget Budget) From(CheckpointMetadata m)
    {
        double Counter(string name) => m.Counters.GetValueOrDefault(name);
        var state = new TrainingState
        {
            Step = m.Step,
            Images = m.Training.Images,
            Epochs = m.Training.Epochs,
            Source = m.Training.Weights,
            LastEpoch = m.Training.Losses,
            Skipped = (int)Counter("skipped"),
            StayedGood = (int)Counter("stayedGood"),
            Elapsed = TimeSpan.FromSeconds(Counter("seconds")),
            Summed = (int)Counter("summed"),
            Trend = LossTrend.Read(m.Counters),
            Sums = new(Counter("sum.total"), Counter("sum.lf"), Counter("sum.ls"), Counter("sum.lfs")),
        };
        return (state, new Budget(m.Counters.TryGetValue("maxImages", out double images) ? (long)images : null,
            m.Counters.TryGetValue("timeBudget", out double seconds) ? TimeSpan.FromSeconds(seconds) : null));
    }

    private FinalLosses? Means =>
        Summed == 0 ? null : new(Sums.Total / Summed, Sums.Lf / Summed, Sums.Ls / Summed, Sums.Lfs / Summed);
}
