using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MlffAd.Configuration;

public sealed partial record Config
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly FrozenDictionary<string, ConfigKey> ByName;

    /// <summary>Letters of a name that is still compared with the keys, for the nearest.</summary>
    private const int LongestName = 64;

    static Config()
    {
        Keys = [.. Walk(ConfigJson.Default.Config, "", new Config().ToTree())];
        ByName = Keys.ToFrozenDictionary(k => k.Name);
    }

    /// <summary>All keys, in the order of the JSON.</summary>
    public static IReadOnlyList<ConfigKey> Keys { get; }

    /// <summary>Finds a key by its dotted name, or by the end of it where only one key ends so. Case and hyphens do not
    /// count: <c>weight-decay</c> is <c>train.weightDecay</c>.</summary>
    /// <exception cref="MlffAdException">No key or several are meant (exit code 2); the message names
    /// the nearest.</exception>
    public static string Resolve(string name)
    {
        if (name.Length > LongestName) throw Unknown(name);
        string wanted = Plain(name);
        var meant = Keys.Where(k => Plain(k.Name) == wanted).ToArray();
        if (meant is []) meant = [.. Keys.Where(k => Plain(k.Name).EndsWith("." + wanted, StringComparison.Ordinal))];
        return meant switch
        {
            [var key] => key.Name,
            [] => throw Unknown(name),
            _ => throw new MlffAdException(ExitCode.Usage,
                $"'{name}' could be {string.Join(", ", meant.Select(k => k.Name))}; say which."),
        };
    }

    /// <summary>Whether a key, by its whole name, is one of the memory's own.</summary>
    public static bool IsOfMemory(string key) => key.StartsWith("memory.", StringComparison.Ordinal);

    /// <summary>Whether a memory is another with a key: all else concerns what a network trains.</summary>
    public static bool ConcernsMemory(string key) =>
        IsOfMemory(key) || key is "imageSize" or "bitDepth" or "train.holdout" or "train.seed"
            || key.StartsWith("backbone.", StringComparison.Ordinal)
            || key.StartsWith("verdict.", StringComparison.Ordinal);

    /// <summary>The same configuration but for one key.</summary>
    /// <param name="key">A name that <see cref="Resolve"/> finds.</param>
    /// <param name="value">The value as text: <c>0.01</c>, <c>cosine</c>, <c>[1,2,4]</c> or <c>1,2,4</c>.</param>
    /// <exception cref="MlffAdException">The key is unknown or does not take the value (exit code 2). What keys demand
    /// of one another is left to <see cref="Validate"/>.</exception>
    public Config With(string key, string value)
    {
        var known = ByName[Resolve(key)];
        var tree = ToTree();
        Set(tree, known.Name, known.Parse(value));
        return FromTree(tree);
    }

    /// <summary>A key's value, as <see cref="With"/> takes it.</summary>
    /// <exception cref="MlffAdException">The key is unknown (exit code 2).</exception>
    public string Get(string key)
    {
        JsonNode node = ToTree();
        foreach (string part in Resolve(key).Split('.')) node = node[part]!;
        return ConfigKey.Text(node);
    }

    /// <summary>All keys as JSON, always in the same order; without those of the memory where there is none, and
    /// without those at their defaults that earlier versions do not know: <c>bitDepth</c>, <c>memory.choose</c>,
    /// <c>memory.keep</c>, <c>memory.network</c>.</summary>
    public string ToJson(bool indented = false)
    {
        var tree = ToTree();
        if (!this.HasMemory) tree.Remove("memory");
        else
        {
            var memory = tree["memory"]!.AsObject();
            if (Memory.Keep) memory.Remove("keep");
            if (Memory.Choose) memory.Remove("choose");
            if (Memory.Network == 0) memory.Remove("network");
        }
        if (BitDepth == new Config().BitDepth) tree.Remove("bitDepth");
        return tree.ToJsonString(indented ? Indented : null);
    }

    /// <summary>Reads JSON; keys that it does not have stand at their defaults.</summary>
    /// <exception cref="MlffAdException">It is not JSON, a key is unknown or twice there, a value is refused, or keys
    /// contradict one another (exit code 2).</exception>
    public static Config FromJson(string json)
    {
        var tree = new Config().ToTree();
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new JsonException("an object is expected");
            Overlay(tree, document.RootElement, "");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // All but JsonException: a string that holds half of a surrogate pair.
            throw new MlffAdException(ExitCode.Usage,
                $"The configuration is not JSON as it should be: {e.Message.TrimEnd('.')}.", e);
        }
        return FromTree(tree).Validate();
    }

    /// <summary>Whether all keys have equal values.</summary>
    public bool Equals(Config? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);

    private static void Overlay(JsonObject tree, JsonElement section, string prefix)
    {
        foreach (var property in section.EnumerateObject())
        {
            string name = prefix + property.Name;
            if (ByName.TryGetValue(name, out var key))
            {
                bool text = property.Value.ValueKind == JsonValueKind.String;
                var value = key.Parse(text ? property.Value.GetString()! : property.Value.GetRawText());
                if (text != (value.GetValueKind() == JsonValueKind.String))
                    throw new MlffAdException(ExitCode.Usage, $"'{name}' is {Shown.Text(property.Value.GetRawText())} "
                        + $"in the JSON; it takes {key.Takes}, {(text ? "without" : "in")} quotes.");
                Set(tree, name, value);
            }
            else if (property.Value.ValueKind == JsonValueKind.Object
                && Keys.Any(k => k.Name.StartsWith(name + ".", StringComparison.Ordinal)))
                Overlay(tree, property.Value, name + ".");
            else throw Unknown(name);
        }
    }

    private static void Set(JsonObject tree, string name, JsonNode value)
    {
        string[] parts = name.Split('.');
        JsonNode section = tree;
        foreach (string part in parts[..^1]) section = section[part]!;
        section[parts[^1]] = value;
    }

    private JsonObject ToTree() => JsonSerializer.SerializeToNode(this, ConfigJson.Default.Config)!.AsObject();

    private static Config FromTree(JsonObject tree) => tree.Deserialize(ConfigJson.Default.Config)!;

    private static IEnumerable<ConfigKey> Walk(JsonTypeInfo section, string prefix, JsonNode defaults)
    {
        foreach (var property in section.Properties)
        {
            string name = prefix + property.Name;
            var type = ConfigJson.Default.GetTypeInfo(property.PropertyType)!;
            var value = defaults[property.Name]!;
            if (property.AttributeProvider?.GetCustomAttributes(typeof(KeyAttribute), false) is [KeyAttribute rule])
                yield return new ConfigKey(name, type, rule, value);
            else
                foreach (var key in Walk(type, name + ".", value)) yield return key;
        }
    }

    private static MlffAdException Unknown(string name)
    {
        if (name.Length > LongestName)
            return new MlffAdException(ExitCode.Usage,
                $"There is no key '{Shown.Text(name, LongestName)}'; no key has more than {LongestName} letters.");
        string wanted = Plain(name);
        // A bare name is compared with each word of the keys, a dotted one with whole keys.
        int Distance(string key) =>
            wanted.Contains('.')
                ? EditDistance.Between(wanted, key)
                : key.Split('.').Min(word => EditDistance.Between(wanted, word));
        string nearest = Keys.MinBy(k => Distance(Plain(k.Name)))!.Name;
        return new MlffAdException(ExitCode.Usage, $"There is no key '{name}'; the nearest is '{nearest}'.");
    }

    private static string Plain(string name) => name.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
}

/// <summary>JSON of configurations, generated at compile time so that trimmed and native builds have it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Config))]
internal sealed partial class ConfigJson : JsonSerializerContext;
