using MlffAd.Configuration;

namespace MlffAd.Execution;

/// <summary>Batch normalisation that no longer learns is part of the convolution before it.</summary>
internal static class Folding
{
    private const double Eps = 1e-5;

    extension(NetworkWeights weights)
    {
        /// <summary><c>γ·(x∗w − μ)/σ + β = x∗(γ/σ·w) + (β − μ·γ/σ)</c>, σ = √(running variance + ε).</summary>
        public (float[] Weight, float[] Bias) Fold(Config config, Layer layer, string bn)
        {
            var names = new BnNames(bn);
            double eps = weights.List[names.Scale].IsBackbone ? config.Backbone.BnEps : Eps;
            Span<float> w = weights[layer.Name + ".weight"], gamma = weights[names.Scale], beta = weights[names.Shift], mean = weights[names.Mean], variance = weights[names.Variance];
            var (folded, bias) = (new float[w.Length], new float[gamma.Length]);
            int filter = w.Length / gamma.Length;
            for (int o = 0; o < gamma.Length; o++)
            {
                double factor = gamma[o] / Math.Sqrt(variance[o] + eps);
                for (int i = o * filter; i < (o + 1) * filter; i++) folded[i] = (float)(factor * w[i]);
                bias[o] = (float)(beta[o] - factor * mean[o]);
            }
            return (folded, bias);
        }
    }
}
