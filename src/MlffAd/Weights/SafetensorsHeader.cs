using System.Text.Json;

namespace MlffAd.Weights;

/// <summary>The JSON header of a safetensors file, read token by token: nothing is allocated by a
/// number found in it.</summary>
/// <remarks>Every fault is a <see cref="FormatException"/> whose message is a clause that <see cref="SafetensorsFile"/>
/// puts after the file's name.</remarks>
internal static class SafetensorsHeader
{
    /// <summary>Longest header that readers of this format accept.</summary>
    public const int LongestHeader = 100_000_000;

    public const string MetadataKey = "__metadata__";

    /// <summary>Parses <paramref name="json"/> and checks that the tensors tile the <paramref name="dataLength"/>
    /// bytes after it.</summary>
    public static (OrderedDictionary<string, TensorInfo> Tensors,
        Dictionary<string, string> Metadata) Parse(ReadOnlySpan<byte> json, long dataLength)
    {
        if (json.IsEmpty || json[0] != '{') throw new FormatException("its header does not start with '{'");
        var found = new List<TensorInfo>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
        try
        {
            Next(ref reader, JsonTokenType.StartObject, "the header");
            while (Key(ref reader, "the header") is { } name)
            {
                if (!names.Add(name)) throw new FormatException($"'{name}' is in its header twice");
                if (name == MetadataKey) ReadMetadata(ref reader, metadata);
                else found.Add(ReadTensor(ref reader, name));
                TensorInfo.RequireCount(found.Count);
            }
            if (reader.Read()) throw new FormatException("something follows its header's closing brace");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is not valid UTF-8 or holds half of a surrogate pair.
            throw new FormatException($"its header is not valid JSON ({e.Message.TrimEnd('.')})", e);
        }
        return (Tile(found, dataLength), metadata);
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        Next(ref reader, JsonTokenType.StartObject, MetadataKey);
        while (Key(ref reader, MetadataKey) is { } key)
        {
            Next(ref reader, JsonTokenType.String, $"{MetadataKey} '{key}'");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw new FormatException($"'{key}' is in its {MetadataKey} twice");
        }
    }

    private static TensorInfo ReadTensor(ref Utf8JsonReader reader, string name)
    {
        DType? dtype = null;
        List<long>? shape = null, offsets = null;
        Next(ref reader, JsonTokenType.StartObject, $"'{name}'");
        while (Key(ref reader, $"'{name}'") is { } key)
        {
            if (key == "dtype" && dtype is null) dtype = ReadDType(ref reader, name);
            else if (key == "shape" && shape is null) shape = ReadNumbers(ref reader, name);
            else if (key == "data_offsets" && offsets is null) offsets = ReadNumbers(ref reader, name);
            else throw new FormatException($"'{name}' has the key '{key}' twice or is not to have it");
        }
        if (dtype is not { } type || shape is null || offsets is not [var begin, var end])
            throw new FormatException($"'{name}' lacks its dtype, its shape or its two data_offsets");
        long bytes = type.Size();
        var extents = new int[shape.Count];
        for (int i = 0; i < extents.Length; i++)
        {
            if (shape[i] > int.MaxValue)
                throw new FormatException($"'{name}' has an extent of {shape[i]}, beyond {int.MaxValue}");
            extents[i] = (int)shape[i];
            try { bytes = checked(bytes * shape[i]); }
            catch (OverflowException e)
            {
                throw new FormatException($"'{name}' has more numbers than can be counted",
                e);
            }
        }
        if (end < begin || end - begin != bytes)
            throw new FormatException(
                $"'{name}' needs {bytes} bytes by its shape and dtype, but its data_offsets are {begin} and {end}");
        return new TensorInfo(name, type, extents, begin, bytes);
    }

    private static DType ReadDType(ref Utf8JsonReader reader, string name)
    {
        Next(ref reader, JsonTokenType.String, $"'{name}', dtype");
        string text = reader.GetString()!;
        // Enum.TryParse takes "7" for a value; a name starts with a letter.
        if (text.Length == 0 || !char.IsAsciiLetterUpper(text[0]) || text.Contains(',', StringComparison.Ordinal)
            || !Enum.TryParse(text, out DType type))
            throw new FormatException($"'{name}' has the unknown dtype '{text}'");
        return type;
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, string name)
    {
        var numbers = new List<long>();
        Next(ref reader, JsonTokenType.StartArray, $"'{name}'");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long n) || n < 0)
                throw new FormatException($"'{name}' has a shape or data_offsets that are not whole numbers from 0 up");
            numbers.Add(n);
            TensorInfo.RequireDimensions(numbers.Count, $"'{name}'");
        }
        return numbers;
    }

    /// <summary>Tensors in the order of their bytes, which they must fill from the first to the
    /// last, none twice.</summary>
    private static OrderedDictionary<string, TensorInfo> Tile(List<TensorInfo> found, long dataLength)
    {
        found.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin)
            : a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(a.Name, b.Name));
        var tensors = new OrderedDictionary<string, TensorInfo>(found.Count, StringComparer.Ordinal);
        long position = 0;
        foreach (var tensor in found)
        {
            if (tensor.Begin != position)
                throw new FormatException(
                    $"'{tensor.Name}' starts at byte {tensor.Begin} of the data, where byte {position} is next "
                        + $"({(tensor.Begin < position ? "an overlap" : "a gap")})");
            position += tensor.Length;
            if (position > dataLength)
                throw new FormatException(
                    $"'{tensor.Name}' ends at byte {position} of the data, which has {dataLength}");
            tensors.Add(tensor.Name, tensor);
        }
        if (position != dataLength)
            throw new FormatException($"its tensors cover {position} of its {dataLength} bytes of data");
        return tensors;
    }

    private static void Next(ref Utf8JsonReader reader, JsonTokenType wanted, string where)
    {
        if (!reader.Read() || reader.TokenType != wanted)
            throw new FormatException($"{where} holds {reader.TokenType} where {wanted} is due");
    }

    /// <summary>The next key of an object, or null at its end.</summary>
    private static string? Key(ref Utf8JsonReader reader, string where)
    {
        if (!reader.Read()) throw new FormatException($"{where} ends early");
        return reader.TokenType == JsonTokenType.EndObject ? null : reader.GetString();
    }
}
