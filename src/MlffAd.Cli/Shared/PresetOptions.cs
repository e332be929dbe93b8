using System.CommandLine;

namespace MlffAd.Cli;

/// <summary>A configuration from the command line: a preset, and keys set one by one.</summary>
internal sealed class PresetOptions
{
    private readonly Option<string?> _preset = new("--preset")
    {
        Description = "The configuration to start from: "
            + string.Join(", ", Configuration.Preset.All.Select(p => p.Name))
            + "; to train, memory on a processor and paper on a GPU unless given. 'mlffad config --presets' says more.",
        HelpName = "NAME",
    };

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Set any key of the configuration, such as --set train.schedule=cosine; may be repeated. "
            + "'mlffad config --keys' lists them.",
        HelpName = "KEY=VALUE",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly ConfigOptions _keys;

    /// <param name="verb">Gets the options.</param>
    /// <param name="shown">The keys whose own options its help shows; the others' work too.</param>
    public PresetOptions(Command verb, params string[] shown)
    {
        verb.Options.Add(_preset);
        verb.Options.Add(_set);
        _keys = new(verb, Config.Keys, shown.ToHashSet());
        _set.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => token.Value.IndexOf('=',
                StringComparison.Ordinal) < 1) is { } wrong)
                result.AddError($"--set takes KEY=VALUE, not '{wrong.Value}'.");
        });
    }

    /// <summary>The preset that was named; null if none was.</summary>
    public string? Preset(ParseResult parse) => parse.GetValue(_preset);

    /// <summary>What is measured unless something else is asked for: the paper's network and eight images.</summary>
    public Config ForBench(ParseResult parse) =>
        Apply(Configuration.Preset.Find(Preset(parse) ?? "paper").With("train.batch", "8"), Given(parse));

    /// <summary>The same for a bench of training steps.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="instead">What to do with a memory, which takes none.</param>
    /// <exception cref="MlffAdException">The configuration has a memory alone (exit code 2).</exception>
    public Config ForTrainingBench(ParseResult parse, string instead)
    {
        var config = ForBench(parse);
        return config.HasNetwork ? config.NetworkAlone : throw new MlffAdException(ExitCode.Usage,
            $"A memory takes no training steps: {instead}.");
    }

    /// <summary>The keys that were set, by their whole names, in the order of the configuration's.</summary>
    /// <exception cref="MlffAdException">A key is unknown or set twice (exit code 2).</exception>
    public IReadOnlyDictionary<string, string> Given(ParseResult parse)
    {
        var given = new Dictionary<string, string>();
        var said = (parse.GetValue(_set) ?? []).Select(item => item.Split('=', 2))
            .Select(item => (Key: Config.Resolve(item[0].Trim()), Value: item[1]));
        foreach (var (key, value) in _keys.Given(parse).Concat(said))
            if (!given.TryAdd(key, value))
                throw new MlffAdException(ExitCode.Usage, $"'{key}' is set twice; say once what it should be.");
        return given;
    }

    /// <summary>A configuration with the keys that were set. A network whose backbone trains has no memory beside it,
    /// which would have that backbone.</summary>
    /// <exception cref="MlffAdException">A key does not take its value, or keys contradict one another
    /// (exit code 2).</exception>
    public static Config Apply(Config config, IReadOnlyDictionary<string, string> given) =>
        given.Aggregate(IsTrained(config, given) ? config.NetworkAlone : config, (c, key) => c.With(key.Key, key.Value))
            .Validate();

    private static bool IsTrained(Config config, IReadOnlyDictionary<string, string> given) =>
        config.HasBoth && given.Any(key => key.Key is "train.freeze" or "train.bn"
            && config.With(key.Key, key.Value) != config);
}
