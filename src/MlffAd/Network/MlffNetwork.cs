namespace MlffAd.Network;

/// <summary>What the network computes of a batch (spec §3–§6).</summary>
/// <param name="F">Fused features, <c>[N, M, M, fusion.width]</c>.</param>
/// <param name="S">Scores, <c>[N, M, M, 1]</c>.</param>
/// <param name="Stages">The backbone's f1, f2, f3.</param>
/// <param name="Texture">The texture branch's [p, t, x], or null.</param>
/// <param name="Sc">What is enlarged and fused beside it: the self-calibrated module's output, or f3.</param>
public sealed record Features(Value F, Value S, Value[] Stages, Value? Texture, Value Sc);

/// <summary>The multi-level feature fusion network, figure 1 of the paper: backbone, texture branch, self-calibrated
/// module, fusion, score.</summary>
public sealed class MlffNetwork(Config config)
{
    private readonly Backbone _backbone = new(config);
    private readonly TextureBranch _texture = new(config);
    private readonly SelfCalibrated _sc = new(config);

    /// <summary>Describes what scores a configuration's images: its network, or its memory of good parts.</summary>
    /// <returns>From normalised images <c>[N, S, S, 3]</c> to the score map <c>[N, M, M, 1]</c>; where there are both,
    /// to the memory's own map as well, which an image's score is read from.</returns>
    public static Func<IExecutor, Value, Value[]> Scores(Config config) => (config.HasMemory, config.HasNetwork) switch
    {
        (true, true) => (x, image) =>
        {
            var network = new MlffNetwork(config).Forward(x, image);
            var (map, own) = new MemoryNetwork(config).Beside(x, network);
            return [map, own];
        }
        ,
        (true, false) => (x, image) => [new MemoryNetwork(config).Forward(x, image)],
        _ => (x, image) => [new MlffNetwork(config).Forward(x, image).S],
    };

    /// <summary>Lists the parameters of what <see cref="Scores"/> describes.</summary>
    /// <exception cref="MlffAdException">A map of one image, or all weights together, would have 2³¹ numbers or more
    /// (exit code 2).</exception>
    public static ParameterList Parameters(Config config) => ParameterList.Of(config, Scores(config));

    /// <summary>Describes the network to an executor.</summary>
    /// <param name="x">Who computes, plans or lists.</param>
    /// <param name="image">Normalised images, <c>[N, S, S, 3]</c>.</param>
    public Features Forward(IExecutor x, Value image)
    {
        int n = image.Shape.N, side = config.MapSide, details = config.TextureChannels, deep = config.ScChannels;
        var fused = x.New(new(n, side, side, details + deep), "fused");
        // What details are made of, [avgpool(f1), f2], enters the texture branch, or without it the fusion itself.
        int f1Channels = config.StageChannels(1), pooled = f1Channels + config.StageChannels(2);
        var pyramid = config.Texture.Enabled ? x.New(new(n, side, side, pooled), "pyramid") : fused.Slice(0, pooled);

        var stem = _backbone.Stem(x, image);
        var f1 = _backbone.Stage(x, stem, 1);
        x.AveragePool(f1, 2, into: pyramid.Slice(0, f1Channels));
        var f2 = _backbone.Stage(x, f1, 2, into: pyramid.Slice(f1Channels, config.StageChannels(2)));
        var f3 = _backbone.Stage(x, f2, 3);

        var texture = config.Texture.Enabled ? _texture.Forward(x, pyramid, fused.Slice(0, details)) : null;
        var sc = config.Sc.Enabled ? _sc.Forward(x, f3) : f3;
        x.Bilinear(sc, side, alignCorners: false, into: fused.Slice(details, deep));

        var F = x.Conv(Layer.Conv("fusion", config.Fusion.Width) with { Initial = InitialValues.FanIn }, fused);
        var score = new Layer("score", 1, new(1), WeightLayout.Score) { Initial = InitialValues.Uniform };
        var S = config.Score.Linear ? x.Conv(score, F) : x.Distance(F);
        return new Features(F, S, [f1, f2, f3], texture, sc);
    }
}
