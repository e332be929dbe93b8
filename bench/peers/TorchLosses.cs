using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace MlffAd.Peers;

/// <summary>The three losses of spec §7 in libtorch, for batches that have both good and anomalous cells.</summary>
internal static class TorchLosses
{
    /// <summary>α L_f + β L_s + ξ L_fs of features F [N, M, M, C], scores S and labels [N, M, M, 1].</summary>
    public static Tensor Evaluate(Tensor F, Tensor S, Tensor labels, LossConfig c)
    {
        if (c.Pairing != Pairing.Mean)
            throw new NotSupportedException("The peer compares with the mean good score alone.");
        Tensor good = 1 - labels, n0 = good.sum(), n1 = labels.sum(), A = TorchExecutor.Distance(F);
        var lf = 0.5 * (A * good).sum() / n0 - 0.5 * ((-(-A).expm1()).clamp_min(1e-6).log() * labels).sum() / n1;
        var mean = (S * good).sum() / n0;
        var ls = ((S - c.Gamma).relu() * good).sum() / n0 + ((c.Lambda - (S - mean)).relu() * labels).sum() / n1;
        return c.Alpha * lf + c.Beta * ls + c.Xi * Structure(F, S, labels, c);
    }

    /// <summary>L_fs: distances among an image's good patches should agree in F and S.</summary>
    private static Tensor Structure(Tensor F, Tensor S, Tensor labels, LossConfig c)
    {
        long n = F.shape[0];
        Tensor Patches(Tensor map) =>
            avg_pool2d(map.permute(0, 3, 1, 2), c.Patch, c.Patch).permute(0, 2, 3, 1).reshape(n, -1, map.shape[3]);
        Tensor f = Patches(F), s = Patches(S), y = Patches(labels), sum = zeros(1);
        for (long i = 0; i < n; i++)
        {
            var good = (y[i] == 0).squeeze(1).nonzero().squeeze(1);
            if (good.shape[0] < 2) continue;
            Tensor Rows(Tensor patches)
            {
                var x = patches[i].index_select(0, good);
                return log_softmax(((x.unsqueeze(0) - x.unsqueeze(1)).square().sum(-1) + 1e-8).sqrt() / c.Temperature,
                    -1);
            }
            Tensor a = Rows(s), b = Rows(f);
            sum = sum + (a.exp() * (a - b)).sum(-1).mean();
        }
        return sum.squeeze() / n;
    }
}
