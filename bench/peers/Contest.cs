namespace MlffAd.Peers;

/// <summary>A race between the engine and a peer on the same task.</summary>
/// <param name="Name">Name for --only.</param>
/// <param name="Preset">The network's configuration.</param>
/// <param name="Batch">Images per batch.</param>
internal abstract record Contest(string Name, string Preset, int Batch)
{
    /// <summary>All races.</summary>
    public static IEnumerable<Contest> All => [.. InferenceRace.All, .. TrainingRace.All];

    /// <summary>The peer's name in text and in the names of figures.</summary>
    public abstract (string Text, string Key) Peer { get; }

    /// <summary>Prepares both and races them.</summary>
    public abstract Outcome Run(int threads, int rounds);

    /// <summary>The network's configuration.</summary>
    protected Config Config { get; } = MlffAd.Configuration.Preset.Find(Preset).NetworkAlone;

    /// <summary>f1, f2 and f3 of the backbone alone.</summary>
    protected Value[] Backbone(IExecutor x, Value image)
    {
        var backbone = new Backbone(Config);
        var f1 = backbone.Stage(x, backbone.Stem(x, image), 1);
        var f2 = backbone.Stage(x, f1, 2);
        return [f1, f2, backbone.Stage(x, f2, 3)];
    }

    /// <summary>The shipped backbone; the rest initialised as for training.</summary>
    protected static NetworkWeights Weights(ParameterList list)
    {
        var weights = Initialisation.Random(list, 1);
        Initialisation.Import(WeightsFile.Load(WeightsFile.ShippedPath), weights);
        return weights;
    }

    /// <summary>A synthetic batch of waves and noise.</summary>
    protected byte[] Photographs()
    {
        int side = Config.ImageSize;
        var random = new Random(1);
        byte[] bytes = new byte[Batch * side * side * 3];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(128 + 60 * Math.Sin(i / 3 % side / 9.0) + 40 * Math.Sin(i / 3 / side / 7.0)
                + random.Next(-20, 20));
        return bytes;
    }

    /// <summary>The same, normalised.</summary>
    protected float[] NormalisedPhotographs()
    {
        byte[] bytes = Photographs();
        float[] images = new float[bytes.Length];
        Normalise.Forward(bytes, images, KernelOptions.Normalisation(Preprocessing.ImageNet));
        return images;
    }

    /// <summary>Largest difference relative to the peer's largest magnitude.</summary>
    protected static double Difference(ReadOnlySpan<float> ours, ReadOnlySpan<float> peers)
    {
        double largest = 0, difference = 0;
        for (int i = 0; i < peers.Length; i++)
            (largest, difference) =
                (Math.Max(largest, Math.Abs(peers[i])), Math.Max(difference, Math.Abs(ours[i] - peers[i])));
        return difference / largest;
    }
}

/// <summary>Result of a race.</summary>
/// <param name="Times">Seconds per batch.</param>
/// <param name="Remark">Agreement and other observations, in words.</param>
/// <param name="Figures">The same as numbers.</param>
internal sealed record Outcome(Race.Result Times, string Remark, params (string Name, double Value)[] Figures);
