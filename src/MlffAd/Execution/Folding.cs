namespace MlffAd.Execution;

/// <summary>Folds batch normalisation with fixed statistics into the convolution before it.</summary>
internal static class Folding
{
    extension(NetworkWeights weights)
    {
        /// <summary><c>γ·(x∗w − μ)/σ + β = x∗(γ/σ·w) + (β − μ·γ/σ)</c>, σ = √(running variance + ε).</summary>
        public Filter Fold(Config config, Layer layer, string bn)
        {
            var names = new BnNames(bn);
            double eps = weights.List[names.Scale].IsBackbone ? config.Backbone.BnEps : BatchNorm.Epsilon;
            Span<float> gamma = weights[names.Scale], beta = weights[names.Shift];
            Span<float> mean = weights[names.Mean];
            Span<float> variance = weights[names.Variance];
            var (scales, bias) = (new double[gamma.Length], new float[gamma.Length]);
            for (int o = 0; o < gamma.Length; o++)
            {
                scales[o] = gamma[o] / Math.Sqrt(variance[o] + eps);
                bias[o] = (float)(beta[o] - scales[o] * mean[o]);
            }
            return new Filter(weights.Numbers(layer.Name + ".weight"), gamma.Length, scales, bias);
        }
    }
}
