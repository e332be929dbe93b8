namespace MlffAd.Network;

/// <summary>The self-calibrated module on f3 (spec §5): a coarse view of the map gates a fine one.</summary>
public sealed class SelfCalibrated(Config config)
{
    /// <summary><c>BN(conv(c₃ · sigmoid(f3 + up(c₂))))</c>, without ReLU: <c>[N, M/2, M/2, sc.width]</c>.</summary>
    public Value Forward(IExecutor x, Value f3)
    {
        int w = config.Sc.Width, r = config.Sc.Pool;
        if (w != f3.Shape.C) f3 = x.ConvBn(Layer.Conv("sc.reduce", w), "sc.bnreduce", f3, Activation.ReLU);
        var c2 = x.ConvBn(Layer.Conv("sc.k2", w, 3), "sc.bn2", x.AveragePool(f3, r));
        var gate = x.Add(f3, x.Nearest(c2, r), Activation.Sigmoid);
        var c3 = x.ConvBn(Layer.Conv("sc.k3", w, 3), "sc.bn3", f3);
        return x.ConvBn(Layer.Conv("sc.k4", w, 3), "sc.bn4", x.Multiply(c3, gate));
    }
}
