using System.CommandLine;

namespace MlffAd.Cli;

/// <summary>Options that set keys of the configuration: <c>--synth.maskMinChange 20</c>, or <c>--mask-min-change 20</c>
/// where no other key ends so.</summary>
internal sealed class ConfigOptions
{
    private readonly List<(ConfigKey Key, Option<string> Option)> _options = [];

    /// <param name="verb">Gets an option for each key.</param>
    /// <param name="keys">The keys that the verb obeys.</param>
    /// <param name="shown">Which of them its help shows; all, unless said. Of a verb that has presets, it
    /// shows no defaults.</param>
    public ConfigOptions(Command verb, IEnumerable<ConfigKey> keys, IReadOnlySet<string>? shown = null)
    {
        foreach (var key in keys)
        {
            string last = Last(key);
            bool unique = key.Name != last && Config.Keys.Count(k => Last(k) == last) == 1;
            // A verb that has presets shows the short name, the one that is typed.
            string[] names = [.. (unique
                ? new[] { key.Name, last, Hyphenated(last) }
                : [key.Name, Hyphenated(key.Name)]).Distinct().Select(n => "--" + n)];
            if (shown is not null) Array.Reverse(names);
            var option = new Option<string>(names[0], names[1..])
            {
                Description = shown is null ? $"{key.Description} Default {key.Default}." : key.Description,
                HelpName = "VALUE",
                Hidden = shown?.Contains(key.Name) == false,
            };
            verb.Options.Add(option);
            _options.Add((key, option));
        }
    }

    /// <summary>What the command line says, by the keys' names.</summary>
    public IEnumerable<(string Key, string Value)> Given(ParseResult parse) =>
        _options.Select(o => (o.Key.Name, Value: parse.GetValue(o.Option))).Where(o => o.Value is not null)
            .Select(o => (o.Name, o.Value!));

    /// <summary>The configuration with what the command line says.</summary>
    /// <exception cref="MlffAdException">A value is refused (exit code 2).</exception>
    public Config Apply(ParseResult parse, Config config) =>
        Given(parse).Aggregate(config, (c, given) => c.With(given.Key, given.Value)).Validate();

    private static string Last(ConfigKey key) => key.Name[(key.Name.LastIndexOf('.') + 1)..];

    /// <summary><c>maskMinChange</c> as <c>mask-min-change</c>.</summary>
    private static string Hyphenated(string name) =>
        string.Concat(name.Select(c => char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{c}"));
}
