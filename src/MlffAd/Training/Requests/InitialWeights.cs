namespace MlffAd.Training;

/// <summary>What training starts from: random numbers, and in the backbone the weights that were asked for.</summary>
/// <param name="Config">The configuration, stride placement and ε as the weights have them.</param>
/// <param name="Preprocessing">What the weights are fed.</param>
/// <param name="Weights">The numbers.</param>
/// <param name="Source">Where the backbone's come from; "random" if from nowhere.</param>
internal sealed record InitialWeights(Config Config, Preprocessing Preprocessing, NetworkWeights Weights, string Source)
{
    /// <summary>Reads the weights that a request names.</summary>
    /// <exception cref="MlffAdException">They cannot be read, do not fit, or contradict a key that was set
    /// (exit codes 2, 4).</exception>
    public static InitialWeights Of(TrainingRequest request, Action<string> say)
    {
        var config = request.Config;
        if (request.Network is { } network) return BackboneOf(network, config);
        var file = Find(request, say);
        if (file is not null) config = Follow(request, config, file);
        else if (!config.HasMemory && config.Train.Freeze != Freeze.None)
            throw new MlffAdException(ExitCode.Usage,
                "A backbone of random weights cannot be frozen, it would learn nothing; give '--freeze none'.");
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), config.Train.Seed);
        if (file is not null) Initialisation.Import(file, weights);
        string source = file is null ? "random" : file.Metadata.Origin ?? Path.GetFileName(file.Source);
        return new(config, file?.Metadata.Preprocessing ?? Preprocessing.ImageNet, weights, source);
    }

    /// <summary>The same to read images with, before it is known how much will be remembered of them: there is room
    /// for one vector.</summary>
    /// <exception cref="MlffAdException">As <see cref="Of"/>.</exception>
    public static InitialWeights ForMemory(TrainingRequest request, Action<string> say) =>
        Of(request with { Config = request.Config with { Memory = request.Config.Memory with { Size = 1 } } }, say);

    /// <summary>The backbone of a network.</summary>
    private static InitialWeights BackboneOf(TrainedNetwork network, Config config)
    {
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), config.Train.Seed);
        network.Weights.CopyTo(weights);
        return new(config, network.Preprocessing, weights, network.Record.Weights);
    }

    private static WeightsFile? Find(TrainingRequest request, Action<string> say)
    {
        if (request.Weights == "none")
        {
            say("The backbone starts from random weights.");
            return null;
        }
        string path = request.Weights ?? WeightsFile.ShippedPath;
        var (file, backbone) = (WeightsFile.Load(path), request.Config.Backbone);
        if (Initialisation.Fits(file, request.Config)) return file;
        if (request.Weights is not null)
            throw new MlffAdException(ExitCode.BadModel,
                $"'{path}' has stages [{string.Join(',', file.Stages)}] of width "
                + $"{file.Width}, the configuration asks for [{string.Join(',', backbone.Stages)}] of width "
                + $"{backbone.Width}; "
                + "set backbone.stages and backbone.width, or give '--weights none'.");
        say("The backbone starts from random weights: the shipped ones have another shape.");
        return null;
    }

    private static Config Follow(TrainingRequest request, Config config, WeightsFile file)
    {
        var asked = config;
        if (file.Metadata.StrideIn is { } stride) Require("backbone.strideIn", stride == StrideIn.OneByOne ? "1x1"
            : "3x3");
        if (file.Metadata.BnEps is { } eps) Require("backbone.bnEps", eps.ToString("R", CultureInfo.InvariantCulture));
        return config;

        void Require(string key, string value)
        {
            config = config.With(key, value);
            if (config.Get(key) != asked.Get(key) && request.ExplicitKeys.Contains(key))
                throw new MlffAdException(ExitCode.Usage, $"{key} was set to {asked.Get(key)}, but '{file.Source}' was "
                    + $"trained with {value}; leave the key out or take other weights.");
        }
    }
}
