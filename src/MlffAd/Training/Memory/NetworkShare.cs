namespace MlffAd.Training;

/// <summary>What a network's scores count beside a memory's in the map (spec §14).</summary>
/// <param name="Weight"><c>memory.network</c>: w deviations of the memory's map for each of the network's.</param>
/// <param name="Shift">The network's mean over good cells.</param>
/// <param name="Factor">Of what is above it.</param>
internal sealed record NetworkShare(double Weight, float Shift, float Factor)
{
    /// <summary>Weights that are compared where the user set none.</summary>
    private static readonly double[] Candidates = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1];

    /// <summary>What a weight's error must be below, of the next smaller best's, to stand in its place; and what keeps
    /// errors from 0.</summary>
    private const double Better = 0.99, Least = 0.001;

    /// <summary>Part of the chosen weight that counts: what was drawn is more like what a network was trained on than
    /// defects are.</summary>
    private const double Trust = 0.5;

    /// <summary>Chooses by pseudo anomalies that no network is trained on: the smallest product of the errors of cells
    /// by area and by anomaly.</summary>
    /// <param name="judged">Good pictures, and others made of them, that neither was made of.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="given">The weight that the user set; null to choose.</param>
    public static NetworkShare Choose(IReadOnlyList<Judged> judged, Config config, double? given)
    {
        var shown = new ShownCells([.. judged.Select(j => j.Picture)], config);
        Judged[] good = [.. judged.Where(j => j.Picture.IsGood)];
        var (_, ownDeviation) = Moments(good.SelectMany(j => j.Map.Values));
        var (mean, deviation) = Moments(good.SelectMany(j => j.Network!));
        double unit = deviation > 0 ? ownDeviation / deviation : 0;
        NetworkShare Of(double weight) => new(unit > 0 ? weight : 0, (float)mean, (float)(weight * unit));
        if (given is { } weight) return Of(weight);
        var (best, least) = (Of(0), double.PositiveInfinity);
        foreach (var share in Candidates.Select(Of))
        {
            double error = GroupedAuroc.Of([.. judged.SelectMany(j => share.Map(j).Values)], shown.OfCell,
                shown.Owners.Length, shown.ByArea, shown.ByAnomaly)
                .Aggregate(1.0, (product, auroc) => product * (1 - auroc.All + Least));
            if (error < Better * least) (best, least) = (share, error);
        }
        return Of(Trust * best.Weight);
    }

    /// <summary>That of a model that has both.</summary>
    public static NetworkShare Of(MadeMemory memory)
    {
        var row = memory.Weights[MemoryNetwork.NetworkScales];
        return new(memory.Config.Memory.Network, row[0], row[1]);
    }

    /// <summary>As a model keeps it: a row (shift, factor) for each of so many cells.</summary>
    public float[] Rows(int cells) => [.. Enumerable.Range(0, 2 * cells).Select(i => i % 2 == 0 ? Shift : Factor)];

    /// <summary>The map of both.</summary>
    public ScoreMap Map(Judged judged) => new(judged.Map.Width, judged.Map.Height, [.. judged.Map.Values
        .Zip(judged.Network!, (own, network) => own + Factor * (network - Shift))]);

    private static (double Mean, double Deviation) Moments(IEnumerable<float> values)
    {
        double count = 0, sum = 0, squares = 0;
        foreach (float v in values) (count, sum, squares) = (count + 1, sum + v, squares + (double)v * v);
        double mean = sum / count;
        return (mean, Math.Sqrt(Math.Max(0, squares / count - mean * mean)));
    }
}
