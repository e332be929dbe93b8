using System.CommandLine;
using MlffAd.Configuration;

namespace MlffAd.Cli;

/// <summary>Options that set keys of the configuration: <c>--synth.maskMinChange 20</c>, or <c>--mask-min-change 20</c> where no other key ends so.</summary>
internal sealed class ConfigOptions
{
    private readonly List<(ConfigKey Key, Option<string> Option)> _options = [];

    /// <param name="verb">Gets an option for each key.</param>
    /// <param name="keys">The keys that the verb obeys.</param>
    public ConfigOptions(Command verb, IEnumerable<ConfigKey> keys)
    {
        foreach (var key in keys)
        {
            string last = Last(key);
            bool unique = key.Name != last && Config.Keys.Count(k => Last(k) == last) == 1;
            string[] aliases = [.. (unique ? new[] { key.Name, last, Hyphenated(last) } : [key.Name, Hyphenated(key.Name)]).Distinct().Select(n => "--" + n).Skip(1)];
            var option = new Option<string>("--" + key.Name, aliases) { Description = $"{key.Description} Default {key.Default}.", HelpName = "VALUE" };
            verb.Options.Add(option);
            _options.Add((key, option));
        }
    }

    /// <summary>The configuration with what the command line says.</summary>
    /// <exception cref="MlffAdException">A value is refused (exit code 2).</exception>
    public Config Apply(ParseResult parse, Config config)
    {
        foreach (var (key, option) in _options)
            if (parse.GetValue(option) is { } value) config = config.With(key.Name, value);
        return config.Validate();
    }

    private static string Last(ConfigKey key) => key.Name[(key.Name.LastIndexOf('.') + 1)..];

    /// <summary><c>maskMinChange</c> as <c>mask-min-change</c>.</summary>
    private static string Hyphenated(string name) => string.Concat(name.Select(c => char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{c}"));
}
