namespace MlffAd.Network;

/// <summary>Where training starts from (spec §8): random numbers, and in the backbone imported weights.</summary>
public static class Initialisation
{
    /// <summary>He normal by fan out for convolutions and row products, 1/fan in for the fusion, 1/outputs for a
    /// memory's projection (rounded to half precision), U(±1/√C₁) for the score, 1 and 0 for batch
    /// normalisation.</summary>
    public static NetworkWeights Random(ParameterList list, int seed)
    {
        var weights = NetworkWeights.Zeros(list);
        for (int i = 0; i < list.Trained.Count; i++)
        {
            var p = list.Trained[i];
            var values = weights[p];
            var rng = new Rng(seed, RngPurpose.Weights, index: i);
            if (p.Kind == ParameterKind.Scale) values.Fill(1);
            else if (p.Kind == ParameterKind.Shift) values.Clear();
            else Fill(values, p.Initial switch
            {
                InitialValues.Uniform => () => rng.Uniform(-1, 1) / Math.Sqrt(p.Count),
                InitialValues.FanIn => Normal(1.0 / p.Shape.C),
                InitialValues.Projection => () => (double)(Half)(Math.Sqrt(1.0 / p.Shape.N) * rng.Normal()),
                _ => Normal(2.0 / (p.Shape.N * p.Shape.Area)),
            });

            Func<double> Normal(double variance)
            {
                double deviation = Math.Sqrt(variance);
                return () => deviation * rng.Normal();
            }
        }
        foreach (var p in list.Statistics) weights[p].Fill(p.Kind == ParameterKind.RunningVariance ? 1 : 0);
        // A memory before it is made, to measure with; of copies, all would be the nearest.
        foreach (var p in list.Constants.Where(p => p.Name == MemoryNetwork.Vectors))
            Fill(weights[p], new Rng(seed, RngPurpose.Weights, index: list.Trained.Count).Normal);
        return weights;
    }

    /// <summary>Whether a backbone of these weights is the configured one.</summary>
    public static bool Fits(WeightsFile file, Config config) =>
        file.Width == config.Backbone.Width && file.Stages.SequenceEqual(config.Backbone.Stages);

    /// <summary>Puts imported weights into the backbone.</summary>
    public static void Import(WeightsFile file, NetworkWeights weights)
    {
        foreach (var p in weights.List.Trained.Concat(weights.List.Statistics).Where(p => p.IsBackbone))
            NetworkWeights.FromFile(p, file.Tensors[p.Name["backbone.".Length..]].Values, weights[p]);
    }

    private static void Fill(Span<float> values, Func<double> next)
    {
        foreach (ref float value in values) value = (float)next();
    }
}
