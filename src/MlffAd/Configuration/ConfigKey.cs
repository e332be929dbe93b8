using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace MlffAd.Configuration;

/// <summary>One key of the configuration: what <c>--train.lr</c> is, which values it takes, what it stands
/// at by default.</summary>
public sealed class ConfigKey
{
    /// <summary>Most numbers of a list.</summary>
    private const int MostNumbers = 64;

    private readonly KeyAttribute _rule;
    private readonly Type _type;

    internal ConfigKey(string name, JsonTypeInfo type, KeyAttribute rule, JsonNode value)
    {
        (Name, _type, _rule, Default) = (name, type.Type, rule, Text(value));
        if (_type == typeof(bool)) Choices = ["true", "false"];
        else if (_type.IsEnum) Choices = [.. Enum.GetValuesAsUnderlyingType(_type).Cast<object>()
            .Select(v => Text(JsonSerializer.SerializeToNode(Enum.ToObject(_type, v), type)!))];
    }

    /// <summary>Dotted name, <c>train.lr</c>.</summary>
    public string Name { get; }

    /// <summary>Its meaning, one sentence.</summary>
    public string Description => _rule.About;

    /// <summary>Value of the preset <c>paper</c>, as <see cref="Config.With"/> takes it.</summary>
    public string Default { get; }

    /// <summary>All values it takes, where they are words; else empty.</summary>
    public ImmutableArray<string> Choices { get; } = [];

    /// <summary>The values it takes, in words: <c>a number above 0</c>.</summary>
    public string Takes => Choices is not [] ? string.Join(" or ", Choices)
        : !IsList ? $"a {(IsWhole ? "whole number" : "number")}{Bounds}"
        : _rule.Range ? $"two {Numbers}{Bounds}, the smaller first, such as {Default}"
        : $"{(_rule.Count > 0 ? $"{_rule.Count} " : "")}{Numbers}{Bounds}, such as {Default}";

    private bool IsList => _type == typeof(ImmutableArray<int>) || _type == typeof(ImmutableArray<double>);

    private bool IsWhole => _type == typeof(int) || _type == typeof(ImmutableArray<int>);

    private string Numbers => IsWhole ? "whole numbers" : "numbers";

    private string Bounds
    {
        get
        {
            string low = double.IsInfinity(_rule.Min) ? "" : _rule.Above
                ? $" above {Text(_rule.Min)}"
                : $" of at least {Text(_rule.Min)}";
            string high = double.IsInfinity(_rule.Max) ? "" : _rule.Below
                ? $" below {Text(_rule.Max)}"
                : $" at most {Text(_rule.Max)}";
            return $"{low}{(low == "" || high == "" ? "" : " and")}{high}"
                + (_rule.MultipleOf > 1 ? $", a multiple of {_rule.MultipleOf}" : "");
        }
    }

    /// <summary>The value that a text stands for.</summary>
    /// <exception cref="MlffAdException">The key does not take it (exit code 2).</exception>
    internal JsonNode Parse(string text)
    {
        if (IsList && text.AsSpan().Count(',') >= MostNumbers)
            throw new MlffAdException(ExitCode.Usage,
                $"'{Name}' cannot have more than {MostNumbers} numbers; it takes {Takes}.");
        return TryParse(text.Trim())
            ?? throw new MlffAdException(ExitCode.Usage, $"'{Name}' cannot be '{Shown.Text(text)}'; it takes {Takes}.");
    }

    /// <summary>The text of a value: words and numbers as they are, lists in brackets.</summary>
    internal static string Text(JsonNode value) =>
        value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private JsonNode? TryParse(string text)
    {
        if (_type == typeof(bool)) return text is "true" or "false" ? JsonValue.Create(text == "true") : null;
        if (_type.IsEnum) return Choices.Contains(text) ? JsonValue.Create(text) : null;
        if (!IsList) return Number(text);
        if (text is ['[', .. var inside, ']']) text = inside;
        var items = text.Split(',').Select(t => Number(t.Trim())).ToArray();
        int count = _rule.Range ? 2 : _rule.Count;
        bool wrong = items.Contains(null) || (count > 0 && items.Length != count)
            || (_rule.Range && items[0]!.GetValue<double>() > items[1]!.GetValue<double>());
        return wrong ? null : new JsonArray(items);
    }

    private JsonValue? Number(string text)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            || !double.IsFinite(value)) return null;
        if (_rule.Above ? value <= _rule.Min : value < _rule.Min) return null;
        if (_rule.Below ? value >= _rule.Max : value > _rule.Max) return null;
        if (!IsWhole) return JsonValue.Create(value);
        return value == (int)value && (int)value % _rule.MultipleOf == 0 ? JsonValue.Create((int)value) : null;
    }
}
