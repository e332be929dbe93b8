namespace MlffAd.Data;

/// <summary>One training image of an epoch.</summary>
/// <param name="Place">Its place in the repeated list: the index of its streams of random numbers.</param>
/// <param name="Image">The good image.</param>
/// <param name="Anomaly">The pseudo anomaly it gets; null for none.</param>
public readonly record struct TrainingEntry(int Place, int Image, AnomalyKind? Anomaly);

/// <summary>Plans epochs (spec §2.7): the good images <c>train.repeat</c> times, exactly
/// round(<c>pseudoRatio</c>·n·repeat) of the entries pseudo-anomalous, chosen anew each epoch, in an
/// order of its own.</summary>
public sealed class TrainingSampler(Config config, int images)
{
    /// <summary>Entries of an epoch.</summary>
    public int EpochLength { get; } = checked(images * config.Train.Repeat);

    /// <summary>Entries of an epoch that become pseudo-anomalous; a half rounds up.</summary>
    public int AnomalousPerEpoch =>
        (int)Math.Round((decimal)config.Train.PseudoRatio * EpochLength, MidpointRounding.AwayFromZero);

    /// <summary>The entries of an epoch in the order of training; the same however often, and on whatever thread,
    /// it is asked for.</summary>
    public TrainingEntry[] Epoch(int epoch)
    {
        var places = new int[EpochLength];
        for (int i = 0; i < places.Length; i++) places[i] = i;
        var selection = new Rng(config.Train.Seed, RngPurpose.Selection, epoch);
        selection.Shuffle(places.AsSpan());
        var entries = new TrainingEntry[EpochLength];
        for (int i = 0; i < places.Length; i++)
            entries[i] = new(places[i], places[i] % images, i < AnomalousPerEpoch
                ? PseudoAnomalies.DrawKind(config.Synth, selection)
                : null);
        // The first ones are the chosen: what puts them among the others must not be what chose them.
        new Rng(config.Train.Seed, RngPurpose.Order, epoch).Shuffle(entries.AsSpan());
        return entries;
    }
}
